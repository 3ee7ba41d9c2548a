"""What the admin API takes: bodies and queries, each field known and bounded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from twofold.faces.shapes import Body, Id, Label, Locale, Name, Password

Group = Annotated[str, Meta(min_length=1, max_length=128)]
Groups = Annotated[tuple[Group, ...], Meta(max_length=64)]
Phone = Annotated[str, Meta(max_length=40)]
Email = Annotated[str, Meta(max_length=254)]
Limit = Annotated[int, Meta(ge=1, le=500)]
Reason = Annotated[str, Meta(max_length=256)]


class UserQuery(Body, frozen=True):
    """Which users, in order of name, beyond the name ``after``."""

    search: Annotated[str, Meta(max_length=254)] = ""
    after: Annotated[str, Meta(max_length=254)] = ""
    limit: Limit = 50


class EventQuery(Body, frozen=True):
    """Which records beyond the position ``after``; or the newest first."""

    subject: Id | UnsetType = UNSET
    after: Annotated[int, Meta(ge=0, le=2**62)] = 0
    limit: Limit = 100
    newest: bool = False


class NewUser(Body, frozen=True, kw_only=True):
    """A new user; without a password it cannot sign in until it is given one."""

    name: Name
    email: Email | UnsetType = UNSET
    email_verified: bool = False
    phone: Phone | UnsetType = UNSET
    password: Password | UnsetType = UNSET
    admin: bool = False
    groups: Groups = ()
    locale: Locale = ""


class UserChange(Body, frozen=True, kw_only=True):
    """What changes; an empty text clears an address."""

    name: Name | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    email_verified: bool | UnsetType = UNSET
    phone: Phone | UnsetType = UNSET
    phone_verified: bool | UnsetType = UNSET
    groups: Groups | UnsetType = UNSET
    admin: bool | UnsetType = UNSET
    status: Literal["active", "disabled"] | UnsetType = UNSET
    locale: Locale | UnsetType = UNSET


class NewPassword(Body, frozen=True):
    """The password an administrator sets."""

    password: Password


class ImportedFactor(Body, frozen=True, kw_only=True):
    """A factor with material from elsewhere: a key in base32 or a whole key URI, or an address."""

    kind: Annotated[str, Meta(min_length=1, max_length=32)] = "totp"
    label: Label = ""
    uri: Annotated[str, Meta(max_length=4096)] | UnsetType = UNSET
    secret: Annotated[str, Meta(max_length=512)] | UnsetType = UNSET
    algorithm: Annotated[str, Meta(max_length=16)] | UnsetType = UNSET
    digits: int | UnsetType = UNSET
    period: int | UnsetType = UNSET
    address: Email | UnsetType = UNSET


class ResetFactors(Body, frozen=True):
    """Why; and which one, if not all."""

    reason: Reason = ""
    factor: Id | UnsetType = UNSET


class PolicyChange(Body, frozen=True):
    """What the realm says beyond the settings, all of it, and the version it was read at."""

    policy: Mapping[str, Any]
    version: Annotated[int, Meta(ge=0, le=2**62)]


class NewClient(Body, frozen=True):
    """An application that has codes verified."""

    id: Id
    name: Annotated[str, Meta(max_length=128)] = ""


class ClientName(Body, frozen=True):
    """What people call an application."""

    name: Annotated[str, Meta(min_length=1, max_length=128)]


class Nothing(Body, frozen=True):
    """Nothing but ``{}``."""
