"""The code in the manual's chapters runs: what a reader copies does what the chapter says."""

import dataclasses
import inspect
import subprocess
import sys
from types import ModuleType

import pytest

from tests.contracts import test_factor as laws
from tests.documents.markdown import DOCS, ROOT, blocks
from tests.documents.terminal import read_aloud
from tests.support.server import running_server, surroundings, twofold
from twofold import settings
from twofold.core import otp
from twofold.core.errors import Malformed
from twofold.factors import Wish

HOW_TO = DOCS / "how-to"
CHAPTER = HOW_TO / "add-a-factor.md"
CONFIGURATIONS = [
    pytest.param(block, id=f"{page.name}:{block.line}")
    for page in sorted(HOW_TO.glob("*.md"))
    for block in blocks(page, "toml")
]
PROGRAMS = [
    pytest.param(block, id=f"line {block.line}")
    for block in blocks(HOW_TO / "embed-as-a-library.md", "python")
]
OPERATED = ("backup-keys.md", "rotate-keys.md", "unlock-a-user.md", "verify-the-audit.md")
"""Chapters whose commands an operator copies."""


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
    with pytest.raises(Malformed, match="128 bits"):
        hotp.Hotp().bind(laws.ALICE, Wish(secret=b"short"), laws.seed(), laws.NOW)


def test_the_factor_of_the_chapter_is_a_value(hotp):
    assert dataclasses.is_dataclass(hotp.Hotp)


@pytest.mark.parametrize("block", CONFIGURATIONS)
def test_every_configuration_of_the_manual_is_taken(block, tmp_path):
    # What a chapter keeps under /etc stands here for the length of the test.
    (tmp_path / "mail").mkdir()
    file = tmp_path / "twofold.toml"
    file.write_text(block.text.replace("/etc/twofold", str(tmp_path)))

    known = settings.load([file])

    assert known.origins


@pytest.mark.parametrize("block", PROGRAMS)
def test_the_programs_of_the_manual_run(block, tmp_path):
    ran = subprocess.run(
        [sys.executable, "-c", block.text],
        cwd=tmp_path,
        env=surroundings(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    assert "signed in" in ran.stdout


@pytest.mark.parametrize("name", OPERATED)
def test_the_commands_of_a_chapter_work(name, tmp_path):
    with running_server(tmp_path) as server:
        twofold("user", "add", "alice", data=server.data)
        (tmp_path / "scripts").symlink_to(ROOT / "scripts")

        printed = read_aloud(HOW_TO / name, server, tmp_path, ())

    assert "Traceback" not in printed


def test_every_chapter_with_commands_is_tried():
    told = {page.name for page in HOW_TO.glob("*.md") if blocks(page, "sh")}

    assert told == {*OPERATED, "keep-your-own-passwords.md"}  # that one: test_tutorial
