"""A factor of another package: found by its entry point, loaded only when it is named."""

import sys
import textwrap

import pytest

from twofold import settings
from twofold.core.errors import Misconfigured
from twofold.wiring.extensions import factors
from twofold.wiring.house import build

POINTS = "[twofold.factors]\npaper = paper_factor:made\nbroken = nowhere:made\n"
FACTOR = """
    from dataclasses import replace
    from twofold.factors.email import email

    def made():
        return replace(email(), kind="paper")
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Another package, installed where this process finds it."""
    (tmp_path / "paper_factor.py").write_text(textwrap.dedent(FACTOR))
    info = tmp_path / "paper_factor-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: paper-factor\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(POINTS)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("paper_factor", None)


def test_a_named_factor_is_loaded_and_others_are_left_alone(package):
    assert [factor.kind for factor in factors(["paper"])] == ["paper"]


def test_nothing_is_loaded_unless_it_is_named(package):
    assert factors([]) == ()
    assert "paper_factor" not in sys.modules


def test_a_factor_that_nobody_offers_is_a_fault_of_the_settings(package):
    with pytest.raises(Misconfigured) as refused:
        factors(["paper", "scroll", "stone"])

    assert refused.value.faults == (
        "factors.enabled: no installed package offers 'scroll'",
        "factors.enabled: no installed package offers 'stone'",
    )


def test_a_loaded_kind_may_stand_in_the_policy():
    options = {"factors.enabled": ["paper"], "policy.kinds": ["totp", "paper"]}

    assert settings.load(options=options).policy.kinds == ("totp", "paper")


def test_a_kind_that_nobody_offers_may_not():
    with pytest.raises(Misconfigured, match="'toptp' is no kind of ours"):
        settings.load(options={"policy.kinds": ["toptp"]})


def test_the_house_is_put_together_with_it(package):
    known = settings.load(options={"database.url": "memory:", "factors.enabled": ["paper"]})

    assert sorted(build(known).engine.factors) == ["email", "paper", "totp", "webauthn"]
