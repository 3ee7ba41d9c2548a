"""What the native API takes: each request body as a struct that refuses what it does not know.

Nothing here has a default that a client could not have left out, and no field of the account that
only an administrator may set: what is not listed is refused with 400 (A91).
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, to_builtins

from twofold.core.errors import Malformed

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
Locale = Annotated[str, Meta(max_length=35, description="A language: de, de-AT.")]


Base64Url = Annotated[str, Meta(max_length=32_768, pattern=r"^[A-Za-z0-9_-]*$")]


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


class CredentialResponse(Struct, frozen=True, kw_only=True):
    """What an authenticator answered: to ``create`` an attestation, to ``get`` a signature."""

    clientDataJSON: Base64Url  # noqa: N815 - WebAuthn L3 names the members
    attestationObject: Base64Url | UnsetType = UNSET  # noqa: N815
    authenticatorData: Base64Url | UnsetType = UNSET  # noqa: N815
    signature: Base64Url | UnsetType = UNSET
    userHandle: Base64Url | UnsetType | None = UNSET  # noqa: N815
    transports: (
        Annotated[tuple[Annotated[str, Meta(max_length=32)], ...], Meta(max_length=16)] | UnsetType
    ) = UNSET


class Credential(Struct, frozen=True, kw_only=True):
    """A browser's ``PublicKeyCredential.toJSON()``; whatever else is in it is not read."""

    id: Base64Url
    rawId: Base64Url  # noqa: N815
    type: Literal["public-key"]
    response: CredentialResponse


class FirstFactor(Step, frozen=True, kw_only=True):
    """The password, and the identifier unless the ceremony knows it already; or a passkey.

    A passkey says itself whose it is.
    """

    password: Annotated[str, Meta(max_length=4096)] | UnsetType = UNSET
    webauthn: Credential | UnsetType = UNSET
    method: Literal["password", "passkey"] = "password"
    identifier: Annotated[str, Meta(max_length=254)] | UnsetType = UNSET


class Ask(Step, frozen=True, kw_only=True):
    """Which factor shall send its code or show its challenge; without, the first that does.

    Before a first factor is proved, the challenge is one that any passkey may answer.
    """

    factor: Id | UnsetType = UNSET


class Answer(Step, frozen=True, kw_only=True):
    """A code of a factor, one recovery code, or a credential; exactly one of the three."""

    code: Code | UnsetType = UNSET
    webauthn: Credential | UnsetType = UNSET
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
    """A code of the factor that is being set up, or the new credential."""

    code: Code | UnsetType = UNSET
    webauthn: Credential | UnsetType = UNSET


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


class Language(Body, frozen=True):
    """The language of messages; an empty text leaves it to the server."""

    locale: Locale


def credential(given: Credential) -> dict[str, object]:
    """A credential as the engine reads it: its members and no more."""
    found: dict[str, object] = to_builtins(given)
    return found


def code_or_credential(
    code: str | UnsetType, given: Credential | UnsetType
) -> str | dict[str, object]:
    """The one of the two that was sent; Malformed for both or neither."""
    match code, given:
        case str(), UnsetType():
            return code
        case UnsetType(), Credential():
            return credential(given)
        case _:
            raise Malformed("Send either code or webauthn.", field="code")
