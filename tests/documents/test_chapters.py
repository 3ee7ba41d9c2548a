"""The code in the manual's chapters runs: what a reader copies does what the chapter says."""

import dataclasses
import inspect
import sys
from types import ModuleType

import pytest

from tests.contracts import test_factor as laws
from tests.documents.markdown import DOCS, blocks
from twofold.core import otp
from twofold.factors import Wish

CHAPTER = DOCS / "how-to" / "add-a-factor.md"


@pytest.fixture
def hotp(monkeypatch):
    """The module that the chapter shows, and its line in the law."""
    file, law, *_ = blocks(CHAPTER, "python")
    module = ModuleType("twofold.factors.hotp")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(file.text, str(CHAPTER), "exec"), vars(module))  # noqa: S102 -- our own page
    monkeypatch.setattr(laws, "KINDS", dict(laws.KINDS))
    monkeypatch.setattr(laws, "RIGHT_ANSWER", dict(laws.RIGHT_ANSWER))
    names = {**vars(laws), "Hotp": module.Hotp, "Wish": Wish, "otp": otp}
    exec(compile(law.text, str(CHAPTER), "exec"), names)  # noqa: S102 -- our own page
    return module


def test_the_factor_of_the_chapter_obeys_every_law(hotp):
    ran = 0
    for name, law in vars(laws).items():
        if not name.startswith("test_"):
            continue
        match list(inspect.signature(law).parameters):
            case ["kind"]:
                law("hotp")
            case ["kind", "answer"]:
                for answer in laws.TYPE_ZOO:
                    law("hotp", answer)
            case ["kind", "other"]:
                for other in laws.KINDS.keys() - {"hotp"}:
                    law("hotp", other)
                    law(other, "hotp")
            case _:
                continue
        ran += 1

    assert ran > 10


def test_the_factor_of_the_chapter_makes_the_codes_of_its_standard(hotp):
    held, _ = laws.bind(hotp.Hotp(), Wish(secret=b"12345678901234567890"))

    found = []
    for code in ("755224", "287082", "969429"):  # RFC 4226 appendix D: counters 0, 1 and 3
        proof = hotp.Hotp().verify(held, laws.CEREMONY, code, laws.NOW)
        found.append(proof.note)
        held = laws.spend(held, proof)

    assert found == ["counter=0", "counter=1", "counter=3"]
    again = hotp.Hotp().verify(held, laws.CEREMONY, "287082", laws.NOW)
    assert again.hint == "replayed"


def test_the_factor_of_the_chapter_refuses_short_keys(hotp):
    with pytest.raises(Exception, match="128 bits"):
        hotp.Hotp().bind(laws.ALICE, Wish(secret=b"short"), laws.seed(), laws.NOW)


def test_the_factor_of_the_chapter_is_a_value(hotp):
    assert dataclasses.is_dataclass(hotp.Hotp)
