"""The one spelling under which a name, an address or a number is looked up.

Two spellings of one account would be two accounts to register, two budgets to guess against
(A23) or two people receiving one code, so all of them meet here before anything is counted.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from twofold.core.errors import Malformed

LONGEST: Final = 254
"""Characters of a name, RFC 5321's limit for an address."""

_LONGEST_LOCAL: Final = 64
_LONGEST_LABEL: Final = 63
_REFUSED: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_INVISIBLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Letters and marks of UAX 44 Default_Ignorable_Code_Point that no category above names."""

_LOCAL: Final = re.compile(r"[^\s\"(),:;<>@\[\\\].]+(?:\.[^\s\"(),:;<>@\[\\\].]+)*")
_PHONE: Final = re.compile(r"(?:\+|00)([1-9][0-9]{6,14})")
_PHONE_FILLERS: Final = str.maketrans("", "", " -.()/")


def name(text: object) -> str:
    """``name:alice`` for ``Alice``, ``ALICE `` and every compatible spelling; or Malformed."""
    return f"name:{_folded(text, 'name')}"


def email(text: object) -> str:
    """``email:a@b.c``, of any case; a ``+tag`` stays, because only the mailbox knows it.

    A domain is kept in Unicode, whether it was typed so or as ``xn--``.
    """
    folded = _folded(text, "email")
    local, at, domain = folded.partition("@")
    if not at or len(local.encode()) > _LONGEST_LOCAL or not _LOCAL.fullmatch(local):
        raise Malformed("This is no e-mail address.", field="email")
    return f"email:{local}@{'.'.join(map(_label, domain.split('.')))}"


def phone(text: object) -> str:
    """``phone:+4930...`` (E.164); without a country code a number means nothing."""
    form = _PHONE.fullmatch(_folded(text, "phone").translate(_PHONE_FILLERS))
    if form is None:
        raise Malformed("A phone number starts with + and its country code.", field="phone")
    return f"phone:+{form[1]}"


def candidates(text: object) -> tuple[str, ...]:
    """What a login identifier may mean, likeliest first; empty when it cannot mean anything."""
    readings = [name]
    if isinstance(text, str) and "@" in unicodedata.normalize("NFKC", text[: 2 * LONGEST]):
        readings = [email, name]
    elif isinstance(text, str) and text.lstrip().startswith("+"):
        readings = [phone, name]
    found: list[str] = []
    for reading in readings:
        try:
            found.append(reading(text))
        except Malformed:
            continue
    return tuple(found)


def _folded(text: object, field: str) -> str:
    """NFKC and casefold, so that a ligature or a long s makes no new name; single blanks inside."""
    # Cut before normalising: one letter may become eighteen.
    if not isinstance(text, str) or len(text) > LONGEST:
        raise Malformed("This is missing or too long.", field=field)
    if text.isascii() and text.isprintable():
        folded = text.lower()
    else:
        _refuse_unseen(text, field)
        # Twice: folding may undo composition, and composing may uncover a capital.
        folded = _nfkc_fold(_nfkc_fold(text))
        _refuse_unseen(folded, field)
    folded = " ".join(folded.split())
    if not folded or len(folded) > LONGEST:
        raise Malformed("This is missing or too long.", field=field)
    return folded


def _nfkc_fold(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _refuse_unseen(text: str, field: str) -> None:
    """Line ends inject headers (A137); what nobody sees makes two accounts look like one."""
    unseen = any(unicodedata.category(letter) in _REFUSED for letter in text)
    if unseen or _INVISIBLE.search(text):
        raise Malformed("Control and invisible characters are refused.", field=field)


def _label(label: str) -> str:
    if label.startswith("xn--"):
        try:
            label = _nfkc_fold(label[4:].encode("ascii").decode("punycode"))
        except ValueError:
            label = ""
        if label.isascii() or label.startswith("xn--"):
            raise Malformed("This is no e-mail address.", field="email")
    # Letters, digits and marks of any script, as in host names: no dot of another width.
    fit = all(c == "-" or unicodedata.category(c)[0] in "LMN" for c in label)
    if not fit or not 0 < len(label) <= _LONGEST_LABEL or label[0] == "-" or label[-1] == "-":
        raise Malformed("This is no e-mail address.", field="email")
    return label
