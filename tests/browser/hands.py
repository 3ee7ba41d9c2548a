"""What a person holds beside the browser: an app that shows codes, and a mailbox."""

import re
import subprocess
from datetime import UTC, datetime, timedelta

from tests.support.town import until

STEP = timedelta(seconds=30)


def shown(secret: str, at: datetime | None = None) -> str:
    """What an authenticator app shows now, or at a moment: oathtool is the app."""
    moment = (at or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M:%S UTC")
    told = subprocess.run(
        ["oathtool", "--totp", "--base32", "--now", moment, secret],
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.strip()


def key_of(uri: str) -> str:
    """The key in an ``otpauth`` address."""
    return re.search("secret=([A-Z2-7]+)", uri)[1]


class App:
    """An app of somebody in a hurry: each code is the next one, and none is waited for.

    It begins in the past, as far as the server of these tests allows (``totp.past``), because a
    code counts once.
    """

    def __init__(self, secret: str):
        self._secret = secret
        self._at = datetime.now(UTC) - 9 * STEP

    def code(self) -> str:
        """A code that was not shown before."""
        self._at += STEP
        return shown(self._secret, self._at)


class Mail:
    """The messages of a server, each read once."""

    def __init__(self, server):
        self._server = server
        self._read = 0

    async def found(self, pattern: str) -> str:
        """The first group of the pattern in the next message that has it."""

        def look():
            for number, mail in enumerate(self._server.mails()):
                match = re.search(pattern, mail["text"])
                if number >= self._read and match:
                    self._read = number + 1
                    return match[1]
            return None

        return await until(look)

    async def code(self) -> str:
        """The code of the next message that has one."""
        return await self.found(r"(?m)^\s*(\d{6})\s*$")

    async def link(self) -> str:
        """The link with a secret in the next message that has one."""
        return await self.found(r"(http://\S+/(?:verify|reset|change)-[a-z]+#\S+)")
