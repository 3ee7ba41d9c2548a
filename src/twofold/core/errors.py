"""Everything that can be refused, as one tree; codes are promises and never change meaning.

    TwofoldError
      Refused            the store said no to a commit and changed nothing
        Replayed  Stale  Taken
      Denied             the claimant may not have what it asked for
        InvalidCredentials  CodeRejected  CodeAlreadyUsed  Throttled  CooldownActive
        CeremonyExpired  CeremonyConsumed  NotPossible  StaleSecurityState
        StepUpRequired  InvalidToken  NotAllowed  LastFactor  NotEnrolled  CsrfRejected
      Faulty             the request or the configuration makes no sense
        Malformed  MixedCredentials  NotFound  WeakPassword  Misconfigured
      Unavailable        nothing is wrong with the request; try again
        Overloaded  Uncertain  Unsealable

No error knows an HTTP status and none carries a secret: faces and dialects have their own
total tables from ``code`` to words.
"""

from __future__ import annotations

from typing import ClassVar

from twofold.core.types import Instant


class TwofoldError(Exception):
    """The root; ``code`` is stable, ``detail`` is for people and holds no secret.

    ``phrase`` is the detail as other languages can say it, see core.phrases.
    """

    code: ClassVar[str] = "error"
    title: ClassVar[str] = "Something was refused."

    def __init__(self, detail: str = "") -> None:
        """Keep the sentence for people."""
        super().__init__(detail or self.title)
        self.phrase = detail or self.title
        self.detail = str(self.phrase)


class Refused(TwofoldError):
    """A commit did not happen, all of it."""

    code = "refused"


class Replayed(Refused):
    """Something that works once was spent before."""

    code = "replayed"


class Stale(Refused):
    """The rows a decision was made on have changed since; look again."""

    code = "stale"


class Taken(Refused):
    """Another subject of the realm already has this identifier."""

    code = "identifier-taken"
    title = "This name or address is already in use."


class Denied(TwofoldError):
    """The claimant may not have what it asked for."""

    code = "denied"


class InvalidCredentials(Denied):
    """Unknown subject, wrong password, disabled account: one answer for all (I8)."""

    code = "invalid-credentials"
    title = "The name or the password is not right."


class CodeRejected(Denied):
    """A wrong answer; ``attempts_left`` is what this ceremony still allows.

    ``late`` are the seconds that the claimant's clock is slow, where that can be told.
    """

    code = "code-rejected"
    title = "This code is not right."

    def __init__(
        self, detail: str = "", *, attempts_left: int | None = None, late: int | None = None
    ) -> None:
        """Keep how many tries are left, and what the answer says of a clock."""
        super().__init__(detail)
        self.attempts_left = attempts_left
        self.late = late


class CodeAlreadyUsed(Denied):
    """A right answer that was spent before."""

    code = "code-already-used"
    title = "This code was already used; wait for the next one."


class Throttled(Denied):
    """Too many wrong guesses or too many requests; ``retry_after`` is in seconds."""

    code = "rate-limited"
    title = "Too many attempts; wait before the next one."

    def __init__(self, detail: str = "", *, retry_after: int = 1) -> None:
        """Keep how long to wait."""
        super().__init__(detail)
        self.retry_after = retry_after


class FactorBlocked(Throttled):
    """A factor of the subject waits out a back-off; other factors stay usable."""

    code = "factor-blocked"
    title = "This method is blocked for a while after too many wrong codes."


class CooldownActive(Throttled):
    """A code was sent a moment ago and is still good; ``resend_at`` says when to ask again."""

    code = "cooldown-active"
    title = "A code was sent a moment ago; it is still valid."

    def __init__(self, detail: str = "", *, retry_after: int = 1, resend_at: Instant) -> None:
        """Keep when a new code may be asked for."""
        super().__init__(detail, retry_after=retry_after)
        self.resend_at = resend_at


class CeremonyExpired(Denied):
    """The ticket is past its life, for another client, or was never ours."""

    code = "ceremony-expired"
    title = "This sign-in has expired; start again."


class CeremonyConsumed(Denied):
    """The ceremony already led to a session, or was ended."""

    code = "ceremony-consumed"
    title = "This sign-in is already finished; start again."


class NotPossible(Denied):
    """The ceremony is in a state that does not know this step."""

    code = "action-not-possible"
    title = "This step is not possible now."


class StaleSecurityState(Denied):
    """Factors or password changed while the ceremony ran (A77)."""

    code = "stale-security-state"
    title = "The account's security settings have changed; start again."


class StepUpRequired(Denied):
    """RFC 9470: the session is real but its proof is too weak or too old."""

    code = "step-up-required"
    title = "This needs a fresh proof of who you are."

    def __init__(self, detail: str = "", *, acr_values: str, max_age: int | None) -> None:
        """Keep what must be proved and how recently, in seconds."""
        super().__init__(detail)
        self.acr_values = acr_values
        self.max_age = max_age


class InvalidToken(Denied):
    """No session stands behind this token."""

    code = "invalid-token"
    title = "You are not signed in."


class NotAllowed(Denied):
    """A rule of the realm says no."""

    code = "not-allowed-by-policy"
    title = "The rules of this site do not allow this."


class LastFactor(Denied):
    """The last second factor cannot go where policy demands one (I6)."""

    code = "last-factor"
    title = "This is the last method; add another before removing it."


class NotEnrolled(Denied):
    """The subject has no such authenticator."""

    code = "not-enrolled"
    title = "No such method is set up."


class CsrfRejected(Denied):
    """A request with cookies came from another site, or a form without its token."""

    code = "csrf-rejected"
    title = "This request came from another site, or its page is too old; open the page again."


class Faulty(TwofoldError):
    """The request or the configuration makes no sense."""

    code = "faulty"


class Malformed(Faulty):
    """A field is missing, of the wrong type or out of range; ``field`` names it."""

    code = "malformed"
    title = "The request is not well formed."

    def __init__(self, detail: str = "", *, field: str | None = None) -> None:
        """Keep which field was wrong, never its value."""
        super().__init__(detail)
        self.field = field


class MixedCredentials(Faulty):
    """One request showed credentials in a header and in a cookie; which one counts is a guess."""

    code = "mixed-credentials"
    title = "Credentials came in a header and in a cookie; send one of them."


class NotFound(Faulty):
    """No such thing, or not yours: the two look alike (A71)."""

    code = "not-found"
    title = "There is no such thing."


class WeakPassword(Faulty):
    """Too short, too long or too common."""

    code = "weak-password"
    title = "This password is too short or too common."


class Misconfigured(Faulty):
    """One or more settings are wrong; each fault names its key and where it came from."""

    code = "misconfigured"

    def __init__(self, faults: tuple[str, ...]) -> None:
        """Keep all faults, to be shown at once."""
        super().__init__("; ".join(faults))
        self.faults = faults


class Unavailable(TwofoldError):
    """Nothing is wrong with the request; ``retry_after`` is in seconds."""

    code = "dependency-unavailable"
    title = "The service cannot answer right now; try again shortly."

    def __init__(self, detail: str = "", *, retry_after: int = 1) -> None:
        """Keep how long to wait."""
        super().__init__(detail)
        self.retry_after = retry_after


class Overloaded(Unavailable):
    """The queue for password hashes is full; nothing was tried or counted."""

    code = "overloaded"
    title = "Too many sign-ins at once; try again shortly."


class Uncertain(Unavailable):
    """A commit may or may not have happened; the same request may safely be sent again."""

    code = "outcome-unknown"
    title = "The outcome is not known; the same request may be sent again."


class Unsealable(Unavailable):
    """Something sealed at rest was altered, moved, or sealed under a key we do not have."""

    code = "unsealable"
    title = "A stored secret cannot be read; the operator must look at the keys."
