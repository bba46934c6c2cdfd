"""Run a generator on a thread of its own, saving every take as it is made, and tell a listener.

The event that started a run only listens: when its browser tab is closed the run goes on and its takes are saved.
"""

from __future__ import annotations

import contextvars
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generators import Generator, GeneratorError, Sound
from history_ui.jobs import Job, Jobs
from history_ui.messages import Message, Messages
from history_ui.saving import Keeper
from history_ui.sources import NOWHERE, Origin
from history_ui.take import Take, make_take
from history_ui.unsaved import Unsaved
from store import HistoryEntry

_DETAIL_CHARACTERS = 20_000
_WAITING = "Waiting for the generator"
_LOCK_POLL_S = 0.1

Listener = Callable[[Message | None], None]
"""Called with each message of a run, and with None when it is over."""


@dataclass(frozen=True)
class Order:
    """What is to be made: one run of the generator with these values, and the snapshot that is kept of them."""

    values: Mapping[str, Any]
    params: Mapping[str, Any]
    origin: Origin = NOWHERE
    again: HistoryEntry | None = None


class Stopped(BaseException):
    """Raised in a stopped function at its next report of progress; no `except Exception` of its own holds it up."""


class Maker:
    """Runs one generator, one run at a time, however many pages ask.

    A stopped run is over for the page at once. Its function ends at its next `yield` or report of progress; one that
    does neither cannot be stopped: its thread ends when it returns, its sound is thrown away, and the next run waits.
    """

    def __init__(self, generator: Generator, jobs: Jobs, keeper: Keeper, messages: Messages) -> None:
        self.generator = generator
        self.jobs = jobs
        self.keeper = keeper
        self.messages = messages
        self.one_at_a_time = threading.Lock()

    def start(self, orders: Sequence[Order], title: str, listener: Listener, request: Any = None) -> Job:
        """Start making takes on a thread; the listener hears what becomes of them, on other threads."""
        job = self.jobs.start(title, total=len(orders))
        listener = _told_once(listener)
        job.when_stopped(lambda: _tell_all(listener, self.messages.stopped(), None))
        run = _Run(self, job, listener, request)
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(run.work, orders), name=job.id, daemon=True).start()
        return job


class _Run:
    """One run of a maker."""

    def __init__(self, maker: Maker, job: Job, listener: Listener, request: Any) -> None:
        self._maker = maker
        self._job = job
        self._listener = listener
        self._request = request

    def work(self, orders: Sequence[Order]) -> None:
        """Make every order's takes, until one fails or the job is stopped."""
        try:
            for order in orders:
                for saved in self.takes(order):
                    self._listener(self._message(saved, order))
                if self._job.stopped:
                    break
                self._job.finish_one()
        except Stopped:
            pass
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the border to the user's own code: what it raises is shown
            self._listener(self._failure(error))
        finally:
            self._maker.jobs.finish(self._job)
            self._listener(None)

    def takes(self, order: Order) -> Iterator[HistoryEntry | Unsaved]:
        """Run the generator once and save its sounds as they come; a partial one only when nothing came after it."""
        if not self._wait_for_turn():
            return
        try:
            yield from self._save_sounds(order)
        finally:
            self._maker.one_at_a_time.release()

    def _wait_for_turn(self) -> bool:
        if self._maker.one_at_a_time.acquire(blocking=False):
            return True
        self._job.report(None, _WAITING)
        while not self._maker.one_at_a_time.acquire(timeout=_LOCK_POLL_S):
            if self._job.stopped:
                return False
        self._job.report(None, "")
        return True

    def _save_sounds(self, order: Order) -> Iterator[HistoryEntry | Unsaved]:
        started_s = time.perf_counter()
        held: Sound | None = None
        sounds = self._maker.generator.run(order.values, self._report, self._request)
        try:
            for sound in sounds:
                if self._job.stopped:
                    return
                held = sound if sound.partial else None
                if held is None:
                    yield self._save(sound, order, time.perf_counter() - started_s)
        finally:
            if hasattr(sounds, "close"):
                sounds.close()
            if held is not None and not self._job.stopped:
                self._listener(self._message(self._save(held, order, time.perf_counter() - started_s), order))

    def _report(self, fraction: float | None, text: str) -> None:
        if self._job.stopped:
            raise Stopped
        self._job.report(fraction, text)

    def _save(self, sound: Sound, order: Order, elapsed_s: float) -> HistoryEntry | Unsaved:
        again = order.again
        take: Take = make_take(
            sound,
            order.params,
            self._maker.generator,
            origin=order.origin,
            parent_id=again.entry_id if again else None,
            elapsed_s=elapsed_s,
        )
        return self._maker.keeper.save(take)

    def _message(self, saved: HistoryEntry | Unsaved, order: Order) -> Message:
        messages = self._maker.messages
        if isinstance(saved, Unsaved):
            return messages.unsaved([saved.id], saved.kind, saved.reason)
        if order.again is None:
            return messages.made([saved.entry_id])
        verdict, detail = compare(order.again, saved)
        return messages.made([saved.entry_id], order.again.entry_id, verdict, detail)

    def _failure(self, error: BaseException) -> Message:
        kind = "" if isinstance(error, GeneratorError) else type(error).__name__
        detail = "".join(traceback.format_exception(error))[-_DETAIL_CHARACTERS:]
        message = error.reason if isinstance(error, GeneratorError) else str(error)
        return self._maker.messages.failed(kind, message, detail)


def _tell_all(listener: Listener, *messages: Message | None) -> None:
    for message in messages:
        listener(message)


def _told_once(listener: Listener) -> Listener:
    """Pass messages on until None was passed: a stopped run says nothing more."""
    over = threading.Event()
    lock = threading.RLock()  # a listener may stop the job it hears of

    def tell(message: Message | None) -> None:
        with lock:
            if over.is_set():
                return
            if message is None:
                over.set()
            listener(message)

    return tell


def compare(before: HistoryEntry, after: HistoryEntry) -> tuple[str | None, str]:
    """Say whether a take made again has the same samples, and where not, what else is known to differ."""
    if not before.audio_sha256 or not after.audio_sha256:
        return None, "The first take's samples were never hashed, so nothing can be compared."
    if before.audio_sha256 == after.audio_sha256:
        return "identical", "Every sample is the same."
    return "different", _difference(before, after)


def _difference(before: HistoryEntry, after: HistoryEntry) -> str:
    told = []
    for label, old, new in (
        ("length", f"{before.duration_s:.2f} s", f"{after.duration_s:.2f} s"),
        ("sample rate", f"{before.sample_rate} Hz", f"{after.sample_rate} Hz"),
        ("channels", before.channels, after.channels),
        ("bit depth", before.bit_depth, after.bit_depth),
        ("seed", before.seed, after.seed),
        *_version_changes(before.generator, after.generator),
    ):
        if old != new and old is not None:
            told.append(f"{label} {old} → {new}")
    return "; ".join(told) if told else "The same settings gave other samples."


def _version_changes(before: Any, after: Any) -> list[tuple[str, str, str]]:
    if not isinstance(before, dict) or not isinstance(after, dict):
        return []
    return [(name, str(before[name]), str(after.get(name))) for name in before]
