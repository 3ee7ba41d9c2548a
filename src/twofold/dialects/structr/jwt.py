"""Access tokens as Structr writes them: JWTs, HS256, over the raw bytes of the secret.

What the token says is for whoever reads it; that it is still good is decided by the session
behind it, which it names in ``tokenId``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twofold.core.errors import InvalidToken
from twofold.core.types import SECOND, Instant, Subject

LONGEST = 4_096
"""Characters: nothing longer is parsed (A127)."""

_ALGORITHMS = ["HS256"]
"""The only one, and always given: a token never chooses (A143)."""

_TYPE = "access_token"


@dataclass(frozen=True, slots=True)
class Signer:
    """Writes and reads tokens under one secret, for one issuer."""

    secret: bytes
    issuer: str

    def write(self, subject: Subject, token: str, expires_at: Instant) -> str:
        """A token that says whose it is and stands for our own ``token``."""
        # Loaded with the first token: a server is ready sooner without it.
        from joserfc import jwt
        from joserfc.jwk import OctKey

        claims: dict[str, Any] = {
            "sub": subject.name,
            "iss": self.issuer,
            "exp": expires_at // SECOND,
            "uuid": subject.id,
            "eMail": subject.email,
            "instance": self.issuer,
            "tokenType": _TYPE,
            "tokenId": token,
        }
        header = {"alg": "HS256", "typ": "JWT"}
        return jwt.encode(header, claims, OctKey.import_key(self.secret), algorithms=_ALGORITHMS)

    def read(self, text: str, now: Instant) -> str:
        """The token of ours that a token stands for; InvalidToken for everything else."""
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import OctKey

        if len(text) > LONGEST:
            raise InvalidToken
        try:
            found = jwt.decode(text, OctKey.import_key(self.secret), algorithms=_ALGORITHMS)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise InvalidToken from None
        match found.claims:
            case {
                "iss": self.issuer,
                "tokenType": "access_token",
                "tokenId": str(token),
                "exp": int(exp),
            } if exp * SECOND > now:
                return token
            case _:
                raise InvalidToken
