"""A drawn code says the same to a reader that is not ours as to us."""

import shutil
import subprocess
from io import BytesIO
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from twofold.core.errors import Malformed
from twofold.web import qr

URI = (
    "otpauth://totp/Example%20Corp:alice%40example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    "&issuer=Example%20Corp&algorithm=SHA256&digits=8&period=60"
)
TEXTS = [URI, "otpauth://totp/a?secret=AAAA", "plain words, ümläut & 漢字", "1234567890", "A" * 500]
SVG = "{http://www.w3.org/2000/svg}"

needs_reader = pytest.mark.skipif(not shutil.which("zbarimg"), reason="needs zbar-tools")


def read(path) -> str:
    """What zbar sees in a picture."""
    seen = subprocess.run(
        ["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", path],
        check=True,
        capture_output=True,
    )
    return seen.stdout.decode().removesuffix("\n")


def raster(drawing: str, scale: int) -> Image.Image:
    """Draw the strokes of our SVG by hand: no renderer is needed for lines along rows."""
    root = ET.fromstring(drawing)  # noqa: S314 -- we wrote it
    _, _, side, height = map(int, root.attrib["viewBox"].split())
    assert side == height
    picture = Image.new("L", (side, side), 128)
    background, strokes = root.findall(f"{SVG}path")
    assert background.attrib == {"fill": "#fff", "d": f"M0 0h{side}v{side}H0z"}
    picture.paste(255, (0, 0, side, side))
    assert strokes.attrib["stroke"] == "#000"
    for stroke in strokes.attrib["d"].split("M")[1:]:
        start, run = stroke.split("h")
        x, y = start.split(" ")
        assert y.endswith(".5")
        row = int(y.removesuffix(".5"))
        picture.paste(0, (int(x), row, int(x) + int(run), row + 1))
    return picture.resize((side * scale, side * scale), Image.Resampling.NEAREST)


@needs_reader
@pytest.mark.realparts
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("scale", [2, 3, 4, 7])
def test_another_reader_sees_the_text_in_the_png(text, scale, tmp_path):
    (tmp_path / "code.png").write_bytes(qr.png(text, scale=scale))
    assert read(tmp_path / "code.png") == text


@needs_reader
@pytest.mark.realparts
@pytest.mark.parametrize("text", TEXTS)
def test_another_reader_sees_the_text_in_the_svg(text, tmp_path):
    raster(qr.svg(text), 4).save(tmp_path / "code.png")
    assert read(tmp_path / "code.png") == text


@pytest.mark.parametrize("text", TEXTS)
def test_both_drawings_are_the_same_picture(text):
    png = Image.open(BytesIO(qr.png(text, scale=1))).convert("L")
    assert png.tobytes() == raster(qr.svg(text), 1).tobytes()


@pytest.mark.parametrize("scale", [1, 4, 5])
def test_a_png_is_as_large_as_it_was_asked_for_and_has_a_quiet_zone(scale):
    side = Image.open(BytesIO(qr.png(URI, scale=1))).width
    picture = Image.open(BytesIO(qr.png(URI, scale=scale))).convert("L")
    assert picture.size == (side * scale, side * scale)
    edge = 4 * scale
    zone = [
        picture.crop((0, 0, side * scale, edge)),
        picture.crop((0, 0, edge, side * scale)),
        picture.crop(((side - 4) * scale, 0, side * scale, side * scale)),
        picture.crop((0, (side - 4) * scale, side * scale, side * scale)),
    ]
    assert [part.getextrema() for part in zone] == [(255, 255)] * 4
    assert picture.getpixel((edge, edge)) == 0


def test_a_png_of_a_key_uri_is_small_enough_for_a_header():
    assert len(qr.png(URI)) < 1000


def test_an_svg_has_a_name_for_those_who_cannot_see_it_and_no_style():
    drawing = qr.svg(URI, title='Key of "alice" <b>')
    root = ET.fromstring(drawing)  # noqa: S314 -- we wrote it
    assert root.attrib["role"] == "img"
    assert root.find(f"{SVG}title").text == 'Key of "alice" <b>'
    assert "style" not in drawing
    assert not drawing.startswith("<?xml")


@pytest.mark.parametrize("text", ["", "A" * 5000, "\udc80", "漢" * 2000])
def test_what_does_not_fit_is_malformed(text):
    for draw in (qr.svg, qr.png):
        with pytest.raises(Malformed):
            draw(text)


@pytest.mark.parametrize("text", ["a", URI, URI + "x" * 100])
@pytest.mark.parametrize("side", [150, 200, 201])
def test_a_square_has_the_side_it_was_asked_for_and_no_quiet_zone_of_modules(text, side, tmp_path):
    drawn = qr.square_png(text, side=side)
    (tmp_path / "code.png").write_bytes(drawn)

    picture = Image.open(BytesIO(drawn)).convert("L")
    ink = picture.point(lambda shade: 255 - shade).getbbox()
    modules = Image.open(BytesIO(qr.png(text, scale=1))).width - 8
    scale = side // modules
    assert (picture.width, picture.height) == (side, side)
    # Whole pixels per module, and what is left over around it.
    assert ink[2] - ink[0] == modules * scale
    assert ink[0] == (side - modules * scale) // 2
    assert read(tmp_path / "code.png") == text


def test_a_square_that_is_too_small_is_refused():
    with pytest.raises(Malformed):
        qr.square_png(URI, side=20)
