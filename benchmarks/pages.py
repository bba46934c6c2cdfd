"""The page in the machine's Chromium, beside bare pages that do the same: hearing, leafing, searching, replaying, starting.

What the user does and what comes of it are timed inside the page (`stopwatch.js`), so that nothing of what drives the
browser is counted. Both sides stand open at the same time and take turns.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from benchmarks.audio import SAMPLE_RATE, tone
from benchmarks.measure import OURS, Bar, Row, Timings
from benchmarks.records import write_history, write_media
from benchmarks.run import Run, tell
from generators import load_generator
from store import GenerationHistory, GenerationResult
from store.audio import encode_samples, prepare
from tests.browser import DESKTOP, Tab, launch, running, serving, tab
from tests.growth import memory_bytes
from tests.pages import Browser as Client
from tests.pages import free_port

BARE, GALLERY, EVENT, BLOCKS = "one <audio>", "gr.Gallery", "bare event", "bare gr.Blocks"
SMALL = 100
STOPWATCH = (Path(__file__).parent / "stopwatch.js").read_text("utf-8")
CLIPS_S = (10, 600)
FOCUS_FIRST = "document.querySelector('.scroller [data-entry-id]').focus()"
ROUNDS, REST_MS = 12, 600
RESTED_S = 1.5
TYPED = ("the", "mar", "wir", "sub", "saw", "kic", "hat", "mot", "gra", "whi", "clu", "org", "emb", "tid", "dus", "fel")
"""What is searched for: all but the last letter stands in the box, the last one is typed."""

Act = Callable[[], object]


def rows(run: Run) -> Iterator[Row]:
    """Measure the group."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for seconds in CLIPS_S:
            yield from hearing(run, browser, seconds)
        yield from leafing(run, browser)
        yield replaying(run, browser)
        yield starting(run, browser)
        yield browser_memory(run, browser)
        browser.close()
    yield server_memory(run)


# -- the two sides ------------------------------------------------------------------------------------------------------


@contextmanager
def bare(browser: Browser, name: str, root: Path) -> Iterator[Page]:
    """Open one of the bare pages, served by a process of its own."""
    with serving_bare(name, root) as address:
        context = browser.new_context(viewport=DESKTOP)  # type: ignore[arg-type]
        context.add_init_script(STOPWATCH)
        page = context.new_page()
        page.goto(address)
        yield page
        context.close()


@contextmanager
def serving_bare(name: str, root: Path) -> Iterator[str]:
    """Serve one of the bare pages; give its address."""
    port = free_port()
    with serving(["-m", "benchmarks.bare", name, port, root], port, {}):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def retake(browser: Browser, root: Path) -> Iterator[Tab]:
    """Open Retake over a history, with its cards on screen."""
    with running(root) as app, tab(browser, app, script=STOPWATCH) as opened:
        opened.cards().first.wait_for()
        opened.page.wait_for_timeout(1_000)
        yield opened


def timed(page: Page, act: Act, event: str, end: str) -> float:
    """Do something, and return the milliseconds from its event in the page to its end there."""
    page.evaluate(f"stopwatch.start('{event}', {end})")
    act()
    return float(page.evaluate("stopwatch.measured"))


def timings(run: Run, usual: int, sides: Mapping[str, Callable[[int], float]], warm_up: int = 1) -> Timings:
    """Let both sides take turns; each is given the number of the round."""
    samples: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(warm_up + run.rounds(usual)):
        for name, side in sides.items():
            taken_ms = side(number)
            if number >= warm_up:
                samples[name].append(taken_ms)
    return Timings(samples)


# -- hearing ------------------------------------------------------------------------------------------------------------


def hearing(run: Run, browser: Browser, seconds: int) -> Iterator[Row]:
    """Time click → `playing`, of clips that were never loaded: at once, and after the pointer has rested on them."""
    clips = 1 + run.rounds(ROUNDS)
    root = clips_of(run, seconds, 2 * clips)
    with bare(browser, "player", root) as page, retake(browser, root) as opened:
        ids = opened.ids()
        cold = _heard(run, page, opened, ids[:clips], 0)
        yield _heard_row(f"click → playing, {seconds} s, cold", cold, 1.3)
        hovered = _heard(run, page, opened, ids[clips : 2 * clips], REST_MS)
        yield _heard_row(f"click → playing, {seconds} s, hovered", hovered, 1.0)


def _heard(run: Run, page: Page, opened: Tab, ids: Sequence[str], rest_ms: int) -> Timings:
    def theirs(number: int) -> float:
        return _click(page, page.locator(f'[data-name^="{ids[number]}"]'), 0)

    def ours(number: int) -> float:
        return _click(opened.page, opened.card(ids[number]), rest_ms)

    return timings(run, ROUNDS, {BARE: theirs, OURS: ours})


def _heard_row(operation: str, taken: Timings, most: float) -> Row:
    bar = Bar(taken.ratio(BARE), most, f"× {BARE}")
    return Row(operation, len(taken.samples_ms[OURS]), taken.median(OURS), taken.medians([BARE]), bars=(bar,))


def clips_of(run: Run, seconds: int, clips: int) -> Path:
    """Return a history of sounds that last so long; they share one file."""
    root = run.folder / f"clips-{seconds}"
    if not root.exists():
        tell(f"making clips of {seconds} s")
        sound = np.resize(tone(), (seconds * SAMPLE_RATE, 2))
        write_history(root, clips)
        write_media(root, range(clips), encode_samples(prepare(sound, SAMPLE_RATE, 24))[0])
    return root


def _click(page: Page, card: Locator, rest_ms: int) -> float:
    card.scroll_into_view_if_needed()
    box = card.bounding_box()
    assert box is not None
    at = (box["x"] + box["width"] / 4, box["y"] + box["height"] - 10)  # a card's own buttons come up further right
    if rest_ms:
        page.mouse.move(*at)
        page.wait_for_timeout(rest_ms)
    taken_ms = timed(page, lambda: page.mouse.click(*at), "click", "() => stopwatch.next('playing')")
    page.wait_for_timeout(800)  # its pictures are not to be drawn while the other side is timed
    return taken_ms


# -- leafing and searching ----------------------------------------------------------------------------------------------


def leafing(run: Run, browser: Browser) -> Iterator[Row]:
    """Time a page flip, and a letter typed into the search box, until what they lead to is painted.

    What is promised is said of a long history: beside `gr.Gallery`, and beside ours of a short one.
    """
    sizes = tuple(dict.fromkeys((min(SMALL, run.large[0]), run.large[0])))
    measured = [(n, _leafed(run, browser, n)) for n in sizes]
    _, smallest = measured[0]
    for n, by_operation in measured:
        for operation, taken in by_operation.items():
            bars = []
            if n == sizes[-1]:
                bars.append(Bar(taken.ratio(GALLERY), 0.5, f"× {GALLERY}"))
            if n > sizes[0]:
                bars.append(Bar(taken.median(OURS) / smallest[operation].median(OURS), 1.15, f"× at {sizes[0]:,}"))
            yield Row(f"{operation} → painted", n, taken.median(OURS), taken.medians([GALLERY]), bars=tuple(bars))


def _leafed(run: Run, browser: Browser, n: int) -> dict[str, Timings]:
    root = with_media(run, n)
    with bare(browser, "gallery", root) as theirs, retake(browser, root) as opened:
        ours = opened.page
        theirs.locator("#gallery img").first.wait_for()
        ours.evaluate(FOCUS_FIRST)
        flips = timings(run, 20, {GALLERY: lambda _: _next(theirs), OURS: lambda _: _page_down(ours)}, 2)
        query, box = theirs.locator("#query :is(input, textarea)"), ours.get_by_role("searchbox")
        words = _telling(root)
        letters = {
            GALLERY: lambda number: _type(theirs, query, "stopwatch.gallery", words[number % len(words)]),
            OURS: lambda number: _type(ours, box, "stopwatch.cards", words[number % len(words)]),
        }
        return {"page flip": flips, "search keystroke": timings(run, 16, letters, 2)}


def with_media(run: Run, n: int) -> Path:
    """Return a history of so many takes with their sounds and pictures."""
    root = run.history(n)
    if not any((root / "audio").iterdir()):
        write_media(root, range(n))
    return root


def _page_down(page: Page) -> float:
    if page.evaluate("stopwatch.isNearEnd()"):
        page.keyboard.press("Home")
        page.wait_for_timeout(300)
    if page.evaluate("document.querySelector('.scroller').scrollTop") == 0:
        page.keyboard.press("PageDown")  # the first one moves by less than a screen
        page.wait_for_timeout(400)
    return _changing(page, lambda: page.keyboard.press("PageDown"), "keydown", "stopwatch.cards")


def _next(page: Page) -> float:
    return _changing(page, lambda: page.locator("#next").click(), "click", "stopwatch.gallery")


def _telling(root: Path) -> list[str]:
    """Return those of `TYPED` whose last letter changes what is listed, here."""
    with GenerationHistory(root) as history:

        def listed(query: str) -> list[str]:
            return [entry.entry_id for entry in history.list_entries(query=query, limit=8)]

        return [word for word in TYPED if listed(word) and listed(word) != listed(word[:-1])]


def _type(page: Page, box: Locator, shown: str, word: str) -> float:
    box.fill("")
    page.wait_for_timeout(400)
    box.fill(word[:-1])
    page.wait_for_timeout(600)
    return _changing(page, lambda: page.keyboard.press(word[-1]), "keydown", shown)


def _changing(page: Page, act: Act, event: str, shown: str) -> float:
    """Time an act until other takes than before are painted; what is shown is looked at the same way on both sides."""
    page.evaluate(f"stopwatch.before = {shown}()")
    taken_ms = timed(page, act, event, f"() => stopwatch.changed({shown})")
    page.wait_for_timeout(400)
    return taken_ms


# -- replaying ----------------------------------------------------------------------------------------------------------


def replaying(run: Run, browser: Browser) -> Row:
    """Time Replay until every control shows the take's value, beside an event that does nothing but return the same."""
    root = run.folder / "replayed"
    _make_replayed(root)
    with bare(browser, "controls", root) as page, retake(browser, root) as opened:
        ids = opened.ids()
        buttons = {
            EVENT: [page.locator("#fill")] * 2,
            OURS: [opened.card(entry_id).locator("[data-act=replay]") for entry_id in ids],
        }
        shown = {name: [_settled(button) for button in both] for name, both in buttons.items()}

        def side(name: str) -> Callable[[int], float]:
            return lambda number: _fill(buttons[name][number % 2], shown[name][number % 2])

        taken = timings(run, ROUNDS, {name: side(name) for name in buttons}, warm_up=2)
    bar = Bar(taken.ratio(EVENT), 1.2, f"× {EVENT}")
    return Row("replay → every control filled", 2, taken.median(OURS), taken.medians([EVENT]), bars=(bar,))


def _make_replayed(root: Path) -> None:
    generator, rng = load_generator(None), random.Random(4)
    with GenerationHistory(root) as history:
        for seed in (1, 2):
            params = {**generator.defaults(), **generator.surprise(rng), "seed": seed, "duration": 1.0 + seed}
            sound = GenerationResult(np.full(4_800, 0.1 * seed), 48_000, seed)
            history.add_to_history(sound, generator.model_id, generator.model_name, params=params)


def _settled(button: Locator) -> str:
    """Press a button, and return what the controls show when they show something else and everything is long over."""
    shown = before = str(button.page.evaluate("stopwatch.values()"))
    _press(button)
    rested_s = 0.0
    while rested_s < RESTED_S:
        button.page.wait_for_timeout(300)
        now = str(button.page.evaluate("stopwatch.values()"))
        rested_s = rested_s + 0.3 if now == shown != before else 0.0
        shown = now
    return shown


def _fill(button: Locator, shown: str) -> float:
    button.page.evaluate("values => { stopwatch.wanted = values }", shown)
    taken_ms = timed(button.page, lambda: _press(button), "click", "() => stopwatch.shown(stopwatch.filled)")
    button.page.wait_for_timeout(400)
    return taken_ms


def _press(button: Locator) -> None:
    button.evaluate("button => button.click()")  # a card's own is there only under the pointer


# -- starting -----------------------------------------------------------------------------------------------------------


def starting(run: Run, browser: Browser) -> Row:
    """Time from the start of the process until the page can be used: its controls, and ours its newest takes too."""
    n = run.large[0]
    root = with_media(run, n)

    def ours(_number: int) -> float:
        return _usable_ms(browser, _address_of(root), ["#generate", "[data-entry-id]"])

    def theirs(_number: int) -> float:
        return _usable_ms(browser, serving_bare("start", root), ["#generate"])

    taken = timings(run, 5, {BLOCKS: theirs, OURS: ours})
    bar = Bar(taken.ratio(BLOCKS), 1.15, f"× {BLOCKS}")
    return Row("process start → page usable", n, taken.median(OURS), taken.medians([BLOCKS]), bars=(bar,))


@contextmanager
def _address_of(root: Path) -> Iterator[str]:
    with running(root) as app:
        yield app.address


def _usable_ms(browser: Browser, server: AbstractContextManager[str], selectors: list[str]) -> float:
    with ExitStack() as stack:
        context = browser.new_context(viewport=DESKTOP)  # type: ignore[arg-type]
        stack.callback(context.close)
        page = context.new_page()
        begin_s = time.perf_counter()
        page.goto(stack.enter_context(server))
        for selector in selectors:
            page.locator(selector).first.wait_for()
        return (time.perf_counter() - begin_s) * 1e3


# -- memory -------------------------------------------------------------------------------------------------------------


def browser_memory(run: Run, browser: Browser) -> Row:
    """Weigh the page's heap after 20 and after 200 page flips, collected."""
    n = run.large[0]
    few, many = 20, max(40, run.rounds(200))
    with retake(browser, with_media(run, n)) as opened:
        page = opened.page
        page.evaluate(FOCUS_FIRST)
        weights = []
        for number in range(many + 1):
            if number in (few, many):
                weights.append(_heap_bytes(page))
            page.keyboard.press("PageDown")
            page.wait_for_timeout(120)
    grown = (weights[1] - weights[0]) / 1e6
    bar = Bar(grown, 5, "MB")
    return Row(f"browser memory, grown from {few} to {many} page flips", n, grown, bars=(bar,), unit="MB")


def _heap_bytes(page: Page) -> int:
    page.wait_for_timeout(1_000)
    session = page.context.new_cdp_session(page)
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
    used = int(session.send("Runtime.getHeapUsage")["usedSize"])
    session.detach()
    return used


def server_memory(run: Run) -> Row:
    """Weigh the server after 200 and after 2,000 generations of a second each."""
    few, many = run.rounds(200), run.rounds(2_000)
    values = {control.name: control.default for control in load_generator(None).controls} | {"duration": 1.0}
    weights: dict[int, int] = {}
    with running(run.folder / "generated") as app:
        client = Client(app.address)
        for number in range(1, max(many, few + 1) + 1):
            client.trigger("panel_generate", list(values.values()))
            if number in (few, max(many, few + 1)):
                weights[number] = memory_bytes(app.process.pid)
        client.close()
    first, last = weights.values()
    bar = Bar(100 * (last / first - 1), 5, "%")
    name = f"server memory, grown from {few} to {max(many, few + 1)} generations"
    return Row(name, many, bar.measured, bars=(bar,), unit="%")
