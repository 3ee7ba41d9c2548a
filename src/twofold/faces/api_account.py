"""``/v1/account``: signing up, proving an address, and the password, changed or forgotten.

What strangers may ask is answered alike whether or not the account exists (A85): 202 and no body.
"""

from __future__ import annotations

from msgspec import Struct, UnsetType

from twofold.ceremonies import account, preferences
from twofold.core import errors
from twofold.core.types import Transport
from twofold.faces import Front, shapes
from twofold.faces.answers import Answers
from twofold.faces.transport import Entrance, Perhaps
from twofold.faces.views import Renewed
from twofold.web.kit import Auth, Request, Response, Route, Taking
from twofold.web.response import empty, json

_TAG = "Account"
_ACCEPTED = {202: None}
_BLOCKED = (errors.FactorBlocked, errors.Throttled)
_TOKEN = (errors.CeremonyExpired, errors.StaleSecurityState)


class Registered(Struct, frozen=True):
    """The name under which the new account may sign in."""

    name: str


class AccountApi:
    """Steps of people with and without an account."""

    __slots__ = ("_answers", "_engine", "_entrance")

    def __init__(self, front: Front, entrance: Entrance, answers: Answers) -> None:
        self._engine = front.engine
        self._entrance = entrance
        self._answers = answers

    async def register(self, request: Request, body: shapes.Register) -> Response:
        """Ask for an account; whether the address was free is told to its mailbox alone."""
        done = await account.register(
            self._engine,
            self._entrance.context(request, Transport.JSON),
            name="" if isinstance(body.name, UnsetType) else body.name,
            email=body.email,
            password=body.password,
            phone=None if isinstance(body.phone, UnsetType) else body.phone,
        )
        return json(Registered(str(done.facts["name"])), status=202)

    async def ask_verification(self, request: Request, _: shapes.Empty) -> Response:
        """Have the message sent again that proves the address."""
        signed = await self._entrance.signed(request)
        await account.ask_verification(self._engine, signed.bearer, signed.context)
        return empty(status=202)

    async def verify_address(self, request: Request, body: shapes.Proof) -> Response:
        """Prove the address with the token that was sent to it."""
        context = self._entrance.context(request, Transport.JSON)
        await account.verify_address(self._engine, body.token, context)
        return empty()

    async def change_password(self, request: Request, body: shapes.PasswordChange) -> Response:
        """Change the password."""
        signed = await self._entrance.signed(request)
        granted = await account.change_password(
            self._engine, signed.bearer, body.current_password, body.new_password, signed.context
        )
        return self._answers.renewed(granted, cookies=signed.cookies)

    async def set_locale(self, request: Request, body: shapes.Language) -> Response:
        """Choose the language that messages are written in."""
        signed = await self._entrance.signed(request)
        await preferences.set_locale(self._engine, signed.bearer, body.locale, signed.context)
        return empty()

    async def ask_reset(self, request: Request, body: shapes.ResetAsked) -> Response:
        """Have a token sent to the account's own address, if there is such an account."""
        context = self._entrance.context(request, Transport.JSON)
        await account.ask_reset(self._engine, body.identifier, context)
        return empty(status=202)

    async def reset_password(self, request: Request, body: shapes.Reset) -> Response:
        """Set a new password with that token; it opens no session and skips no second factor."""
        context = self._entrance.context(request, Transport.JSON)
        await account.reset_password(self._engine, body.token, body.new_password, context)
        return empty()

    def routes(self) -> tuple[Route, ...]:
        """The route table."""
        weak = (errors.WeakPassword, errors.Overloaded)
        return (
            Route(
                "POST", "/v1/account", Taking(shapes.Register, self.register), "Sign up", _TAG,
                answers={202: Registered},
                errors=(*weak, errors.NotAllowed, errors.Throttled, errors.Taken),
            ),
            Route(
                "POST", "/v1/account/verification",
                Perhaps(shapes.Empty, self.ask_verification), "Have the address proved again",
                _TAG, Auth.SESSION, _ACCEPTED, (errors.Throttled, errors.NotPossible),
            ),
            Route(
                "POST", "/v1/account/verification/confirm",
                Taking(shapes.Proof, self.verify_address), "Prove the address", _TAG,
                answers={204: None}, errors=(*_TOKEN, errors.CeremonyConsumed, errors.Taken),
            ),
            Route(
                "POST", "/v1/account/password",
                Taking(shapes.PasswordChange, self.change_password), "Change the password", _TAG,
                Auth.SESSION, {200: Renewed},
                (*weak, errors.InvalidCredentials, errors.StepUpRequired, *_BLOCKED),
            ),
            Route(
                "PUT", "/v1/account/locale", Taking(shapes.Language, self.set_locale),
                "Choose a language", _TAG, Auth.SESSION, {204: None},
            ),
            Route(
                "POST", "/v1/account/password/reset", Taking(shapes.ResetAsked, self.ask_reset),
                "Ask for a new password", _TAG, answers=_ACCEPTED, errors=(errors.Throttled,),
            ),
            Route(
                "POST", "/v1/account/password/reset/confirm",
                Taking(shapes.Reset, self.reset_password), "Set a new password", _TAG,
                answers={204: None},
                errors=(*weak, *_TOKEN),
            ),
        )  # fmt: skip
