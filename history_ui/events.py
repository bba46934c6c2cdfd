"""What happens when someone generates, replays, generates again or takes a replay back.

The functions take plain values and answer with messages for the panel and payloads for the controls.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from generators import Generator, GeneratorError
from generators.seeds import LARGEST_SEED
from history_ui.desk import Desk
from history_ui.errors import BadRequest
from history_ui.knobs import Knob, is_flagged
from history_ui.messages import Message, Messages
from history_ui.replay import replay
from history_ui.request import read_id, read_object
from history_ui.seeds import seed_of
from history_ui.snapshot import is_kept, snapshot
from history_ui.titles import title
from history_ui.words import cut
from history_ui.work import Maker, Order
from store import HistoryEntry, HistoryError

MOST_VARIATIONS = 16
_MOST_UNDOS = 20

Payloads = list[Any]


def orders_for(
    generator: Generator, params: Mapping[str, Any], count: int, preset_name: str, knobs: Mapping[str, Knob]
) -> list[Order]:
    """Return what to make for the settings on the page: each with its own seed, drawn, or counted up from a given one.

    Raises `GeneratorError` for settings the generator does not take.
    """
    given = seed_of(params)
    orders = []
    for number in range(max(1, min(count, MOST_VARIATIONS))):
        seeded = {**params, "seed": (given + number) % (LARGEST_SEED + 1)} if given is not None and number else params
        values = generator.prepare(seeded)
        orders.append(Order(values, snapshot(values, knobs), preset_name))
    return orders


class Events:
    """The events of one panel."""

    def __init__(self, desk: Desk, messages: Messages, makers: Mapping[str, Maker]) -> None:
        self._desk = desk
        self._messages = messages
        self._makers = makers

    async def generate(
        self, maker: Maker, params: Mapping[str, Any], count: int, preset_name: str, request: Any = None
    ) -> AsyncIterator[Message]:
        """Make takes with the settings on the page, telling of each as it is saved."""
        try:
            orders = orders_for(maker.generator, params, count, preset_name, self._desk.vocabulary.knobs)
        except GeneratorError as error:
            yield self._messages.failed("", error.reason)
            return
        async for message in stream(maker, orders, self._title(maker, orders[0]), request):
            yield message

    def _title(self, maker: Maker, order: Order) -> str:
        names = self._desk.vocabulary.of(maker.generator.model_id)
        return title("", dict(order.params), order.preset_name, maker.generator.model_name, names)

    async def again(self, asked: object, request: Any = None) -> AsyncIterator[Message]:
        """Make a take anew from its exact snapshot, and say whether the samples came out the same."""
        try:
            entry = await asyncio.to_thread(self._desk.entry, read_id(read_object(asked, ("id",))))
            maker, values = self._way_to_make(entry)
        except (BadRequest, GeneratorError, HistoryError) as error:
            yield self._messages.refused(type(error).__name__, getattr(error, "reason", "") or str(error))
            return
        order = Order(values, entry.params, entry.preset_name, again=entry)
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

    def replay(
        self, asked: object, undo: list[Payloads], current: Payloads
    ) -> tuple[Message, list[Payloads], Payloads]:
        """Put a take's parameters back: the message, what undoes it, and what every control gets."""
        knobs = self._desk.vocabulary.knobs
        try:
            entry = self._desk.entry(read_id(read_object(asked, ("id",))))
        except (BadRequest, HistoryError) as error:
            return self._messages.refused(type(error).__name__, str(error)), undo, current
        done = replay(entry.params, entry.seed, knobs, dict(zip(knobs, current, strict=False)))
        payloads = [done.payloads.get(name, value) for name, value in zip(knobs, current, strict=False)]
        payloads += self._start_from(entry, current[len(knobs) :])
        return self._messages.replayed(entry.entry_id, done.report), [*undo, current][-_MOST_UNDOS:], payloads

    def _start_from(self, entry: HistoryEntry, current: Payloads) -> Payloads:
        """Return what "Start from" shows after a replay, where the page has it."""
        names = self._desk.vocabulary
        known = entry.preset_name in names.presets and entry.model_id == names.model_id
        return [entry.preset_name if known else None for _ in current]

    def undo_replay(self, undo: list[Payloads], current: Payloads) -> tuple[Message, list[Payloads], Payloads]:
        """Put the controls back as they were before the last replay."""
        if not undo:
            return self._messages.undone(0), undo, current
        before = undo[-1]
        moved = sum(one != other for one, other in zip(before, current, strict=False))
        return self._messages.undone(moved), undo[:-1], before

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
        return [*payloads, *current[len(knobs) :]]


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
