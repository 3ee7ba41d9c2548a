"""Colours and how well they are told apart, by the formula of WCAG 2.2; and a palette from four.

What is worked out here keeps its distance by construction: text in every shade reaches 4.5, the
outline of a field 3 (success criteria 1.4.3 and 1.4.11).
"""

from __future__ import annotations

from typing import Final

LEAST_TEXT: Final = 4.5
_LEAST_LINE: Final = 3.0
_STEPS: Final = 40
_KNEE: Final = 0.04045
"""Where sRGB's curve becomes a line; WCAG's own figure, 0.03928, is a slip without effect."""

_BAD: Final = ("#b3261e", "#ffb4ab")
_GOOD: Final = ("#14673b", "#7ddba3")


def ratio(one: str, other: str) -> float:
    """The contrast of two colours ``#rrggbb``, 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def palette(background: str, surface: str, text: str, accent: str) -> dict[str, str]:
    """Every colour of the style sheet by its name there."""
    grounds = (background, surface)
    return {
        "paper": background,
        "card": surface,
        "ink": text,
        "act": accent,
        "on-act": max("#ffffff", "#000000", key=lambda colour: ratio(colour, accent)),
        "soft": _faded(text, grounds, LEAST_TEXT, most=0.4),
        "line": _faded(text, (surface,), _LEAST_LINE, most=0.6),
        "bad": _readable(_BAD, grounds, text),
        "good": _readable(_GOOD, grounds, text),
    }


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(part / 255) for part in bytes.fromhex(colour[1:]))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= _KNEE else float(((part + 0.055) / 1.055) ** 2.4)


def _faded(text: str, grounds: tuple[str, ...], least: float, *, most: float) -> str:
    """Return the text's colour, as far towards the last ground as it stays readable on all."""
    for step in range(_STEPS, 0, -1):
        mixed = _mix(text, grounds[-1], most * step / _STEPS)
        if all(ratio(mixed, ground) >= least for ground in grounds):
            return mixed
    return text


def _mix(one: str, other: str, share: float) -> str:
    pairs = zip(bytes.fromhex(one[1:]), bytes.fromhex(other[1:]), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _readable(choices: tuple[str, ...], grounds: tuple[str, ...], text: str) -> str:
    """Return the choice that is readable on every ground; the colour of text if none is."""
    fitting = (c for c in choices if all(ratio(c, ground) >= LEAST_TEXT for ground in grounds))
    return next(fitting, text)
