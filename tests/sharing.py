"""Share what is costly to set up between tests, until one of them fails: what that left behind is nobody else's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Generic, TypeVar

import pytest

T = TypeVar("T")
FAILED = pytest.StashKey[bool]()


class Shared(Generic[T]):
    """One thing, set up when it is first asked for, and anew after a test that failed."""

    def __init__(self, set_up: Callable[[], AbstractContextManager[T]], stack: ExitStack) -> None:
        self._set_up = set_up
        self._stack = stack
        self._standing: list[T] = []

    def lend(self, request: pytest.FixtureRequest) -> Iterator[T]:
        """Lend it to one test; use as `yield from` in a fixture of that test."""
        if not self._standing:
            self._standing.append(self._stack.enter_context(self._set_up()))
        yield self._standing[0]
        if request.node.stash.get(FAILED, False):
            self._standing.clear()
            self._stack.close()


@contextmanager
def sharing(set_up: Callable[[], AbstractContextManager[T]]) -> Iterator[Shared[T]]:
    """Share what `set_up()` opens until the block ends."""
    with ExitStack() as stack:
        yield Shared(set_up, stack)
