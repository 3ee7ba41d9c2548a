"""What a right answer brings along beside itself."""

import hashlib
from dataclasses import replace

from tests.ceremonies.stage import MASTER
from twofold.core import seal
from twofold.core.keyring import Keyring, MasterKey

NEWER = MasterKey.of(hashlib.sha256(b"a newer key of the stage").digest(), MASTER.created_at)


async def test_a_login_seals_its_secrets_under_the_newest_key(stage):
    alice = await stage.person()
    ring = Keyring((MASTER,)).with_newest(NEWER)
    stage.engine = replace(stage.engine, ring=lambda: ring)

    await stage.logs_in(alice)

    newest = ring.current("seal")[0]
    sealed = {a.kind: seal.key_id_of(a.sealed) for a in (await stage.view(alice)).authenticators}
    assert sealed == {"password": newest, "totp": newest}


async def test_what_was_sealed_anew_still_opens(stage):
    alice = await stage.person()
    ring = Keyring((MASTER,)).with_newest(NEWER)
    stage.engine = replace(stage.engine, ring=lambda: ring)
    await stage.logs_in(alice)
    stage.clock.pass_(60)

    alone = Keyring((NEWER,))
    stage.engine = replace(stage.engine, ring=lambda: alone)

    assert (await stage.logs_in(alice)).session.amr == ("pwd", "otp", "mfa")
