"""The settings of passkeys and security keys."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from twofold.core.fields import Choice, Listed, Text, Truth, Whole
from twofold.settings.declaring import ORIGIN, setting


class Verification(StrEnum):
    """Whether the holder of a passkey has to unlock it."""

    REQUIRED = "required"
    PREFERRED = "preferred"
    DISCOURAGED = "discouraged"


@dataclass(frozen=True, slots=True)
class Passkeys:
    """Passkeys and security keys: for whose pages they are made, and what is asked of them."""

    rp_id: str = setting(
        "",
        Text("a host name in lower case", r"(?:[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*)?"),
        "Domain that passkeys are made for; empty for the host of server.base_url."
        " To change it makes every passkey useless.",
    )
    origins: tuple[str, ...] = setting(
        (),
        Listed(Text("an origin such as https://app.example.org", ORIGIN)),
        "Further origins, below that domain, whose pages may ask for passkeys.",
    )
    user_verification: Verification = setting(
        Verification.PREFERRED,
        Choice(Verification),
        "Whether a passkey must be unlocked as a second factor; a sign-in with nothing else"
        " always requires it.",
    )
    passwordless: bool = setting(
        default=True,
        reader=Truth(),
        text="Whether an unlocked passkey alone signs in.",
    )
    challenge_seconds: int = setting(
        300, Whole(30, 600), "Seconds for which a challenge may be answered."
    )
