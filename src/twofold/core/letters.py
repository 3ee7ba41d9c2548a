"""Messages to a subject: what each tells, and how its values wait sealed in the outbox.

Ceremonies say *that* something is to be told and with which values; the words themselves
belong to the outbox. A mailed code is as good as a password for some minutes, so the values
are sealed the moment they are made and opened only to be rendered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from twofold.core import seal
from twofold.core.effects import Send
from twofold.core.errors import Malformed
from twofold.core.keyring import Keyring
from twofold.core.types import Instant, Realm, SubjectId

TEMPLATES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "account-deleted": frozenset({"name"}),
        "address-changed": frozenset({"name"}),
        "browser-remembered": frozenset({"name", "days"}),
        "browser-theft": frozenset({"name"}),
        "code": frozenset({"name", "code"}),
        "factor-added": frozenset({"name", "kind", "label"}),
        "factor-removed": frozenset({"name", "kind", "label"}),
        "factor-replaced": frozenset({"name", "kind", "label", "old_kind", "old_label"}),
        "factor-reset": frozenset({"name"}),
        "new-sign-in": frozenset({"name"}),
        "second-step-off": frozenset({"name"}),
        "password-changed": frozenset({"name"}),
        "recovery-renewed": frozenset({"name", "count"}),
        "recovery-used": frozenset({"name", "left"}),
        "registered-again": frozenset(),
        "reset-password": frozenset({"name", "code"}),
        "session-theft": frozenset({"name"}),
        "verify-address": frozenset({"code"}),
    }
)
"""Every message there is and the values it needs.

Any may also have the values of ``OPTIONAL``. How the service calls itself, the moment and the
minutes a code is good for are known to whoever renders. Messages to an address that nobody
proved to own carry no name: somebody else may have typed it.
"""

OPTIONAL: Mapping[str, str] = MappingProxyType(
    {
        "address": "where the request came from",
        "administrator": "set where an administrator did it, and not the owner",
        "agent": "what the program of the request calls itself",
        "application": "the application that asks for a code",
        "browser": "that program in words",
        "link": "a page to open",
        "locale": "the language to write in",
        "purpose": "what a code is for: login, stepup, enroll or verify",
    }
)
"""What any message may know and none needs."""

TEXT_LIMIT = 512
"""Characters of one text that somebody typed: nothing longer belongs into a message."""

_OURS = frozenset({"code", "link"})
"""Values of our own making: a link that was cut short would be a link to nowhere."""

_ADDRESSES = {
    # No quoted local parts, no comments, and nothing a header parser would decode (`=?..?=`).
    "email": re.compile(r"(?!.*=\?)[^\s@<>()\[\]\\,;:\"]{1,64}@[^\s@<>()\[\]\\,;:\"]{1,255}"),
    "sms": re.compile(r"\+[0-9]{6,15}"),
    "webhook": re.compile(r"https?://\S{1,2000}"),
}
# Controls, line and paragraph separators, direction marks and lone surrogates: each has
# started a new header, hidden a part of an address, or broken an encoder at the wrong moment.
_ODD = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]"
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A message before it is sealed: to whom, through what, which, with which values."""

    realm: Realm
    subject: SubjectId
    id: str
    """32 hexadecimal digits; a later draft with this id replaces the message while unsent."""
    channel: str
    to: str
    template: str
    expires_at: Instant
    values: Mapping[str, str | int] = field(default_factory=dict, repr=False)


def compose(ring: Keyring, nonce: bytes, draft: Draft, now: Instant) -> Send:
    """Check a draft and seal its values; Malformed when it cannot be addressed (A137).

    ``nonce`` are 12 random bytes. An unknown template, or one that misses a value, is a
    ValueError: a fault of the caller's text, found by its first test.
    """
    needed = TEMPLATES.get(draft.template)
    if needed is None or not needed <= draft.values.keys():
        raise ValueError(draft.template)
    check_address(draft.channel, draft.to)
    context = seal.row_context(draft.realm, "outbox", "sealed", draft.subject, draft.id)
    plain = json.dumps({name: _inert(name, value) for name, value in draft.values.items()}).encode()
    key_id, key = ring.current("seal")
    return Send(
        realm=draft.realm,
        subject=draft.subject,
        id=draft.id,
        channel=draft.channel,
        to=draft.to,
        template=draft.template,
        sealed=seal.seal(key, key_id, nonce, plain, context),
        due_at=now,
        expires_at=draft.expires_at,
    )


def values(ring: Keyring, message: Send) -> dict[str, str | int]:
    """The values of a message, opened to be rendered; Unsealable if they were touched."""
    context = seal.row_context(message.realm, "outbox", "sealed", message.subject, message.id)
    opened: dict[str, str | int] = json.loads(
        seal.open_sealed(ring.keys("seal"), message.sealed, context)
    )
    return opened


def check_address(channel: str, to: str) -> None:
    """Refuse as Malformed what cannot be one plain address of its channel (A137)."""
    pattern = _ADDRESSES.get(channel)
    if pattern is None:
        raise ValueError(channel)
    if not pattern.fullmatch(to) or _ODD.search(to):
        raise Malformed("This is not an address we can write to.", field="to")


def check_text(text: str, *, field: str) -> None:
    """Refuse as Malformed any text that could end a header line or hide what it says.

    For names, labels and the like, where they are typed; once accepted they go into messages.
    """
    if len(text) > TEXT_LIMIT or _ODD.search(text):
        raise Malformed("This text has characters that no message may carry.", field=field)


def _inert(name: str, value: str | int) -> str | int:
    """A value without what ``check_text`` refuses.

    Replaced and not refused: a strange user agent must not keep its owner from signing in.
    """
    if isinstance(value, int):
        return value
    text = value if name in _OURS else value[:TEXT_LIMIT]
    return _ODD.sub("\N{REPLACEMENT CHARACTER}", text)
