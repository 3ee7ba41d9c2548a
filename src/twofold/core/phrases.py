"""Sentences for people that hold data: English to whoever reads them as text, and translatable."""

from __future__ import annotations

from typing import Self


class Phrase(str):
    """An English sentence that remembers how it was made, so that a page can say it again.

    ``Phrase("A password has at least {minimum} characters.", minimum=8)`` is that text with the
    number in it; ``template`` is what translators see.
    """

    __slots__ = ("template", "values")

    template: str
    values: dict[str, object]

    def __new__(cls, template: str, /, **values: object) -> Self:
        """Fill the placeholders in."""
        made = super().__new__(cls, template.format(**values))
        made.template = template
        made.values = values
        return made
