"""Guards that a test which failed leaves nothing behind for the next one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from tests.sharing import FAILED, Shared, sharing


def use(shared: Shared[int], *, failing: bool) -> int:
    """Borrow what is shared as a test does."""
    node = SimpleNamespace(stash=pytest.Stash())
    lent = shared.lend(SimpleNamespace(node=node))  # type: ignore[arg-type]
    found = next(lent)
    node.stash[FAILED] = failing
    assert list(lent) == []
    return found


def test_what_is_shared_is_set_up_anew_only_after_a_test_that_failed() -> None:
    opened, closed = list[int](), list[int]()

    @contextmanager
    def set_up() -> Iterator[int]:
        number = len(opened)
        opened.append(number)
        yield number
        closed.append(number)

    with sharing(set_up) as shared:
        assert not opened
        assert [use(shared, failing=failing) for failing in (False, True, False, False)] == [0, 0, 1, 1]
        assert closed == [0]
    assert closed == [0, 1]


def test_a_failure_is_noted_where_what_is_shared_looks_for_it(request: pytest.FixtureRequest) -> None:
    assert request.node.stash[FAILED] is False
