"""The takes, their details and the player, as one Gradio component."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

import gradio as gr

STATIC = Path(__file__).with_name("static")

SCRIPTS = (
    "dom.js",
    "icons.js",
    "fonts.js",
    "words.js",
    "bus.js",
    "server.js",
    "changes.js",
    "menu.js",
    "takes.js",
    "days.js",
    "wave.js",
    "canvas.js",
    "card.js",
    "extras.js",
    "section.js",
    "steps.js",
    "grid.js",
    "filters.js",
    "finder.js",
    "toasts.js",
    "dialogs.js",
    "naming.js",
    "presets.js",
    "presetacts.js",
    "presetbar.js",
    "presetsheet.js",
    "blank.js",
    "gallery.js",
    "pictures.js",
    "editing.js",
    "parts.js",
    "details.js",
    "controls.js",
    "turns.js",
    "sound.js",
    "crossfade.js",
    "abplayer.js",
    "trials.js",
    "decoding.js",
    "volume.js",
    "player.js",
    "playback.js",
    "audition.js",
    "acts.js",
    "pair.js",
    "lane.js",
    "timeline.js",
    "verdict.js",
    "comparedock.js",
    "keeping.js",
    "comparekeys.js",
    "compare.js",
    "pairing.js",
    "messages.js",
    "watch.js",
    "dressing.js",
    "create.js",
    "phone.js",
    "sheets.js",
    "keyboard.js",
    "shortcuts.js",
    "panel.js",
)
"""What runs in the page, in this order: each file has one noun, the last one puts them together."""

STYLES = (
    "panel.css",
    "gallery.css",
    "wave.css",
    "card.css",
    "extras.css",
    "player.css",
    "details.css",
    "pictures.css",
    "editing.css",
    "overlays.css",
    "presetsheet.css",
    "phone.css",
    "compare.css",
)
"""What the panel looks like; Gradio nests all of it under the component's own id, so nothing leaks into a host."""

EVENTS = ("replay", "again", "undo_replay", "put_back", "mirror", "load_preset", "save_preset", "hold_preset")
"""What the page triggers; `panel.js` has the same list."""

TEMPLATE = '<div class="rt"></div>'
"""All there is for Gradio to render. Cards are built in the page, so no user's text ever meets a template."""


class WaveformGallery(gr.HTML):  # type: ignore[misc]
    """Show a history: cards, search, details, player.

    `functions` are the plain functions the page calls by name, each from one JSON object to one JSON object.
    `standalone` lays the panel out over a whole page beside a Create column; otherwise it keeps within a host's
    layout and brings its own height. `bar_id` is the element that holds the bar of presets. What Python has to tell the page goes through `value`, small and with a
    sequence number, and only ever as a returned value: a `gr.update` would build the component anew.
    """

    def __init__(
        self,
        value: Mapping[str, Any] | None = None,
        functions: Mapping[str, Callable[..., Any]] | None = None,
        standalone: bool = False,
        bar_id: str = "",
        **props: Any,
    ) -> None:
        super().__init__(
            value=value,
            html_template=TEMPLATE,
            css_template=joined(STYLES),
            js_on_load=joined(SCRIPTS),
            apply_default_css=False,
            server_functions=[_named(name, function) for name, function in (functions or {}).items()],
            standalone=standalone,
            bar_id=bar_id,
            **props,
        )

    def __getattr__(self, name: str) -> Any:
        """Return the listener of an event. Gradio would look for every name it misses in the whole script, each time."""
        if name in EVENTS:
            return super().__getattr__(name)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")


def _named(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of its own under the name the page calls; Gradio marks it, and reads its name."""

    @wraps(function)
    def served(*arguments: Any) -> Any:
        return function(*arguments)

    served.__name__ = name
    return served


def joined(names: tuple[str, ...]) -> str:
    """Return the text of these static files, one after the other."""
    return "\n".join((STATIC / name).read_text("utf-8") for name in names)
