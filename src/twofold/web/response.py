"""What a handler answers: a status, headers and bytes, ready to be sent."""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import quote

import msgspec

from twofold.web.headers import DATA, Header

_JSON: Final = (*DATA, (b"content-type", b"application/json"))
_TEXT: Final = (*DATA, (b"content-type", b"text/plain; charset=utf-8"))
_encode: Final = msgspec.json.Encoder().encode


class Response(NamedTuple):
    """An answer; its length and the request id are added when it is sent."""

    status: int
    body: bytes
    headers: tuple[Header, ...]

    def plus(self, *headers: Header) -> Response:
        """The same answer with these headers behind its own: cookies, mostly."""
        return Response(self.status, self.body, self.headers + headers)


def json(value: object, *headers: Header, status: int = 200) -> Response:
    """Any JSON value, msgspec struct or dataclass."""
    return Response(status, _encode(value), _JSON + headers)


def text(words: str, *headers: Header, status: int = 200) -> Response:
    """Plain text."""
    return Response(status, words.encode(), _TEXT + headers)


def empty(*headers: Header, status: int = 204) -> Response:
    """Nothing but a status."""
    return Response(status, b"", DATA + headers)


def redirect(target: str, *headers: Header, status: int = 303) -> Response:
    """Go there with GET; the target is checked by whoever takes it from a request.

    See ``html.local_path``. What a header cannot hold is percent-encoded here.
    """
    location = quote(target, safe="!#$%&'()*+,/:;=?@[]~").encode("ascii")
    return Response(status, b"", (*DATA, (b"location", location), *headers))
