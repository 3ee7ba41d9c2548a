"""What the native API answers, as structs; the OpenAPI document is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType, field


class Action(Struct, frozen=True, omit_defaults=True):
    """Something that can be done now."""

    rel: str
    method: str
    href: str
    input: tuple[str, ...]
    """Fields to ask a person for."""
    send: Mapping[str, Any] = {}
    """Fields to send along as they are."""
    for_: str | UnsetType = field(default=UNSET, name="for")
    """The factor or kind it concerns."""


class FactorChoice(Struct, frozen=True, omit_defaults=True):
    """A factor that may be used now."""

    id: str
    kind: str
    label: str = ""
    preferred: bool = False
    needs_challenge: bool = False
    hint: str = ""


class SessionView(Struct, frozen=True):
    """A session; times in seconds since 1970, UTC."""

    id: str
    sub: str
    acr: str
    amr: tuple[str, ...]
    auth_time: int
    expires_at: int


class TokenSet(Struct, frozen=True):
    """The tokens of a session, in header transport only."""

    access_token: str
    refresh_token: str
    expires_in: int
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 -- RFC 6750's name of the type


class Result(Struct, frozen=True):
    """How a ceremony ended."""

    notices: tuple[str, ...] = ()
    session: SessionView | UnsetType = UNSET
    tokens: TokenSet | UnsetType = UNSET
    recovery_codes: tuple[str, ...] | UnsetType = UNSET
    """Shown in this answer and never again."""
    factor: str | UnsetType = UNSET
    """The factor that was bound."""
    device: str | UnsetType = UNSET
    """For the ``Device`` header of the next login from here; in header transport only."""


class Renewed(Struct, frozen=True):
    """The session with its new tokens; with cookies they travel there."""

    session: SessionView
    tokens: TokenSet | UnsetType = UNSET
    device: str | UnsetType = UNSET
    """For the ``Device`` header of the next login from here; in header transport only."""


class CeremonyAnswer(Struct, frozen=True, kw_only=True):
    """Where a ceremony stands, and what can be done now."""

    state: str
    kind: str | UnsetType = UNSET
    ceremony: str | UnsetType = UNSET
    """The ticket, in header transport only; each answer's replaces the one before."""
    expires_at: int | UnsetType = UNSET
    attempts_left: int | UnsetType = UNSET
    methods: tuple[str, ...] | UnsetType = UNSET
    factors: tuple[FactorChoice, ...] | UnsetType = UNSET
    recovery_codes: bool | UnsetType = UNSET
    """Whether a recovery code would be taken."""
    factor: str | UnsetType = UNSET
    channel_hint: str | UnsetType = UNSET
    resend_at: int | UnsetType = UNSET
    allowed_kinds: tuple[str, ...] | UnsetType = UNSET
    skippable_until: int | UnsetType = UNSET
    factor_kind: str | UnsetType = UNSET
    otpauth_uri: str | UnsetType = UNSET
    secret: str | UnsetType = UNSET
    secret_groups: str | UnsetType = UNSET
    algorithm: str | UnsetType = UNSET
    digits: int | UnsetType = UNSET
    period: int | UnsetType = UNSET
    issuer: str | UnsetType = UNSET
    account: str | UnsetType = UNSET
    webauthn: Mapping[str, Any] | UnsetType = UNSET
    """For parseCreationOptionsFromJSON while a passkey is set up, else parseRequestOptionsFromJSON:
    dictionaries of WebAuthn L3 sections 5.1.8 and 5.1.9."""
    qr_svg: str | UnsetType = UNSET
    qr_png: str | UnsetType = UNSET
    """A ``data:`` URI."""
    actions: tuple[Action, ...] = ()
    result: Result | UnsetType = UNSET
