"""Messages as a mail program shows them, and the link by which one says that it was not me."""

from dataclasses import replace

import pytest

from tests.adapters.mailboxes import Mailbox, serve, text_of
from twofold.adapters import specimens
from twofold.adapters.letters import WORDS, Stationery, Style
from twofold.adapters.senders.smtp import Relay, SmtpSender
from twofold.adapters.system import SystemClock
from twofold.core.letters import TEMPLATES

pytestmark = [pytest.mark.browser, pytest.mark.realparts]

LANGUAGES = sorted(folder.name for folder in WORDS.iterdir() if folder.is_dir())
STYLE = Style("Bücher & Söhne", account="https://id.example.org/account")

CONTRAST = """() => {
  const light = c => { const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map(v => {
      v /= 255; return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4 });
    return .2126 * r + .7152 * g + .0722 * b };
  const behind = e => { while (e) { const c = getComputedStyle(e).backgroundColor;
      if (!/, 0\\)$/.test(c)) return c; e = e.parentElement } return 'rgb(255, 255, 255)' };
  let worst = 21, checked = 0;
  for (const e of document.body.querySelectorAll('*')) {
    if (!e.offsetParent || ![...e.childNodes].some(n => n.nodeType == 3 && n.data.trim())) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
    worst = Math.min(worst, (a + .05) / (b + .05)); checked++;
  }
  return [worst, checked] }"""


async def arrived(template, locale):
    """A message of a kind, as a real receiver took it from the wire."""
    box = Mailbox()
    known = {**specimens.values(template), "locale": locale}
    letter = Stationery(STYLE).write(specimens.message(template), known, specimens.AT)
    async with serve(box) as port:
        relay = Relay("127.0.0.1", port, "Twofold <noreply@example.org>", tls="none")
        await SmtpSender(relay, SystemClock()).send(replace(letter, id=f"{template}.1"))
    return letter, box


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 760])
async def test_every_message_fits_every_screen_and_can_be_read(browser, scheme, width):
    context = await browser.new_context(
        viewport={"width": width, "height": 700}, color_scheme=scheme, java_script_enabled=True
    )
    page = await context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))

    for template in TEMPLATES:
        for locale in LANGUAGES:
            _, box = await arrived(template, locale)
            await page.set_content(text_of(box.messages[0], "html"))
            seen = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
            assert seen[0] <= seen[1], (template, locale)
            worst, checked = await page.evaluate(CONTRAST)
            assert checked > 4
            assert worst >= 4.5, (template, locale, worst)
    assert asked == []


async def test_one_click_takes_the_code_and_nothing_else(browser):
    page = await browser.new_page()
    await page.set_content(text_of((await arrived("code", "de"))[1].messages[0], "html"))

    await page.get_by_text("314159", exact=True).click()

    assert await page.evaluate("getSelection().toString()") == "314159"


@pytest.mark.parametrize("locale", LANGUAGES)
async def test_a_message_arrives_with_the_headers_it_should_have(locale):
    letter, box = await arrived("code", locale)

    [message] = box.messages
    raw = box.envelopes[0].content
    assert message["Subject"] == letter.subject
    assert b"=?utf-8?" in raw
    assert raw.partition(b"\r\n\r\n")[0].isascii()
    assert message["Content-Language"] == locale
    assert message["Auto-Submitted"] == "auto-generated"
    assert text_of(message) == letter.text
    for name in ("Reply-To", "List-Unsubscribe", "Return-Receipt-To", "Sender", "Precedence"):
        assert name not in message


async def test_a_link_fills_its_page_in_and_leaves_the_address_bar(browser, server):
    page = await browser.new_page()

    await page.goto(f"{server.url}/disown#t1.a-secret")

    field = page.get_by_label("What follows #")
    assert await field.input_value() == "t1.a-secret"
    assert page.url == f"{server.url}/disown"
    await page.get_by_role("button", name="It was not me").click()
    await page.get_by_role("alert").wait_for()
