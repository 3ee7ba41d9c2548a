"""Applications that ask us to verify: who they are, how they prove it, and how that is changed.

A client's secret is drawn by us with 256 bits, so a plain SHA-256 keeps it; there may be two at a
time, so that an application can be given the next one before the last one dies. What a client
demands beyond its realm stands in the policy (``clients``), and only there.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field

from twofold.ceremonies.engine import Engine
from twofold.core import letters
from twofold.core.effects import PutDocument, RemoveDocument
from twofold.core.encoding import to_base64url
from twofold.core.errors import InvalidCredentials, Malformed, NotFound, Stale
from twofold.core.networks import source_key
from twofold.core.policy import ClientRule, Policy
from twofold.core.types import DEFAULT_REALM, POLICY, Context, Document, Realm

KIND = "client"
"""Of the documents that clients are kept as; the name is the client's id."""

SECRETS = 2
"""How many secrets of a client are good at a time."""

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_SECRET_SIZE = 32
_NOBODY = hashlib.sha256(b"twofold: nobody has this secret").hexdigest()


@dataclass(frozen=True, slots=True)
class Client:
    """An application as the realm knows it."""

    id: str
    name: str
    rule: ClientRule = field(default_factory=ClientRule)
    realm: Realm = DEFAULT_REALM


async def authenticate_client(
    engine: Engine, client_id: str, secret: str, context: Context
) -> Client:
    """Return the client with this id and secret; InvalidCredentials for every reason there is."""
    now = engine.clock.now()
    source = source_key(context.address)
    engine.gate.check(source, "", now)
    document = None
    if _ID.fullmatch(client_id):
        document = await engine.store.document(context.realm, KIND, client_id)
    known = _digests(document) if document is not None else [_NOBODY]
    shown = _digest(secret)
    # All are compared, so that time does not tell which one, or whether there is such a client.
    right = [digest for digest in known if hmac.compare_digest(digest, shown)]
    if document is None or not right:
        engine.gate.failed(source, "", now)
        await engine.commit(engine.record("access.refused", now, None, context, kind=KIND))
        raise InvalidCredentials
    return _client(document, await _policy(engine, context.realm))


async def clients(engine: Engine, realm: Realm) -> tuple[Client, ...]:
    """Return the clients of a realm, by id."""
    policy = await _policy(engine, realm)
    return tuple(_client(found, policy) for found in await engine.store.documents(realm, KIND))


async def put_client(
    engine: Engine, context: Context, by: str, *, id: str, name: str = ""
) -> tuple[Client, str | None]:
    """Make a client and its first secret, or give a known one another name and no secret.

    The secret is shown now and never again. Raises Malformed for an odd id or name.
    """
    if not _ID.fullmatch(id):
        raise Malformed("An id has 1 to 63 of a-z, 0-9, dot, dash and underscore.", field="id")
    letters.check_text(name, field="name")

    async def attempt() -> tuple[Client, str | None]:
        old = await engine.store.document(context.realm, KIND, id)
        secret = None if old is not None else _drawn(engine)
        digests = _digests(old) if old is not None else [_digest(secret or "")]
        new = await _put(engine, context, by, old, id, name or id, digests)
        return _client(new, await _policy(engine, context.realm)), secret

    return await engine.settle(attempt)


async def rotate_client_secret(engine: Engine, context: Context, by: str, id: str) -> str:
    """Return another secret; the one before it stays good beside it, older ones are dead."""

    async def attempt() -> str:
        old = await _known(engine, context, id)
        secret = _drawn(engine)
        digests = [_digest(secret), *_digests(old)][:SECRETS]
        await _put(engine, context, by, old, id, _name(old), digests)
        return secret

    return await engine.settle(attempt)


async def remove_client(engine: Engine, context: Context, by: str, id: str) -> None:
    """Forget a client; its subjects stay. NotFound if there is none."""
    now = engine.clock.now()
    await _known(engine, context, id)
    record = engine.record("document.removed", now, None, context, by=by, kind=KIND, name=id)
    try:
        await engine.commit(RemoveDocument(context.realm, KIND, id), record)
    except Stale:
        raise NotFound from None


async def _known(engine: Engine, context: Context, id: str) -> Document:
    found = await engine.store.document(context.realm, KIND, id)
    if found is None:
        raise NotFound
    return found


async def _put(
    engine: Engine,
    context: Context,
    by: str,
    old: Document | None,
    id: str,
    name: str,
    digests: list[str],
) -> Document:
    version = old.version + 1 if old is not None else 1
    body = json.dumps({"name": name, "secrets": digests})
    new = Document(context.realm, KIND, id, body, version)
    record = engine.record(
        "document.changed", engine.clock.now(), None, context, by=by, kind=KIND, name=id
    )
    await engine.commit(PutDocument(new), record)
    return new


async def _policy(engine: Engine, realm: Realm) -> Policy:
    return engine.policy(await engine.store.document(realm, *POLICY))


def _client(document: Document, policy: Policy) -> Client:
    rule = policy.clients.get(document.name, ClientRule())
    return Client(document.name, _name(document), rule, document.realm)


def _name(document: Document) -> str:
    return str(json.loads(document.body)["name"])


def _digests(document: Document) -> list[str]:
    return [str(digest) for digest in json.loads(document.body)["secrets"]]


def _drawn(engine: Engine) -> str:
    return to_base64url(engine.draw(_SECRET_SIZE))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
