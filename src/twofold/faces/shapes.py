"""What the native API takes: each request body as a struct that refuses what it does not know.

Nothing here has a default that a client could not have left out, and no field of the account that
only an administrator may set: what is not listed is refused with 400 (A91).
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Name = Annotated[str, Meta(min_length=1, max_length=254)]
Label = Annotated[str, Meta(max_length=64)]
Password = Annotated[str, Meta(min_length=1, max_length=1024)]
Code = Annotated[str, Meta(min_length=1, max_length=64, description="Digits; blanks are ignored.")]
Long = Annotated[str, Meta(max_length=4096)]
Ticket = Annotated[
    str, Meta(max_length=16384, description="As the last answer gave it; or the Ceremony header.")
]
Seconds = Annotated[int, Meta(ge=0, le=86_400 * 366)]
Id = Annotated[str, Meta(min_length=1, max_length=64)]


class Body(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A JSON object of which every field is known."""


class Step(Body, frozen=True, kw_only=True):
    """A step of a ceremony; ``ceremony`` names it where no header or cookie does."""

    ceremony: Ticket | UnsetType = UNSET


class Require(Body, frozen=True):
    """What must be proved: ``acr`` as in ``acr_values``, ``max_age`` in seconds."""

    acr: Annotated[str, Meta(max_length=512)] | UnsetType = UNSET
    max_age: Seconds | UnsetType = UNSET


class Start(Body, frozen=True):
    """Begin a login, or from inside a session a step-up or an enrolment.

    With identifier and password a login's first step is taken in the same call.
    """

    kind: Literal["login", "stepup", "enroll"] = "login"
    identifier: Annotated[str, Meta(max_length=254)] | UnsetType = UNSET
    password: Annotated[str, Meta(max_length=4096)] | UnsetType = UNSET
    require: Require | UnsetType = UNSET
    transport: Literal["json", "cookie"] | UnsetType = UNSET


class FirstFactor(Step, frozen=True, kw_only=True):
    """The password, and the identifier unless the ceremony knows it already."""

    password: Annotated[str, Meta(max_length=4096)]
    method: Literal["password"] = "password"
    identifier: Annotated[str, Meta(max_length=254)] | UnsetType = UNSET


class Ask(Step, frozen=True, kw_only=True):
    """Which factor shall send its code; without, the first that sends one."""

    factor: Id | UnsetType = UNSET


class Answer(Step, frozen=True, kw_only=True):
    """A code of a factor, or one recovery code; exactly one of the two."""

    code: Code | UnsetType = UNSET
    recovery_code: Annotated[str, Meta(min_length=1, max_length=256)] | UnsetType = UNSET
    factor: Id | UnsetType = UNSET


class Enroll(Step, frozen=True, kw_only=True):
    """What shall be bound; ``qr`` chooses how the key URI is drawn."""

    kind: Annotated[str, Meta(min_length=1, max_length=32)]
    label: Label = ""
    address: Annotated[str, Meta(max_length=254)] | UnsetType = UNSET
    """Where codes go, for kinds that send them; without, the account's own address."""
    qr: Literal["svg", "png", "none"] = "svg"


class Confirm(Step, frozen=True, kw_only=True):
    """A code of the factor that is being set up."""

    code: Code


class NewFactor(Body, frozen=True):
    """Begin an enrolment; with ``kind`` its secret is made in the same call."""

    kind: Annotated[str, Meta(min_length=1, max_length=32)] | UnsetType = UNSET
    label: Label = ""
    address: Annotated[str, Meta(max_length=254)] | UnsetType = UNSET
    qr: Literal["svg", "png", "none"] = "svg"


class FactorChange(Body, frozen=True):
    """A new label, or the wish to be asked for this factor first."""

    label: Label | UnsetType = UNSET
    preferred: Literal[True] | UnsetType = UNSET


class Empty(Body, frozen=True):
    """Nothing but ``{}``."""


class Refresh(Body, frozen=True):
    """The refresh token; with cookies it travels in its own."""

    refresh_token: Annotated[str, Meta(max_length=256)] | UnsetType = UNSET


class Register(Body, frozen=True, kw_only=True):
    """A new account, where the realm lets people sign up; without a name it is given one."""

    name: Name | UnsetType = UNSET
    email: Name
    password: Password
    phone: Annotated[str, Meta(min_length=1, max_length=40)] | UnsetType = UNSET


class Proof(Body, frozen=True):
    """The token from a message we sent."""

    token: Annotated[str, Meta(min_length=1, max_length=4096)]


class PasswordChange(Body, frozen=True):
    """The present password and the next."""

    current_password: Password
    new_password: Password


class NewAddress(Body, frozen=True):
    """The address that the account shall move to."""

    email: Name


class EventQuery(Body, frozen=True):
    """How many things that happened to list."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 50


class ResetAsked(Body, frozen=True):
    """Whose password is forgotten; the answer is the same for every name."""

    identifier: Name


class Reset(Body, frozen=True):
    """The token from the message and the new password."""

    token: Annotated[str, Meta(min_length=1, max_length=4096)]
    new_password: Password
