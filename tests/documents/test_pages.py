"""The manual as a whole: every page is found, every link arrives, and nothing local slips in."""

import re

import pytest

from tests.documents.markdown import DOCS, PAGES, ROOT, anchors, links, name_of, prose

every_page = pytest.mark.parametrize("page", PAGES, ids=name_of)

UNFINISHED = re.compile(r"\b(TODO|FIXME|TBD|XXX)\b")
LOCAL = re.compile(r"(?<![\w.])/(?:home|root|tmp|work|Users|mnt)/")
REGISTRIES = re.compile(r"\b(pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|docker\.io|ghcr\.io)\b")
SHOUTS = re.compile(
    r"\b(seamless\w*|blazing\w*|cutting-edge|world-class|state-of-the-art|military-grade|"
    r"unhackable|effortless\w*|revolutionary|best-in-class|bulletproof)\b",
    re.IGNORECASE,
)
OUTSIDE = ("https://", "http://", "mailto:")


@every_page
def test_every_link_arrives(page):
    lost = []
    for link in links(page):
        if link.startswith(OUTSIDE):
            continue
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        there = target.exists() and target.is_relative_to(ROOT)
        if not there or (fragment and fragment not in anchors(target)):
            lost.append(link)

    assert lost == []


@every_page
def test_nothing_is_left_open(page):
    assert UNFINISHED.findall(page.read_text("utf-8")) == []


@every_page
def test_no_path_of_one_machine_is_told(page):
    assert LOCAL.findall(page.read_text("utf-8")) == []


@every_page
def test_no_registry_is_named(page):
    assert REGISTRIES.findall(page.read_text("utf-8")) == []


@every_page
def test_nothing_is_praised(page):
    assert SHOUTS.findall(prose(page)) == []


@every_page
def test_a_page_has_one_title_and_begins_with_it(page):
    text = prose(page)

    assert text.startswith("# ")
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1


@pytest.mark.parametrize("page", [p for p in PAGES if p.is_relative_to(DOCS)], ids=name_of)
def test_every_page_is_reached_from_the_first_one(page):
    reached = {DOCS / "index.md"}
    waiting = list(reached)
    while waiting:
        here = waiting.pop()
        for link in links(here):
            path = link.partition("#")[0]
            if path.startswith(OUTSIDE) or not path:
                continue
            target = (here.parent / path).resolve()
            found = target.glob("*.md") if target.is_dir() else [target]
            for other in found:
                if other.suffix == ".md" and other.exists() and other not in reached:
                    reached.add(other)
                    waiting.append(other)

    assert page in reached


def test_decisions_are_numbered_without_a_gap():
    numbers = [int(page.name[:4]) for page in sorted((DOCS / "decisions").glob("*.md"))]

    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("page", sorted((DOCS / "decisions").glob("*.md")), ids=name_of)
def test_a_decision_says_why_and_what_was_refused(page):
    text = page.read_text("utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)

    assert text.startswith(f"# {int(page.name[:4])}. ")
    assert re.search(r"^(Accepted|Refused|Replaced by \d+), \d{4}-\d\d-\d\d$", text, re.MULTILINE)
    assert headings == ["Context", "Decision", "Refused", "Consequences"]
    assert len(text.splitlines()) <= 36
