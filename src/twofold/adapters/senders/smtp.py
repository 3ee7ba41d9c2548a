"""Mail through an SMTP relay, encrypted unless the operator says otherwise.

Each message has its own connection: nothing is shared that one slow or lying server could hold
up, and everything together has a deadline of its own (A135).
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as LINES
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Literal

import aiosmtplib

from twofold.core.errors import Malformed, Misconfigured
from twofold.core.letters import check_address, check_text
from twofold.core.types import SECOND, Secret
from twofold.ports import Clock, Letter

_FOR_GOOD = range(500, 600)
_FAREWELL = 1.0
"""Seconds for a polite end; the message is delivered already."""


@dataclass(frozen=True, slots=True)
class Relay:
    """The server that takes our mail, and how it is spoken to."""

    host: str
    port: int
    sender: str
    """``from``: an address, or a name and an address in angle brackets."""
    tls: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password: Secret | None = None
    authorities: Path | None = None
    """A file of certificates to trust instead of the system's."""
    timeout: float = 10.0
    """Seconds for one message from connecting to the end."""


class SmtpSender:
    """Delivers e-mail through one relay."""

    channel = "email"

    def __init__(self, relay: Relay, clock: Clock) -> None:
        """Check the relay's settings; Misconfigured names what cannot work."""
        self._relay = relay
        self._clock = clock
        self._from = _mailbox(relay.sender)
        self._host = _host_of(relay)
        self._context = _context(relay)

    async def send(self, letter: Letter) -> None:
        """Deliver, or raise: Malformed if this address is refused for good."""
        target, message = self._message(letter)
        try:
            async with asyncio.timeout(self._relay.timeout):
                await self._deliver(message, target)
        except aiosmtplib.SMTPRecipientsRefused as refused:
            if all(answer.code in _FOR_GOOD for answer in refused.recipients):
                raise Malformed("The mail server refuses this address.", field="to") from None
            raise
        except aiosmtplib.SMTPNotSupported:
            if target.isascii():
                raise
            raise Malformed("The mail server cannot write this address.", field="to") from None

    async def _deliver(self, message: EmailMessage, to: str) -> None:
        relay = self._relay
        client = aiosmtplib.SMTP(
            hostname=relay.host,
            port=relay.port,
            local_hostname=self._host,
            timeout=relay.timeout,
            use_tls=relay.tls == "tls",
            # True and never None: a relay that hides STARTTLS is refused, not trusted.
            start_tls=relay.tls == "starttls",
            tls_context=self._context,
            username=relay.username or None,
            password=relay.password.value.decode() if relay.username and relay.password else None,
        )
        try:
            await client.connect()
            await client.send_message(message, sender=self._from.addr_spec, recipients=[to])
            # Delivered: a server that hangs on QUIT must not make us deliver it again.
            with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                async with asyncio.timeout(_FAREWELL):
                    await client.quit()
        finally:
            client.close()

    def _message(self, letter: Letter) -> tuple[str, EmailMessage]:
        """The recipient for the envelope, and what goes into it."""
        check_address("email", letter.to)
        local, _, domain = letter.to.rpartition("@")
        moment = datetime.fromtimestamp(self._clock.now() // SECOND, UTC)
        message = EmailMessage(policy=LINES)
        try:
            # As parts and not as text: a text would be parsed, and decoded, once more (A137).
            target = Address(username=local, domain=_ascii(domain))
            message["From"] = self._from
            message["To"] = target
            message["Subject"] = letter.subject
            message["Message-ID"] = f"<{letter.id}@{_ascii(self._from.domain)}>"
            message["Date"] = format_datetime(moment)
            # RFC 3834: no vacation notice answers a machine; the second is Exchange's word.
            message["Auto-Submitted"] = "auto-generated"
            message["X-Auto-Response-Suppress"] = "All"
            message.set_content(letter.text)
            if letter.html is not None:
                message.add_alternative(letter.html, subtype="html")
            if letter.language:
                # Last: what is said of the content moves into its first part with the second.
                message["Content-Language"] = letter.language
        except (ValueError, MessageError):
            raise Malformed("This message cannot be written.") from None
        return target.addr_spec, message


def _mailbox(sender: str) -> Address:
    name, address = parseaddr(sender)
    local, _, domain = address.rpartition("@")
    try:
        check_text(sender, field="from")
        check_address("email", address)
        return Address(display_name=name, username=local, domain=_ascii(domain))
    except (Malformed, ValueError, MessageError):
        raise Misconfigured((f"email.from: {sender!r} is no address",)) from None


def _host_of(relay: Relay) -> str:
    """Our name for EHLO: the domain we write from, so that no resolver is asked on the loop."""
    if relay.username and relay.tls == "none" and not _is_local(relay.host):
        raise Misconfigured(("email.tls: a password is sent to another host only encrypted",))
    return _ascii(parseaddr(relay.sender)[1].rpartition("@")[2])


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _context(relay: Relay) -> ssl.SSLContext | None:
    if relay.tls == "none":
        return None
    try:
        return ssl.create_default_context(cafile=relay.authorities)
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured((f"email.authorities: {relay.authorities}: {error}",)) from None


def _ascii(domain: str) -> str:
    """The domain as DNS knows it (RFC 5890)."""
    return domain if domain.isascii() else domain.encode("idna").decode()
