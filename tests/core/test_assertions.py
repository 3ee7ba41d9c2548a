import json

import pytest
from joserfc import jwt
from joserfc.errors import BadSignatureError, SecurityWarning
from joserfc.jwk import KeySet

from twofold.core import assertions
from twofold.core.assertions import Assertion
from twofold.core.encoding import from_base64url
from twofold.core.types import SECOND, Instant

NOON = Instant(1_800_000_000 * SECOND + 999_999)
OLD, NEW = (b"old.", b"o" * 32), (b"new.", b"n" * 32)
SAID = Assertion(
    issuer="https://login.example",
    audience="shop",
    subject="u-42",
    acr="urn:twofold:aal2",
    amr=("otp", "mfa"),
    at=NOON,
    jti="j" * 32,
    nonce="n-1",
)


def decoded(token, *pairs):
    """What an independent verifier makes of it."""
    keys = KeySet.import_key_set(assertions.jwks(pairs))
    with pytest.warns(SecurityWarning, match="RFC 9864"):
        return jwt.decode(token, keys, algorithms=[assertions.ALGORITHM])


def test_an_independent_verifier_reads_what_we_said():
    token = decoded(assertions.sign(NEW, SAID), NEW, OLD)

    assert token.header == {"alg": "EdDSA", "kid": "6e65772e", "typ": "twofold-assertion+jwt"}
    assert token.claims == SAID.claims()
    assert token.claims["exp"] - token.claims["iat"] == 60
    assert token.claims["iat"] == 1_800_000_000


def test_a_statement_of_an_older_key_is_still_good_while_the_ring_has_it():
    assert decoded(assertions.sign(OLD, SAID), NEW, OLD).claims["sub"] == "u-42"


def test_a_statement_of_a_foreign_key_is_not():
    foreign = (NEW[0], b"f" * 32)

    with pytest.raises(BadSignatureError):
        decoded(assertions.sign(foreign, SAID), NEW)


def test_no_letter_of_it_can_be_changed():
    head, body, tag = assertions.sign(NEW, SAID).split(".")
    claims = json.loads(from_base64url(body))
    forged = assertions._part({**claims, "sub": "u-43"})

    with pytest.raises(BadSignatureError):
        decoded(f"{head}.{forged}.{tag}", NEW)


def test_without_a_nonce_none_is_said():
    silent = Assertion("i", "a", "s", "acr", (), NOON, "jti")

    assert "nonce" not in silent.claims()


def test_the_key_set_shows_no_private_part():
    keys = assertions.jwks([NEW, OLD])["keys"]

    assert [key["kid"] for key in keys] == ["6e65772e", "6f6c642e"]
    assert all(set(key) == {"kty", "crv", "x", "kid", "use", "alg"} for key in keys)
