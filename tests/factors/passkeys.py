"""What the tests of passkeys share: a relying party, and keys that were bound to it."""

from dataclasses import replace

from tests.factors.bindings import ALICE, CEREMONY, NOW, bind, later, seed, spend
from tests.support.authenticator import Passkey
from twofold.factors import Proof
from twofold.factors._webauthn import Party
from twofold.factors.webauthn import WebAuthn

ORIGIN = "https://login.example"
PARTY = Party("login.example", "Twofold", (ORIGIN, "https://app.login.example"))
FACTOR = WebAuthn(PARTY)
OPEN = "open.0123456789abcdef"
"""The name of a sign-in that consists of a passkey."""


def options(factor, held, *, subject=ALICE, ceremony=CEREMONY, now=NOW):
    """What the page hands to ``navigator.credentials``."""
    return factor.ask(subject, held, ceremony, seed(), now).show["webauthn"]


def invitation(factor=FACTOR, ceremony=OPEN, now=NOW):
    held, _ = bind(factor)
    return factor.invite(held, ceremony, now).show["webauthn"]


def created(factor, passkey, *, subject=ALICE, number=1, kin=(), now=NOW, **wrong):
    """The draft of a set-up, and the verdict on what the browser brought."""
    held, _ = bind(factor, subject=subject, number=number)
    held = replace(held, kin=kin)
    answer = passkey.create(options(factor, held, subject=subject, now=now), **wrong)
    return held, factor.verify(held, CEREMONY, answer, now)


def enrolled(factor=FACTOR, passkey=None, *, subject=ALICE, number=1, kin=()):
    """A passkey, and the authenticator as it is held once that was bound."""
    passkey = passkey or Passkey(ORIGIN)
    held, proof = created(factor, passkey, subject=subject, number=number, kin=kin, now=later(-600))
    assert isinstance(proof, Proof)
    return passkey, spend(held, proof)
