"""For whose pages passkeys are made: what settings say, and what wiring makes of them."""

import hashlib
import subprocess
import sys

import pytest

from twofold import settings
from twofold.core.errors import Misconfigured
from twofold.core.keyring import Keyring, MasterKey
from twofold.core.types import Instant
from twofold.wiring.house import base_url, build
from twofold.wiring.passkeys import passkeys_of

PLACES = [
    ({}, "localhost", ("http://localhost:8080",)),
    ({"server.host": "::1"}, "localhost", ("http://localhost:8080",)),
    ({"server.host": "::", "server.port": 80}, "localhost", ("http://localhost",)),
    ({"server.host": "localhost"}, "localhost", ("http://localhost:8080",)),
    ({"server.host": "192.0.2.7"}, "192.0.2.7", ("http://192.0.2.7:8080",)),
    ({"server.base_url": "https://Login.Example.org/"}, "login.example.org",
     ("https://login.example.org",)),
    ({"server.base_url": "https://login.example.org:443"}, "login.example.org",
     ("https://login.example.org",)),
    ({"server.base_url": "https://login.example.org:8443",
      "webauthn.rp_id": "example.org",
      "webauthn.origins": ["https://app.example.org", "https://login.example.org:8443"]},
     "example.org", ("https://login.example.org:8443", "https://app.example.org")),
]  # fmt: skip


@pytest.mark.parametrize(("given", "domain", "origins"), PLACES, ids=range(len(PLACES)))
def test_passkeys_are_for_the_host_that_browsers_reach_us_at(given, domain, origins):
    known = settings.load(options=given)

    factor = passkeys_of(known, base_url(known))

    assert (factor.party.id, factor.party.origins) == (domain, origins)
    assert (factor.party.name, factor.verification, factor.life) == ("Twofold", "preferred", 300)


MISFITS = [
    ({"server.base_url": "https://login.example.org", "webauthn.rp_id": "example.com"},
     "webauthn.rp_id does not go with login.example.org: passkeys are for example.com"),
    ({"server.base_url": "https://login.example.org", "webauthn.rp_id": "ogin.example.org"},
     "webauthn.rp_id does not go with login.example.org: passkeys are for ogin.example.org"),
    ({"server.base_url": "https://login.example.org", "webauthn.origins": ["https://example.org"]},
     "webauthn.origins does not go with example.org: passkeys are for login.example.org"),
    ({"webauthn.rp_id": "example.org", "webauthn.origins": ["http://a.example.org"]},
     "webauthn.origins must be https: browsers make no passkeys for http"),
    ({"webauthn.rp_id": "Example.org"}, "webauthn.rp_id must be a host name in lower case"),
    ({"webauthn.origins": ["https://a.example/x"]}, "webauthn.origins must be"),
    ({"webauthn.user_verification": "maybe"},
     "webauthn.user_verification must be one of required, preferred, discouraged"),
    ({"webauthn.challenge_seconds": 10}, "webauthn.challenge_seconds must be a whole number"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "fault"), MISFITS, ids=range(len(MISFITS)))
def test_what_no_browser_would_answer_is_refused_by_name(given, fault):
    with pytest.raises(Misconfigured) as caught:
        settings.load(options=given)

    assert [line for line in caught.value.faults if fault in line], caught.value.faults


@pytest.mark.parametrize("alone", [True, False])
def test_signing_in_with_a_passkey_alone_is_the_operators_choice(alone):
    given = {"database.url": "memory:", "webauthn.passwordless": alone}
    ring = Keyring((MasterKey.of(hashlib.sha256(b"a key").digest(), Instant(0)),))

    engine = build(settings.load(options=given), ring=ring).engine

    assert engine.factors["webauthn"].kind == "webauthn"
    assert engine.discoverable is (engine.factors["webauthn"] if alone else None)


def test_the_library_is_loaded_with_the_first_passkey_and_not_before():
    code = (
        "import sys, twofold.wiring.serve;"
        "print({'webauthn', 'cbor2', 'OpenSSL'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
