"""Pages: one Jinja2 environment that escapes everything and stops at what it does not know.

Templates are files that we or the operator ship, never text from the store or from a request
(A141).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from twofold.web.headers import Header
from twofold.web.headers import page as page_headers
from twofold.web.response import Response

if TYPE_CHECKING:
    from jinja2 import Environment

_HTML: Final[Header] = (b"content-type", b"text/html; charset=utf-8")
_LONGEST_PATH: Final = 2048
_PLAIN: Final = re.compile(r"/[\x21\x22\x24-\x5b\x5d-\x7e]*")  # no blank, backslash, fragment
_TRAPS: Final = re.compile(r"[\\\x00-\x20\x7f]|//|/\.{1,2}(?:/|$)")


class Templates:
    """Templates of some folders, the first that has a name wins; read once, escaped always."""

    def __init__(self, *folders: Path) -> None:
        """Read nothing yet: a server that only serves the API never loads the engine."""
        self._folders = folders

    @cached_property
    def _environment(self) -> Environment:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        return Environment(
            loader=FileSystemLoader(self._folders),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def render(self, name: str, /, **values: object) -> str:
        """Fill a template in; a value it asks for and is not given is an error."""
        return self._environment.get_template(name).render(**values)


def page(
    templates: Templates,
    name: str,
    /,
    *headers: Header,
    status: int = 200,
    form_targets: Sequence[str] = (),
    **values: object,
) -> Response:
    """The rendered page; its own style and script elements carry ``nonce``, which it is given."""
    nonce = secrets.token_urlsafe(16)
    body = templates.render(name, nonce=nonce, **values).encode()
    fixed = page_headers(nonce, form_targets=form_targets)
    return Response(status, body, (*fixed, _HTML, *headers))


def local_path(text: str | None) -> str | None:
    r"""The text if it names a path of this site and nothing else, for redirects after a login.

    Browsers read ``//evil``, ``/\evil`` and ``/<tab>/evil`` as another site, and what a proxy
    decodes on the way must not become one of these either (A115).
    """
    if not text or len(text) > _LONGEST_PATH or _PLAIN.fullmatch(text) is None:
        return None
    path = text.partition("?")[0]
    return None if _TRAPS.search(path) or _TRAPS.search(unquote(path)) else text
