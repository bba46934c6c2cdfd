"""What happens when someone generates, replays, generates again or takes a replay back.

The functions take plain values and answer with messages for the panel and payloads for the controls.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generators import Generator, GeneratorError
from generators.seeds import LARGEST_SEED
from history_ui.desk import Desk
from history_ui.errors import BadRequest
from history_ui.knobs import Knob, is_flagged
from history_ui.messages import Message, Messages
from history_ui.presets import NewPreset, keep_settings, preset_view, read_new_preset
from history_ui.replay import replay
from history_ui.request import read_id, read_int, read_object, read_text
from history_ui.seeds import seed_of
from history_ui.snapshot import is_kept, snapshot
from history_ui.sources import NOWHERE, Loaded, Origin, Source
from history_ui.titles import title
from history_ui.words import cut
from history_ui.work import Maker, Order
from store import HistoryEntry, HistoryError

MOST_VARIATIONS = 16
_MOST_UNDOS = 20

Payloads = list[Any]


@dataclass(frozen=True)
class Before:
    """How the controls stood before something was put into them, and what they had been loaded from."""

    payloads: Payloads
    loaded: str | None = None


def orders_for(
    generator: Generator,
    params: Mapping[str, Any],
    count: int,
    knobs: Mapping[str, Knob],
    source: Source | None = None,
) -> list[Order]:
    """Return what to make for the settings on the page: each with its own seed, drawn, or counted up from a given one.

    Raises `GeneratorError` for settings the generator does not take.
    """
    origin = NOWHERE
    given = seed_of(params)
    orders = []
    for number in range(max(1, min(count, MOST_VARIATIONS))):
        seeded = {**params, "seed": (given + number) % (LARGEST_SEED + 1)} if given is not None and number else params
        values = generator.prepare(seeded)
        taken = snapshot(values, knobs)
        if source is not None and not number:
            origin = source.origin(taken | {"seed": given} if "seed" in taken else taken, knobs)
        orders.append(Order(values, taken, origin))
    return orders


class Events:
    """The events of one panel."""

    def __init__(
        self,
        desk: Desk,
        messages: Messages,
        makers: Mapping[str, Maker],
        loaded: Loaded | None = None,
        session: str | None = None,
    ) -> None:
        self._desk = desk
        self._messages = messages
        self._makers = makers
        self._loaded = loaded or Loaded()
        self._session = session

    async def generate(
        self, maker: Maker, params: Mapping[str, Any], count: int, request: Any = None
    ) -> AsyncIterator[Message]:
        """Make takes with the settings on the page, telling of each as it is saved."""
        try:
            source = await asyncio.to_thread(self.source)
            orders = orders_for(maker.generator, params, count, self._desk.vocabulary.knobs, source)
        except GeneratorError as error:
            yield self._messages.failed("", error.reason)
            return
        async for message in stream(maker, orders, self._title(maker, orders[0]), request):
            yield message

    def source(self) -> Source | None:
        """Return what the page loaded last; None where it loaded nothing, or that is gone or out of reach."""
        key = self._loaded.by(self._session)
        try:
            return self._desk.sources.find(key) if key else None
        except (HistoryError, OSError):
            return None

    def origin_of(self, settings: Mapping[str, Any]) -> Origin:
        """Return what a take of these settings keeps of what the page loaded last."""
        source = self.source()
        return source.origin(settings, self._desk.vocabulary.knobs) if source else NOWHERE

    def _title(self, maker: Maker, order: Order) -> str:
        names = self._desk.vocabulary.of(maker.generator.model_id)
        origin = order.origin
        return title("", dict(order.params), origin.preset_name, maker.generator.model_name, names, origin.preset_id)

    async def again(self, asked: object, request: Any = None) -> AsyncIterator[Message]:
        """Make a take anew from its exact snapshot, and say whether the samples came out the same."""
        try:
            entry = await asyncio.to_thread(self._desk.entry, read_id(read_object(asked, ("id",))))
            maker, values = self._way_to_make(entry)
        except (BadRequest, GeneratorError, HistoryError) as error:
            yield self._messages.refused(type(error).__name__, getattr(error, "reason", "") or str(error))
            return
        origin = Origin(entry.preset_id, entry.preset_name, entry.preset_changed)
        order = Order(values, entry.params, origin, again=entry)
        async for message in stream(maker, [order], self._title(maker, order), request):
            yield message

    def _way_to_make(self, entry: HistoryEntry) -> tuple[Maker, dict[str, Any]]:
        """Return what can make a take again, and from what. Raises `GeneratorError` where nothing can."""
        maker = self._makers.get(entry.model_id)
        if maker is None:
            here = ", ".join(maker.generator.model_name for maker in self._makers.values()) or "no generator"
            made_by = cut(entry.model_name, 60)
            raise GeneratorError("", f"This take was made by {made_by}, which is not open here; this page has {here}.")
        if not isinstance(entry.params, dict) or not entry.params:
            raise GeneratorError("", "This take was kept without its parameters, so it cannot be made again.")
        lost = [name for name, value in entry.params.items() if not is_kept(value)]
        if lost:
            raise GeneratorError("", f"This take cannot be made again: {', '.join(lost)} could not be kept with it.")
        return maker, self._revived(entry.params)

    def _revived(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return a snapshot with the values that only their components can read."""
        knobs = self._desk.vocabulary.knobs
        return {
            name: knobs[name].revive(value) if is_flagged(value) and name in knobs else value
            for name, value in params.items()
        }

    def replay(self, asked: object, undo: list[Before], current: Payloads) -> tuple[Message, list[Before], Payloads]:
        """Put a take's parameters back: the message, what undoes it, and what every control gets."""
        knobs = self._desk.vocabulary.knobs
        try:
            entry = self._desk.entry(read_id(read_object(asked, ("id",))))
        except (BadRequest, HistoryError) as error:
            return self._messages.refused(type(error).__name__, str(error)), undo, current
        done = replay(entry.params, entry.seed, knobs, dict(zip(knobs, current, strict=False)))
        key = self._desk.sources.key_of(entry.preset_id, entry.preset_name, entry.model_id)
        payloads, after = self._put(done.payloads, current, undo, key)
        return self._messages.replayed(entry.entry_id, done.report, key), after, payloads

    def load_preset(
        self, asked: object, undo: list[Before], current: Payloads
    ) -> tuple[Message, list[Before], Payloads]:
        """Put a preset's settings into the controls: the message, what undoes it, and what every control gets."""
        sources, knobs = self._desk.sources, self._desk.vocabulary.knobs
        try:
            source = sources.find(read_id(read_object(asked, ("id",))))
        except (BadRequest, HistoryError) as error:
            return self._messages.refused(type(error).__name__, str(error)), undo, current
        done = source.fitted_to(knobs, dict(zip(knobs, current, strict=False)))
        payloads, after = self._put(done.payloads, current, undo, source.key)
        return self._messages.loaded(source.key, sources.label_of(source), done.report), after, payloads

    def _put(
        self, values: Mapping[str, Any], current: Payloads, undo: list[Before], key: str | None
    ) -> tuple[Payloads, list[Before]]:
        """Return what every control gets, and what undoes it; note what the controls are loaded from then."""
        knobs = self._desk.vocabulary.knobs
        before = Before(current, self._loaded.by(self._session))
        self._loaded.note(self._session, key)
        payloads = [values.get(name, value) for name, value in zip(knobs, current, strict=False)]
        return payloads, [*undo, before][-_MOST_UNDOS:]

    def undo_replay(self, undo: list[Before], current: Payloads) -> tuple[Message, list[Before], Payloads]:
        """Put the controls back as they were before the last replay or preset."""
        if not undo:
            return self._messages.undone(0, self._loaded.by(self._session)), undo, current
        before = undo[-1]
        self._loaded.note(self._session, before.loaded)
        moved = sum(one != other for one, other in zip(before.payloads, current, strict=False))
        return self._messages.undone(moved, before.loaded), undo[:-1], before.payloads

    def hold_preset(self, asked: object) -> None:
        """Note what the page says that its controls were loaded from, without touching them. Raises `BadRequest`."""
        key = read_object(asked, ("id",)).get("id")
        self._loaded.note(self._session, None if key is None else read_text(key, "id"))

    def save_preset(self, asked: object, params: Mapping[str, Any]) -> Message:
        """Keep the controls' settings as a new preset, or let one hold them; the page has it loaded then."""
        number = 0
        try:
            given = read_object(asked, ("asked", *NewPreset.FIELDS))
            number = read_int(given.get("asked", 0), "asked", 0, 2**31)
            saved = keep_settings(self._desk.sources, read_new_preset(given), params)
        except (BadRequest, GeneratorError, HistoryError, OSError) as error:
            told = getattr(error, "reason", "") if isinstance(error, GeneratorError) else str(error)
            return self._messages.preset_refused(number, type(error).__name__, told)
        self._loaded.note(self._session, saved.preset.preset_id)
        return self._messages.preset_saved(number, preset_view(saved.preset, self._desk.sources), saved.before)

    def put_back(self, asked: object, current: Payloads) -> Payloads:
        """Put back what the page remembers of the controls, after it had to be loaded anew."""
        knobs = self._desk.vocabulary.knobs
        values = read_object(asked, ("values",)).get("values")
        if not isinstance(values, dict):
            raise BadRequest("values must be an object.")
        payloads = []
        for (name, knob), value in zip(knobs.items(), current, strict=False):
            fitted = knob.fit(values[name]) if name in values and _is_simple(values[name]) else None
            payloads.append(knob.payload(fitted.value) if fitted is not None and fitted.ok else value)
        return payloads


def _is_simple(value: Any) -> bool:
    """Whether a value is one that a page may hand back: no files."""
    if isinstance(value, list):
        return all(_is_simple(item) and not isinstance(item, list) for item in value)
    return value is None or isinstance(value, bool | int | float | str)


async def stream(maker: Maker, orders: Sequence[Order], job_title: str, request: Any = None) -> AsyncIterator[Message]:
    """Start a run and pass its messages on as they come; closing the stream leaves the run alone."""
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[Message | None] = asyncio.Queue()

    def tell(message: Message | None) -> None:
        with contextlib.suppress(RuntimeError):  # the server stopped while the run went on
            loop.call_soon_threadsafe(waiting.put_nowait, message)

    maker.start(orders, job_title, tell, request)
    while (message := await waiting.get()) is not None:
        yield message
