"""Stored text as an attack: every field of a foreign history holds code, and no view of the page runs, makes or asks for anything."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from store import GenerationHistory, InvalidPreset, Presets
from tests.browser import PHONE, App, Tab, running, tab
from tests.conftest import add
from tests.figures import Figures
from tests.foreign import write_version_1

TALL = {"width": 1400, "height": 4_000}
"""So tall that every card is in the page at once."""
ELSEWHERE = "http://127.0.0.1:9/pwned"
PAYLOADS = [
    "<script>pwned()</script>",
    "<img pwned src=x onerror=pwned()>",
    "<svg pwned onload=pwned()><animate onbegin=pwned() attributeName=x></svg>",
    '"><iframe pwned srcdoc="<script>parent.pwned()</script>"></iframe>',
    "' autofocus onfocus='pwned()' pwned='",
    '" onmouseover="pwned()" pwned="',
    "javascript:pwned()",
    "data:text/html,<script>pwned()</script>",
    "${pwned()}",
    "`${pwned()}`",
    "${value}${constructor.constructor('pwned()')()}",
    "{{pwned()}}{{constructor.constructor('pwned()')()}}",
    "{{#each this}}{{{this}}}{{/each}}<b pwned>",
    "</template></style></title></textarea></script><script>pwned()</script>",
    "<!--<img pwned src='--><img pwned src=x onerror=pwned()>",
    "<math><mtext><table><mglyph><style><!--</style><img pwned title='--&gt;&lt;img src=1 onerror=pwned()&gt;'>",
    f"[link](javascript:pwned()) ![image]({ELSEWHERE}.png) <{ELSEWHERE}>",
    f"<style>*{{background:url({ELSEWHERE})}}</style>; background: url({ELSEWHERE}); x",
    f'<link rel=stylesheet href={ELSEWHERE}><base href={ELSEWHERE}><meta http-equiv=refresh content="0;{ELSEWHERE}">',
    "<form pwned action=javascript:pwned()><button pwned formaction=javascript:pwned()>x</button></form>",
    "a\u2028pwned()\u2029b\\u003cscript>pwned()</script>\\'\\\"; pwned(); //",
    "\u202e)(denwp\u202c \u2066right to left\u2069 \u200b\ufeff\u0000\u0007\x1b[31m",
    "Z\u0351\u036b\u0343a\u0363\u0351l\u0301" + "\u0337\u0338\u0489" * 60 + "go <b pwned>",
    "\ud800 half a pair <i pwned>",
    '\r\nSet-Cookie: pwned=1\r\n\r\n<script>pwned()</script>"; filename="x.html',
    "<u pwned>" + "very long " * 3_000,
]
"""Each is put into every text field of a take. What it would make is marked `pwned`; what it would run is `pwned()`."""

WATCH = """
window.cardOf = (id) => [...document.querySelectorAll('[data-entry-id]')].find((card) => card.dataset.entryId === id);
window.made = [];
window.pwned = () => { window.made.push('code ran'); };
const plain = /^(aria-.*|data-.*|title|alt|label|value|placeholder|download)$/;
const isForeign = (element) =>
  [...element.attributes].some(({ name, value }) => name === 'pwned' || (value.includes('pwned') && !plain.test(name) && !value.startsWith('/retake/media/')));
new MutationObserver((changes) => {
  for (const change of changes) for (const node of [change.target, ...change.addedNodes]) {
    if (node.nodeType !== 1) continue;
    for (const element of [node, ...node.querySelectorAll('*')])
      if (isForeign(element)) window.made.push(element.outerHTML.slice(0, 200));
  }
}).observe(document, { childList: true, subtree: true, attributes: true });
"""
REPLAY = """id => {
  const card = cardOf(id);
  card.querySelector('[data-act=replay]').click();
  return card.querySelector('.take-title').textContent;
}"""
GENERATOR = """
from typing import Annotated, Literal
import numpy as np
from generators import Range

def sing(prompt: str = "", voice: Literal["a", "b"] = "a", speed: Annotated[float, Range(0, 2)] = 1.0):
    if prompt.startswith("raise "):
        raise ValueError(prompt.removeprefix("raise "))
    return 8_000, 0.3 * np.sin(np.arange(2_000) / 5)
"""


def fields_of(number: int, payload: str) -> dict[str, Any]:
    """Return a take's fields with a payload in each that holds text."""
    return {
        "timestamp": payload,
        "model_id": payload,
        "model_name": payload,
        "stereo_mode": payload,
        "preset_name": payload,
        "slider_positions": {payload: payload},
        "quality_score": {"rating": "yellow" if number % 2 else payload, "reason": payload, "words": payload},
        "latent_vector": payload,
        "params": {
            "prompt": payload,
            "voice": payload,
            "speed": payload,
            payload: payload,
            "nest": [{payload: payload}],
        },
        "tags": [payload, f"{number} {payload}"],
        "note": payload,
        "title": payload,
        "generator": {payload: payload},
        "audio_sha256": payload,
        "audio_file": f"audio/{number}.wav",
        "thumbnail_file": payload,
        "unknown": payload,
        payload: payload,
    }


TEXT_FIELDS = len(fields_of(0, "")) + 4
"""Those above, where two stand for nested ones, and the ids: the take's own and its parent's."""


def id_of(payload: str) -> str:
    return payload[:300].replace("\ud800", "half")  # no page can name half a character


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    home = tmp_path_factory.mktemp("stored")
    (home / "sing.py").write_text(GENERATOR)
    root = home / "takes <img pwned src=x onerror=pwned()> ${pwned()} {{x}} `"
    with GenerationHistory(home / "sound") as history:
        sound = history.audio_path(add(history).entry_id)
    (root / "audio").mkdir(parents=True)
    takes: dict[str, dict[str, Any]] = {}
    for number, payload in enumerate(PAYLOADS):
        shutil.copy(sound, root / "audio" / f"{number}.wav")
        before = id_of(PAYLOADS[number - 1])
        takes[id_of(payload)] = {**fields_of(number, payload), "parent_id": before}
        takes["trash " + id_of(payload)] = {**fields_of(number, payload), "deleted_at": payload}
    write_version_1(root, takes)
    with GenerationHistory(root) as history:
        assert (history.count(), history.count(deleted=True)) == (len(PAYLOADS), len(PAYLOADS))
    with running(root, "--generator", f"{home / 'sing.py'}:sing") as started:
        yield started


@pytest.fixture(scope="module", autouse=True)
def counted(figures: Figures) -> Iterator[None]:
    yield
    figures.add("stored text", payloads=len(PAYLOADS), fields=TEXT_FIELDS, ran=0)


def open_details(opened: Tab, number: int) -> Any:
    """Open a take's details, all fields unfolded."""
    opened.page.evaluate("number => document.querySelectorAll('[data-entry-id] .take-more')[number].click()", number)
    details = opened.page.locator(".details")
    details.locator(".all-fields").evaluate("element => { element.open = true; }")
    expect(details.locator(".facts dd").first).to_be_attached()
    return details


def unspaced(text: str) -> str:
    return "".join(text.split())


def settle(opened: Tab) -> None:
    """Let pictures fail, animations begin and requests leave; then say that nothing was made of stored text."""
    opened.page.wait_for_timeout(300)
    assert opened.page.evaluate("window.made") == []


@pytest.mark.proof
def test_cards_details_and_the_player_show_text(browser: Browser, app: App) -> None:
    with tab(browser, app, TALL, script=WATCH) as opened:
        expect(opened.cards()).to_have_count(len(PAYLOADS), timeout=20_000)
        for number in range(len(PAYLOADS)):
            details = open_details(opened, number)
        expect(details).to_contain_text("Audio file")
        opened.cards().last.get_by_role("button", name=re.compile("^(Play|Pause) ")).evaluate("e => e.click()")
        opened.wait(lambda: opened.time_s() > 0, "a sound to move")
        assert "pwned" not in opened.page.title()
        settle(opened)


@pytest.mark.proof
def test_a_phones_cards_and_sheets_show_text(browser: Browser, app: App) -> None:
    with tab(browser, app, {**TALL, "width": PHONE["width"]}, script=WATCH) as opened:
        expect(opened.cards()).to_have_count(len(PAYLOADS), timeout=20_000)
        for number in range(0, len(PAYLOADS), 4):
            open_details(opened, number)
            opened.page.keyboard.press("Escape")
        settle(opened)


@pytest.mark.proof
def test_search_menus_and_chips_show_text(browser: Browser, app: App) -> None:
    with tab(browser, app, TALL, script=WATCH) as opened:
        page = opened.page
        expect(opened.cards().first).to_be_visible(timeout=20_000)
        for menu in ("Model", "Tags"):
            page.locator(".chip").filter(has_text=menu).first.click()
            expect(page.locator("[role^=menuitem]:visible").first).to_be_visible()
            page.locator("[role^=menuitem]:visible").filter(has_text="pwned").first.click()
            expect(page.locator(".chip").filter(has_text="pwned").first).to_be_visible()
        for payload in PAYLOADS:
            page.get_by_role("searchbox", name="Search takes").fill(f"nowhere {payload.replace(chr(0), '')[:300]}")
            page.keyboard.press("Enter")
            expect(page.get_by_text("Nothing matches")).to_be_visible()
            expect(page.locator(".blank-words")).to_contain_text("nowhere")
        settle(opened)


@pytest.mark.proof
def test_replay_puts_text_into_the_controls_and_reports_text(browser: Browser, app: App) -> None:
    with tab(browser, app, TALL, script=WATCH) as opened:
        expect(opened.page.locator("[data-act=replay]")).to_have_count(len(PAYLOADS))
        for entry_id in opened.ids():
            words = unspaced(opened.page.evaluate(REPLAY, entry_id))[:8]
            opened.wait(lambda words=words: words in unspaced(opened.value("prompt")), f"{words!r} in the controls")
        expect(opened.page.get_by_role("status").filter(has_text="Settings restored").first).to_be_visible()
        settle(opened)


@pytest.mark.proof
def test_presets_show_text(browser: Browser, app: App) -> None:
    presets = Presets(app.history)
    names: set[str] = set()
    for payload in PAYLOADS:
        with contextlib.suppress(InvalidPreset):  # names are on one line, and short
            folder = presets.create_folder(f"in {payload}"[:100])
            params = {"prompt": payload, payload: payload}
            name = presets.save(payload[:100], model_id="sing", model_name="Sing", params=params, folder=folder).name
            names.add(name)
            presets.save(name, model_id=payload[:100], model_name=payload, params=params)
    assert len(names) > 10
    with tab(browser, app, TALL, script=WATCH) as opened:
        page = opened.page
        page.get_by_role("button", name="Preset actions").click()
        page.get_by_role("menuitem", name="Manage presets").click()
        sheet = page.get_by_role("dialog", name="Presets")
        expect(sheet.locator("[data-preset-id]")).to_have_count(2 * len(names))
        own = sheet.locator("button.preset-name")
        for number in range(0, own.count(), 4):
            page.evaluate("toasts.length = 0")
            own.nth(number).evaluate("element => element.click()")
            opened.said("Loaded")
            page.get_by_role("button", name="Preset actions").click()
            page.get_by_role("menuitem", name="Manage presets").click()
        more = sheet.locator(".preset-menu > button")
        for number in range(0, more.count(), 7):
            more.nth(number).click()
            page.get_by_role("menuitem").first.click()
            expect(page.locator("dialog.naming")).to_be_visible()
            page.keyboard.press("Escape")
        settle(opened)


@pytest.mark.proof
def test_toasts_dialogs_and_the_trash_show_text(browser: Browser, app: App) -> None:
    with tab(browser, app, TALL, script=WATCH) as opened:
        page = opened.page
        expect(opened.cards()).to_have_count(len(PAYLOADS))
        for number in range(0, len(PAYLOADS), 5):
            entry_id = opened.ids()[min(number, opened.cards().count() - 1)]
            opened.page.evaluate("id => cardOf(id).focus()", entry_id)
            page.keyboard.press("Delete")
            expect(page.get_by_role("status").filter(has_text="Deleted").first).to_be_visible()
            page.keyboard.press("z")
            opened.wait(lambda gone=entry_id: gone in opened.ids(), "the card to be back")
        page.get_by_role("button", name=f"Deleted ({len(PAYLOADS)}").click()
        opened.wait(lambda: opened.ids() and all("trash" in one for one in opened.ids()), "the trash")
        for number in range(opened.cards().count()):
            forever = opened.cards().nth(number).locator("[data-act=removeForGood]")
            forever.evaluate("element => element.click()")
            expect(page.locator("dialog[open]")).to_contain_text("This cannot be undone")
            page.keyboard.press("Escape")
            expect(page.locator("dialog[open]")).to_have_count(0)
        settle(opened)


@pytest.mark.proof
def test_what_a_generator_says_and_what_is_not_saved_show_text(browser: Browser, app: App) -> None:
    with tab(browser, app, TALL, script=WATCH) as opened:
        page, audio = opened.page, app.history / "audio"
        expect(opened.cards().first).to_be_visible(timeout=20_000)
        for payload in PAYLOADS[:-3:2]:
            page.locator("#param-prompt textarea").fill(f"raise {payload}".replace("\0", ""))
            opened.generate()
            expect(page.get_by_text("The generator stopped").locator("visible=true").first).to_be_visible()
            page.get_by_role("button", name="Dismiss").first.click()
        audio.rename(audio.with_name("away"))
        audio.write_text("no folder")
        try:
            for payload in PAYLOADS[1:12:3]:
                page.locator("#param-prompt textarea").fill(payload)
                opened.generate()
                title = page.locator(".unsaved .take-title").filter(has_text=payload)
                expect(title.first).to_be_visible(timeout=20_000)
        finally:
            audio.unlink()
            audio.with_name("away").rename(audio)
        settle(opened)
        opened.complaints.clear()  # sounds that could not be fetched meanwhile are told in the console


def test_the_names_of_downloads_hold_no_headers(app: App) -> None:
    with httpx.Client(base_url=app.address, timeout=60) as web:
        config = web.get("/config").json()
        panel = next(one["id"] for one in config["components"] if one["props"].get("elem_id") == "history-panel")
        asked = {"component_id": panel, "fn_name": "fetch_page", "session_hash": "x", "data": {}}
        cards = web.post("/gradio_api/component_server", json=asked).json()["takes"]
        assert len(cards) == len(PAYLOADS)
        for card in cards:
            answered = web.get(f"{card['audio']}?download")
            assert answered.status_code == 200, card["id"]
            headers = answered.headers
            assert re.fullmatch(
                r"attachment; filename(\*=utf-8''[\w.%~-]+|=\"[^\"/\\\r\n]+\")", headers["content-disposition"]
            )
            assert "set-cookie" not in headers
            assert headers["content-type"] == "audio/wav"
