"""What is asked of every page: it fits, can be read, stands still, is small and is ours."""

from pathlib import Path

import axe_playwright_python

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
WEIGHT = 60_000
"""Bytes of a page with all it loads, uncompressed, without the picture of a key."""

JUDGE = """async (how) => (await axe.run({resultTypes: ["violations"], ...how})).violations.map(
    found => `${found.impact} ${found.id}: ${found.nodes.map(node => node.html).join(" ")}`)"""

MEASURE = """() => {
  const loaded = ["navigation", "resource"].flatMap(kind => performance.getEntriesByType(kind));
  const picture = document.querySelector(".picture")?.innerHTML ?? "";
  const said = document.querySelector("html").lang;
  return {
    wide: document.documentElement.scrollWidth - innerWidth,
    weight: loaded.reduce((sum, one) => sum + one.decodedBodySize, 0) - picture.length,
    sent: loaded.reduce((sum, one) => sum + one.transferSize, 0),
    titles: document.querySelectorAll("h1").length,
    lang: said,
    barred: [...document.querySelectorAll("input")].filter(field => field.onpaste || (
        ["username", "current-password", "new-password", "one-time-code"].every(
            purpose => !field.autocomplete.split(" ").includes(purpose)) &&
        (field.type === "password" || ["name", "code"].includes(field.id) &&
            field.name !== "label"))).map(field => field.outerHTML),
  }
}"""

MOVED = """new Promise(done => {
  new PerformanceObserver((list, own) => { own.disconnect(); done(list.getEntries()
      .filter(one => one.entryType === "layout-shift" && !one.hadRecentInput)
      .flatMap(one => one.sources.map(source => `${source.node?.outerHTML ?? one.value}`))) })
    .observe({type: "layout-shift", buffered: true});
  setTimeout(() => done([]), 0);
})"""


class Eyes:
    """Looks at the pages of one browser, keeps a picture of each, and gathers what is wrong."""

    def __init__(
        self, page, home: str, album: Path | None, *, scripts: bool, thorough: bool = False
    ):
        self.page = page
        self.faults: list[str] = []
        self.weights: dict[str, tuple[int, int]] = {}
        self._pictures = 0
        self._home = home
        self._album = album
        self._scripts = scripts
        self._thorough = thorough
        page.on("request", self._asked)
        page.on("console", self._told)
        page.on("pageerror", lambda error: self._heard(str(error)))

    def _asked(self, request):
        if not request.url.startswith((f"{self._home}/", "data:,")):
            self.faults.append(f"asked elsewhere: {request.url}")

    def _told(self, said):
        # What is only for information is none of our business, but for advice about forms.
        if said.type in {"error", "warning"} or said.text.startswith("[DOM]"):
            self._heard(said.text)

    def _heard(self, text):
        # Whoever resets a password has not said their name, so that no field can tell it.
        unknown = "username fields" in text and (
            self.page.url.endswith(("/reset-password", "/login/password"))
        )
        if "the server responded with a status of 4" not in text and not unknown:
            self.faults.append(f"{self.page.url} complains: {text}")

    async def see(self, name: str) -> None:
        """Look at the page that is open."""
        await self.keep(name)
        measured = await self.page.evaluate(MEASURE)
        self.weights[name] = measured["weight"], measured["sent"]
        faults = [f"refuses help: {field}" for field in measured["barred"]]
        if measured["wide"] > 0:
            faults.append(f"{measured['wide']} px too wide")
        if measured["weight"] > WEIGHT:
            faults.append(f"weighs {measured['weight']} bytes")
        if measured["titles"] != 1:
            faults.append(f"{measured['titles']} headings of the first level")
        if self._scripts:
            faults += [f"moves: {node}" for node in await self.page.evaluate(MOVED)]
            faults += await self._barriers()
        self.faults += [f"{name}: {fault}" for fault in faults]

    def tell(self) -> None:
        """Write the figures beside the pictures."""
        if self._album is None:
            return
        lines = [
            f"{weight:6} bytes, {sent:6} sent  {name}"
            for name, (weight, sent) in self.weights.items()
        ]
        (self._album / "figures.txt").write_text("\n".join([*lines, *self.faults, ""]))

    async def keep(self, name: str) -> None:
        """Only take a picture, if pictures are kept."""
        if self._album is None:
            return
        self._album.mkdir(parents=True, exist_ok=True)
        self._pictures += 1
        file = self._album / f"{self._pictures:02}-{name}.png"
        await self.page.screenshot(path=file, full_page=True)

    async def _barriers(self) -> list[str]:
        """What axe-core finds; the developer tools run it, whatever the page's own policy says.

        It cannot run where scripts are off. There the document is the same, so that the walks
        with scripts answer for those without.
        """
        await self.page.evaluate(f"{AXE};0")
        found = await self.page.evaluate(JUDGE, {})
        if self._thorough:
            contrast = {"runOnly": ["color-contrast"]}
            await self.page.emulate_media(color_scheme="dark")
            found += [f"dark: {one}" for one in await self.page.evaluate(JUDGE, contrast)]
            await self.page.emulate_media(color_scheme="light", forced_colors="active")
            found += [f"forced: {one}" for one in await self.page.evaluate(JUDGE, contrast)]
            await self.page.emulate_media(forced_colors="none")
        return found
