"""QR codes of key URIs, drawn from zxing-cpp's matrix: SVG for pages, PNG where a contract says so.

Measured for a typical key URI on one core: 0.4 ms for the matrix, and 0.2 ms for either drawing;
segno takes 7 to 9 ms. zxing-cpp's own SVG is not used: it is a whole document, has no viewBox,
and takes longer than ours.
"""

from __future__ import annotations

import math
import re
import struct
import zlib
from html import escape
from typing import Final, cast

import zxingcpp

from twofold.core.errors import Malformed

_DARK_RUN: Final = re.compile(rb"\x00+")
_ONES: Final = bytes(b"1"[0] if shade else b"0"[0] for shade in range(256))
_QUIET: Final = 4
_GREY: Final = 0
_FILTER_NONE: Final = b"\0"


def svg(text: str, *, title: str = "QR code") -> str:
    """An inline SVG image: black on a white tile of its own, so dark pages do not invert it.

    It scales with its box, has a quiet zone of four modules, and needs no style (CSP).
    """
    side, rows = _matrix(text)
    # One horizontal stroke per run of dark modules, at the middle of its row.
    path = "".join(
        f"M{run.start()} {y}.5h{run.end() - run.start()}"
        for y, row in enumerate(rows)
        for run in _DARK_RUN.finditer(row)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" role="img"'
        f' shape-rendering="crispEdges"><title>{escape(title)}</title>'
        f'<path fill="#fff" d="M0 0h{side}v{side}H0z"/>'
        f'<path stroke="#000" d="{path}"/></svg>'
    )


def png(text: str, *, scale: int = 4) -> bytes:
    """A PNG image of one bit per pixel; ``scale`` is pixels per module."""
    _, rows = _matrix(text)
    return _png(_scaled(rows, scale))


def square_png(text: str, *, side: int) -> bytes:
    """A PNG image of ``side`` by ``side`` pixels without a quiet zone of modules.

    Modules are whole pixels, or cameras stumble; what is left over is a white margin around.
    Malformed for a text that does not fit.
    """
    _, rows = _matrix(text)
    inner = [row[_QUIET:-_QUIET] for row in rows[_QUIET:-_QUIET]]
    scale = side // len(inner)
    if scale == 0:
        raise Malformed("This text does not fit in a QR code of this size.")
    before, odd = divmod(side - len(inner) * scale, 2)
    after = before + odd
    blank = b"1" * side
    lines = [b"1" * before + line + b"1" * after for line in _scaled(inner, scale)]
    return _png([blank] * before + lines + [blank] * after)


def _scaled(rows: list[bytes], scale: int) -> list[bytes]:
    """The rows as digits, 1 for light, each module so many times in both directions."""
    lines: list[bytes] = []
    for row in rows:
        bits = row.translate(_ONES).replace(b"0", b"0" * scale).replace(b"1", b"1" * scale)
        lines += (bits,) * scale
    return lines


def _png(bitmap: list[bytes]) -> bytes:
    width = len(bitmap)
    padding = -width % 8
    lines = [
        _FILTER_NONE + int(bits + b"0" * padding, 2).to_bytes((width + padding) // 8, "big")
        for bits in bitmap
    ]
    header = struct.pack(">IIBBBBB", width, width, 1, _GREY, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"IDAT", zlib.compress(b"".join(lines), 9)),
            _chunk(b"IEND", b""),
        )
    )


def _matrix(text: str) -> tuple[int, list[bytes]]:
    """The side in modules with the quiet zone, and one byte per module: 0 is dark, 255 light."""
    try:
        text.encode()  # the library ends with a C++ cast error where this says what is wrong
        code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    except ValueError:
        raise Malformed("This text does not fit in a QR code.") from None
    # It speaks the buffer protocol, which its type stub cannot say before Python 3.12.
    picture = cast("bytes", zxingcpp.write_barcode_to_image(code))
    pixels = bytes(picture)
    side = math.isqrt(len(pixels))
    return side, [pixels[start : start + side] for start in range(0, len(pixels), side)]


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return b"".join((struct.pack(">I", len(data)), kind, data, struct.pack(">I", checksum)))
