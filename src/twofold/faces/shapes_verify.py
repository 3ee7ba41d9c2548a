"""What applications send that keep their own passwords."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from twofold.faces.shapes import Body, Code, Credential, Id, Label, Name, Ticket

RecoveryCode = Annotated[str, Meta(min_length=1, max_length=256)]


class UserContext(Body, frozen=True):
    """Where the person sits, for the records; on the application's word."""

    ip: Annotated[str, Meta(max_length=64)] = ""
    user_agent: Annotated[str, Meta(max_length=256)] = ""


class Check(Body, frozen=True, kw_only=True):
    """What a subject proves with; ``nonce`` comes back in the statement.

    One of code, recovery_code and webauthn; a credential goes with the factor that was asked.
    """

    subject: Name
    code: Code | UnsetType = UNSET
    webauthn: Credential | UnsetType = UNSET
    recovery_code: RecoveryCode | UnsetType = UNSET
    factor: Id | UnsetType = UNSET
    nonce: Annotated[str, Meta(max_length=512)] = ""
    context: UserContext | UnsetType = UNSET


class AskFor(Body, frozen=True, kw_only=True):
    """Whom a code is sent to."""

    subject: Name
    factor: Id | UnsetType = UNSET
    context: UserContext | UnsetType = UNSET


class Contact(Body, frozen=True):
    """Where codes may be sent; each counts once a code came back from it."""

    email: Annotated[str, Meta(min_length=1, max_length=254)] | UnsetType = UNSET
    phone: Annotated[str, Meta(min_length=1, max_length=40)] | UnsetType = UNSET


class AppFactor(Body, frozen=True, kw_only=True):
    """A factor to be made; whoever has one already proves it along."""

    kind: Annotated[str, Meta(min_length=1, max_length=32)]
    label: Label = ""
    address: Annotated[str, Meta(max_length=254)] | UnsetType = UNSET
    qr: Literal["svg", "png", "none"] = "svg"
    code: Code | UnsetType = UNSET
    webauthn: Credential | UnsetType = UNSET
    recovery_code: RecoveryCode | UnsetType = UNSET
    factor: Id | UnsetType = UNSET


class AppConfirm(Body, frozen=True, kw_only=True):
    """A code of the factor that is being made, or the new credential."""

    ceremony: Ticket
    code: Code | UnsetType = UNSET
    webauthn: Credential | UnsetType = UNSET
