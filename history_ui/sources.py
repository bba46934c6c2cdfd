"""What the controls can be loaded from, a preset or one of the generator's starting points, and what became of it since."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from history_ui.knobs import Knob, is_flagged
from history_ui.replay import Replay, replay
from history_ui.seeds import resolved, seed_of
from history_ui.snapshot import is_kept
from history_ui.titles import Vocabulary
from history_ui.words import humanise
from store import Preset, PresetNotFound, Presets
from store.preset import DURATIONS

BUILT_IN = "built-in:"
"""How the key of a starting point begins; a preset's key is its id."""
_MOST_SESSIONS = 10_000


@dataclass(frozen=True)
class Origin:
    """What a take keeps of its beginning: the preset, what that was called, and whether the controls were changed since.

    A starting point has a name and no id. `preset_changed` is None where nobody knows.
    """

    preset_id: str | None = None
    preset_name: str = "custom"
    preset_changed: bool | None = None


NOWHERE = Origin()


@dataclass(frozen=True)
class Source:
    """Settings under a name; `preset` is None for a starting point, which sets only what `params` name."""

    key: str
    name: str
    params: Mapping[str, Any]
    seed: int | None = None
    preset: Preset | None = None

    def fitted_to(self, knobs: Mapping[str, Knob], before: Mapping[str, Any] | None = None) -> Replay:
        """Fit the settings to the controls as Replay does; what they leave out on purpose is not reported as missing."""
        done = replay(dict(self.params), self.seed, knobs, before)
        left_out = DURATIONS if self.preset else knobs.keys()
        missing = tuple(
            name for name in done.report.missing if name in self.params or name.casefold() not in _folded(left_out)
        )
        return replace(done, report=replace(done.report, missing=missing))

    def origin(self, settings: Mapping[str, Any], knobs: Mapping[str, Knob]) -> Origin:
        """Return what a take of these settings (a snapshot, its seed not drawn yet) keeps of this source."""
        preset_id = self.preset.preset_id if self.preset else None
        return Origin(preset_id, self.name, self.is_left_by(settings, knobs))

    def is_left_by(self, settings: Mapping[str, Any], knobs: Mapping[str, Knob]) -> bool:
        """Whether settings differ from what loading the source puts into the controls."""
        wanted = resolved(self.params, self.seed)
        return any(
            not _is_as_loaded(name, value, settings[name], knobs) for name, value in wanted.items() if name in settings
        )


def _folded(names: Any) -> frozenset[str]:
    return frozenset(name.casefold() for name in names)


def _is_as_loaded(name: str, wanted: Any, value: Any, knobs: Mapping[str, Knob]) -> bool:
    if name == "seed":
        return seed_of({"seed": wanted}) == seed_of({"seed": value})
    if not is_kept(wanted) or is_flagged(wanted) or name not in knobs:
        return bool(wanted == value)
    fitted = knobs[name].fit(wanted)
    return not fitted.ok or bool(fitted.value == value) or (fitted.value in (None, "") and value in (None, ""))


@dataclass(frozen=True)
class Sources:
    """The presets of a history, and the starting points of the model whose controls a page has.

    `model_id` is empty where a page does not say whose controls they are: nothing can then be saved from them.
    """

    presets: Presets
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    model_id: str = ""
    model_name: str = ""

    def find(self, key: str) -> Source:
        """Return a source by its key. Raises `PresetNotFound`, also for a deleted one and for one of another model."""
        if key.startswith(BUILT_IN):
            return self._starting_point(key)
        preset = self.presets.get(key)
        if preset is None or preset.deleted or preset.model_id != self.model_id:
            raise PresetNotFound(key)
        params = preset.params if isinstance(preset.params, dict) else {}
        return Source(key, preset.name, params, preset.seed, preset)

    def _starting_point(self, key: str) -> Source:
        points = self.vocabulary.presets
        name = key.removeprefix(BUILT_IN)
        if name not in points:
            raise PresetNotFound(key)
        knobs = self.vocabulary.knobs
        named = {other for point in points.values() for other in point if other in knobs}
        params = {**{other: knobs[other].default for other in named}, **points[name]}
        return Source(key, name, params)

    def starting_points(self) -> list[Source]:
        """Return the model's own starting points, in its order."""
        return [self._starting_point(BUILT_IN + name) for name in self.vocabulary.presets]

    def key_of(self, preset_id: str | None, preset_name: str, model_id: str) -> str | None:
        """Return the key of what a take started from; None where that is not here (any more)."""
        if preset_id is None and model_id != self.model_id:
            return None
        key = preset_id or BUILT_IN + preset_name
        try:
            return self.find(key).key
        except PresetNotFound:
            return None

    def label_of(self, source: Source) -> str:
        """Return how a source is called in the page: a preset as its user named it."""
        return source.name if source.preset else humanise(source.name)


class Loaded:
    """Which source each open page loaded last, by the page's session. Thread-safe; long unused sessions are forgotten.

    The server keeps it, and compares the settings itself: a take does not take a page's word for either.

    >>> loaded = Loaded("built-in:Glass bell")
    >>> loaded.note("tab", None); loaded.by("tab"), loaded.by("another tab")
    (None, 'built-in:Glass bell')
    """

    def __init__(self, start: str | None = None) -> None:
        self.start = start
        self._keys: OrderedDict[str, str | None] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, session: str | None, key: str | None) -> None:
        """Note what a session loaded; None where its controls come from nowhere."""
        if not session:
            return
        with self._lock:
            self._keys[session] = key
            self._keys.move_to_end(session)
            while len(self._keys) > _MOST_SESSIONS:
                self._keys.popitem(last=False)

    def by(self, session: str | None) -> str | None:
        """Return the key of what a session loaded last; what the page opens with where it loaded nothing yet."""
        if not session:
            return None
        with self._lock:
            return self._keys.get(session, self.start)
