"""Every page in a real browser: axe, targets, reflow, focus, and no complaint of the browser."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.browser import Browser
from tests.matrix.rows import ROWS
from tests.pages.house import Stage
from tests.pages.reading import BANNED, WORD, grade, longest, sentences
from tests.pages.visits import NO_PAGES, OPERATOR, OWNER, VIEWER, VISITS, Visit, pages, safe

HERE = Path(__file__).resolve().parent
LOOKS = (HERE / "looks.js").read_text()
AXE = (HERE.parent / "vendor/axe-core/axe.min.js").read_text()
AXE_DIGEST = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
LOOKED_AT = [(320, False), (320, True), (1280, False), (1280, True)]
# WCAG 2.2, 1.4.10: a window of 1280 x 1024 at 400 %.
ZOOMED = (320, 256)
TABS = 100

# docs/goals.md, 1 to 3. A kilobyte has 1000 bytes; headers are counted as the browser does.
KB, HEADERS = 1000, 300
MOST_BYTES, MOST_REQUESTS = 30 * KB, 4
# Without scripts: on the way from sign-in to the end of a run, and anywhere.
ON_THE_WAY, MOST_ON_THE_WAY, MOST_WITHOUT_SCRIPTS = ("sign-in", "home", "preview", "run"), 8 * KB, 12 * KB
# docs/goals.md, 20.
HIGHEST_GRADE, LONG_SENTENCE, LONG_SHARE = 8, 20, 0.02
# Page -> bytes on the wire: all of it, of it without scripts; and how many requests.
WEIGHTS: dict[str, tuple[int, int, int]] = {}

# Page -> what it says to a customer.
CUSTOMERS = ("", OPERATOR, OWNER, VIEWER)
SAID: dict[str, list[str]] = {}

# Page -> what axe found at each width by day and by night, and how many rules it held against it.
TABLE: dict[str, list[tuple[int, int, int]]] = {}


def test_every_page_of_the_console_is_visited() -> None:
    visited = {visit.name for visit in VISITS}
    assert pages() - visited - NO_PAGES.keys() == set(), "a page that nobody looks at: add it to visits.py"
    assert (visited | NO_PAGES.keys()) - ROWS.keys() == set()
    assert visited & NO_PAGES.keys() == set()


def test_the_vendored_axe_is_the_published_one() -> None:
    assert hashlib.sha256(AXE.encode()).hexdigest() == AXE_DIGEST


@pytest.mark.parametrize("visit", VISITS, ids=[safe(f"{one.name} {one.shows}") for one in VISITS])
def test_page(stage: Stage, browser: Browser, visit: Visit) -> None:
    wrong: list[str] = []
    browser.violations.clear()
    browser.errors.clear()
    browser.size(320)
    go(stage, browser, visit)
    browser.run(LOOKS)
    wrong += weigh(browser, visit)
    if visit.who in CUSTOMERS:
        SAID[f"{visit.name}: {visit.shows}"] = sentences(browser.run("looks.said()"))
    browser.run("looks.open()")
    wrong += browser.run("looks.bones()")
    browser.size(*ZOOMED)
    wrong += [f"at 400 %: {one}" for one in [*browser.run("looks.sideways()"), *focus(browser)]]
    wrong += [f"refused by the policy: {one}" for one in browser.run("refused")]
    browser.run(AXE)
    for width, dark in LOOKED_AT:
        browser.size(width, dark=dark)
        place = f"{width} px, {'dark' if dark else 'light'}"
        found = browser.run("looks.axe()")
        TABLE.setdefault(f"{visit.name}: {visit.shows}", []).append(
            (len(found["violations"]), len(found["incomplete"]), found["rules"])
        )
        told = found["violations"] + [f"cannot tell: {one}" for one in found["incomplete"]]
        told += [*browser.run("looks.sideways()"), *browser.run("looks.small()"), *browser.run("looks.faint()")]
        wrong += [f"{place}: {one}" for one in told]
    wrong += browser.violations + [one for one in browser.errors if f"status of {visit.answers}" not in one]
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)


def go(stage: Stage, browser: Browser, visit: Visit) -> None:
    """To the page, and sends the form if it is an answer to one; makes sure that this is the page."""
    stage.enter(browser, visit.who)
    browser.open(stage.url + visit.path(stage.ids))
    if visit.press:
        browser.run(f"document.documentElement.dataset.left = '1'; {visit.press}")
        browser.until("!document.documentElement.dataset.left && document.readyState === 'complete'")
    status = browser.run("performance.getEntriesByType('navigation')[0].responseStatus")
    assert status == visit.answers, f"{status}\n{browser.text()[:2000]}"
    asked = browser.run("location.pathname") == "/sign-in" and visit.name != "sign-in"
    assert not asked, "it asks to sign in"


def weigh(browser: Browser, visit: Visit) -> list[str]:
    """What a first visit costs: bytes as they were sent, compressed, whether or not they were kept from before."""
    sent = browser.run("looks.sent()")
    scripts = sum(size + HEADERS for name, size in sent if name.endswith(".js"))
    whole = sum(size + HEADERS for _, size in sent)
    figures = WEIGHTS[f"{visit.name}: {visit.shows}"] = whole, whole - scripts, len(sent)
    plain = MOST_ON_THE_WAY if visit.name in ON_THE_WAY else MOST_WITHOUT_SCRIPTS
    limits = zip(figures, (MOST_BYTES, plain, MOST_REQUESTS), strict=True)
    wrong = [f"weight: {found}, of at most {most}" for found, most in limits if found > most]
    return wrong + [f"from elsewhere: {name}" for name, _ in sent if not name.startswith("http://127.0.0.1:")]


def focus(browser: Browser) -> list[str]:
    """Goes through the page by the Tab key; says where the focus does not show."""
    wrong, count = [], browser.run("looks.controls()")
    for _ in range(min(count + 1, TABS)):
        browser.press("Tab")
        found = browser.run("looks.focus()")
        if found is not None and found["wrong"]:
            wrong.append(f"focus: {found['wrong']}: {found['what']}")
    return wrong


def test_the_weights(capfd: pytest.CaptureFixture[str]) -> None:
    """Prints what each page costs."""
    with capfd.disabled():
        print("\n| page | bytes | without scripts | requests |\n|---|---|---|---|")
        for page, figures in WEIGHTS.items():
            print(f"| {page} | {' | '.join(map(str, figures))} |")
        for number, what in enumerate(("bytes", "bytes without scripts", "requests")):
            print(f"most {what}: {max((figures[number] for figures in WEIGHTS.values()), default=0)}")
    assert all(whole > plain > 0 for name, (whole, plain, _) in WEIGHTS.items() if name.startswith("home:"))


def test_the_words(capfd: pytest.CaptureFixture[str]) -> None:
    """Prints how hard it is to read what customers read; empty when no page was looked at."""
    whole = [sentence for said in SAID.values() for sentence in dict.fromkeys(said)]
    once = list(dict.fromkeys(whole))
    long = [one for one in once if len(WORD.findall(one)) > LONG_SENTENCE]
    with capfd.disabled():
        print(f"\n{len(once)} sentences on {len(SAID)} pages: grade {grade(once):.1f}, {len(long)} of over 20 words")
        for page, said in sorted(SAID.items(), key=lambda item: -grade(item[1]))[:5]:
            print(f"  grade {grade(said):.1f}: {page}")
        print(f"  the longest: {longest(once)}")
    assert grade(once) <= HIGHEST_GRADE
    assert [one for one in once if BANNED.search(one)] == []
    assert len(long) <= len(once) * LONG_SHARE


def test_the_table(capfd: pytest.CaptureFixture[str]) -> None:
    """Prints what axe found; it is empty when no page was looked at."""
    head = ["page", *(f"{width} {'dark' if dark else 'light'}" for width, dark in LOOKED_AT), "rules"]
    with capfd.disabled():
        print(f"\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
        for page, cells in TABLE.items():
            shown = [f"{violations}" + (f" ({unsure}?)" if unsure else "") for violations, unsure, _ in cells]
            print(f"| {page} | {' | '.join(shown)} | {max(rules for *_, rules in cells)} |")
        looks = [cell for cells in TABLE.values() for cell in cells]
        print(f"axe-core 4.14.1: {len(TABLE)} pages, {len(looks)} looks, {sum(one[0] for one in looks)} violations")
    assert all(violations == 0 for cells in TABLE.values() for violations, *_ in cells)
