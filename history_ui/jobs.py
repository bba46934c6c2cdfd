"""The generations that are running now."""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

_FAILURES = 8
_MESSAGE_CHARACTERS = 1_000


class Job:
    """One Generate, one batch of variations or one Generate again: how far it is, and whether to stop.

    `stoppable` is False where nothing can be stopped: a plain function that a host app runs by itself.

    >>> job = Job("job-1", "Glass bell", total=4)
    >>> job.report(0.5, "rendering"); job.finish_one()
    >>> job.to_dict()["progress"], job.to_dict()["done"]
    (0.25, 1)
    """

    def __init__(self, job_id: str, title: str, total: int = 1, stoppable: bool = True) -> None:
        self.id = job_id
        self.title = title
        self.total = total
        self.stoppable = stoppable
        self.started_s = time.time()
        self._clock_s = time.monotonic()
        self._done = 0
        self._fraction: float | None = None
        self._text = ""
        self._stop = threading.Event()
        self._finished = threading.Event()
        self._on_stop: Callable[[], None] | None = None
        self._lock = threading.Lock()

    @property
    def stopped(self) -> bool:
        """Whether someone asked the job to stop."""
        return self._stop.is_set()

    @property
    def finished(self) -> bool:
        """Whether nothing of the job runs any more."""
        return self._finished.is_set()

    def report(self, fraction: float | None, text: str | None = None) -> None:
        """Note how far the present take is: a fraction of 1, or None where that is not known."""
        with self._lock:
            self._fraction = None if fraction is None else min(max(float(fraction), 0.0), 1.0)
            if text is not None:
                self._text = text

    def finish_one(self) -> None:
        """Note that one take of the job is done."""
        with self._lock:
            self._done += 1
            self._fraction, self._text = None, ""

    def when_stopped(self, callback: Callable[[], None]) -> None:
        """Call `callback` once when the job is asked to stop."""
        self._on_stop = callback

    def stop(self) -> bool:
        """Ask the job to stop; False where it cannot be."""
        if not self.stoppable or self.finished:
            return False
        with self._lock:
            first = not self._stop.is_set()
            self._stop.set()
        if first and self._on_stop is not None:
            self._on_stop()
        return True

    def finish(self) -> None:
        """Mark the job as over."""
        self._finished.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait until nothing of the job runs any more; False where it still does."""
        return self._finished.wait(timeout_s)

    def to_dict(self) -> dict[str, Any]:
        """Return what the page shows of the job."""
        with self._lock:
            known = self._fraction is not None or self.total > 1
            progress = (self._done + (self._fraction or 0.0)) / self.total if known else None
            return {
                "id": self.id,
                "title": self.title,
                "started_s": self.started_s,
                "elapsed_s": time.monotonic() - self._clock_s,
                "progress": progress if progress is None else min(progress, 1.0),
                "text": self._text,
                "done": self._done,
                "total": self.total,
                "stoppable": self.stoppable,
            }


class Jobs:
    """The running jobs of one panel, in the order of their start. Thread-safe.

    >>> jobs = Jobs()
    >>> job = jobs.start("Choir", total=2)
    >>> [shown["title"] for shown in jobs.to_list()]
    ['Choir']
    >>> jobs.stop(job.id), jobs.to_list()
    (True, [])
    """

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._failures: deque[tuple[float, dict[str, Any]]] = deque(maxlen=_FAILURES)
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def start(self, title: str, total: int = 1, stoppable: bool = True) -> Job:
        """Add a job."""
        with self._lock:
            job = Job(f"job-{next(self._numbers)}", title, total, stoppable)
            self._jobs[job.id] = job
        return job

    def finish(self, job: Job) -> None:
        """Take a job out, because it is done, failed or stopped."""
        job.finish()
        with self._lock:
            self._jobs.pop(job.id, None)

    def get(self, job_id: str) -> Job | None:
        """Return a running job, or None."""
        with self._lock:
            return self._jobs.get(job_id)

    def stop(self, job_id: str) -> bool:
        """Ask a job to stop; False where there is no such job, or it cannot be stopped."""
        job = self.get(job_id)
        return job is not None and job.stop()

    def stop_all(self, timeout_s: float = 0.0) -> bool:
        """Ask every job to stop and wait for their threads together; False where one still runs."""
        with self._lock:
            jobs = list(self._jobs.values())
        for job in jobs:
            job.stop()
        deadline = time.monotonic() + timeout_s
        return all(job.wait(max(deadline - time.monotonic(), 0.0)) for job in jobs)

    def note_failure(self, kind: str, message: str) -> None:
        """Note that a host's function raised, so that the pages can say it."""
        with self._lock:
            told = {"id": next(self._numbers), "type": kind, "message": message[:_MESSAGE_CHARACTERS]}
            self._failures.append((time.monotonic(), told))

    def failures(self) -> list[dict[str, Any]]:
        """Return the last few failures, the newest last, by growing ids, and how long ago each was."""
        now_s = time.monotonic()
        with self._lock:
            return [{**told, "age_s": round(now_s - failed_s, 3)} for failed_s, told in self._failures]

    def to_list(self) -> list[dict[str, Any]]:
        """Return what the page shows of each job; a stopped one is no longer shown."""
        with self._lock:
            jobs = list(self._jobs.values())
        return [job.to_dict() for job in jobs if not job.stopped]
