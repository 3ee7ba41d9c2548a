"""Pages: one Jinja2 environment that escapes everything and stops at what it does not know.

Templates are files that we or the operator ship, never text from the store or from a request
(A141).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from twofold.web.headers import OWN, Header, Sources
from twofold.web.headers import page as page_headers
from twofold.web.languages import ENGLISH, Language, languages
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
        self._environments: dict[str, Environment] = {}

    def _environment(self, language: Language) -> Environment:
        """Return the language's own environment: what is compiled once is never asked again."""
        made = self._environments.get(language.tag)
        if made is None:
            made = self._environments[language.tag] = _environment(self._folders, language)
        return made

    def render(self, name: str, /, *, language: Language | None = None, **values: object) -> str:
        """Fill a template in; a value it asks for and is not given is an error."""
        language = language or languages()[ENGLISH]
        return self._environment(language).get_template(name).render(**values)


def _environment(folders: Sequence[Path], language: Language) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.policies["ext.i18n.trimmed"] = True
    # A translation is marked as safe and its values are escaped: catalogues are our files.
    made.install_gettext_callables(  # type: ignore[attr-defined]
        language.text, language.catalogue.ngettext, newstyle=True
    )
    made.globals["language"] = language
    return made


def page(
    templates: Templates,
    name: str,
    /,
    *headers: Header,
    status: int = 200,
    sources: Sources = OWN,
    language: Language | None = None,
    **values: object,
) -> Response:
    """The rendered page; its own style and script elements carry ``nonce``, which it is given."""
    nonce = secrets.token_urlsafe(16)
    body = templates.render(name, language=language, nonce=nonce, **values).encode()
    fixed = page_headers(nonce, sources)
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


def return_path(text: str | None, origins: Sequence[str]) -> str | None:
    """The text if it is a path of this site, or a URL at one of these origins and nothing else.

    What follows an origin must begin with a slash, so that neither a longer host name nor a part
    before an ``@`` can pass for it.
    """
    for origin in origins:
        if text is not None and text.startswith(origin):
            rest = text[len(origin) :]
            return text if not rest or local_path(rest) else None
    return local_path(text)
