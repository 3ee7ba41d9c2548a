"""A mail server of our own for the tests: real SMTP on loopback, and what came by it."""

import asyncio
import email
import email.policy
from contextlib import asynccontextmanager

from aiosmtpd.smtp import SMTP


class Mailbox:
    """Takes what comes, unless it is told to answer something else."""

    def __init__(self, **answers):
        self.envelopes = []
        self.sessions = []
        self.answers = answers

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's name
        if "rcpt" in self.answers:
            return self.answers["rcpt"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        if "data" in self.answers:
            return self.answers["data"]
        self.envelopes.append(envelope)
        self.sessions.append(session)
        return "250 OK"

    @property
    def messages(self):
        return [
            email.message_from_bytes(one.content, policy=email.policy.default)
            for one in self.envelopes
        ]

    def came(self):
        """Recipients, subject and text of each message."""
        return [
            (one.rcpt_tos, str(message["Subject"]), text_of(message))
            for one, message in zip(self.envelopes, self.messages, strict=True)
        ]


def text_of(message, kind="plain"):
    return message.get_body((kind,)).get_content().replace("\r\n", "\n")


@asynccontextmanager
async def serve(box, *, ssl=None, **options):
    """Serve a mailbox on a port of the machine's choice."""
    loop = asyncio.get_running_loop()
    options = {"enable_SMTPUTF8": True, "loop": loop, "hostname": "sink"} | options
    server = await loop.create_server(lambda: SMTP(box, **options), "127.0.0.1", 0, ssl=ssl)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
