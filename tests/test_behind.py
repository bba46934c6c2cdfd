"""Guards the thread that works behind: one thing after the other, nobody waits, nothing is forgotten."""

from __future__ import annotations

import threading

import pytest

from store.behind import Behind


def test_a_chore_is_done_behind_and_the_end_waits_for_it() -> None:
    behind, go_on, done = Behind("retake-test"), threading.Event(), []
    assert behind.do(lambda: done.append(go_on.wait(10)))
    assert done == []
    go_on.set()
    behind.end()
    assert done == [True]


def test_what_is_asked_for_while_another_chore_goes_on_is_done_once_after_it() -> None:
    behind, begun, go_on, done = Behind("retake-test"), threading.Event(), threading.Event(), []

    def first() -> None:
        begun.set()
        go_on.wait(10)
        done.append("first")

    behind.do(first)
    begun.wait(10)
    for _ in range(3):
        behind.do(lambda: done.append("again"))
    go_on.set()
    behind.end()
    assert done == ["first", "again"]


def test_one_thread_serves_them_all_and_a_new_one_comes_after_the_end() -> None:
    behind, threads = Behind("retake-test"), []
    for _ in range(3):
        behind.do(lambda: threads.append(threading.current_thread()))
        behind.end()
    behind.be_ready()
    behind.be_ready()
    assert len({thread.ident for thread in threading.enumerate() if thread.name == "retake-test"}) == 1
    behind.end()
    assert len(threads) == 3


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_chore_that_fails_does_not_stop_the_next() -> None:
    behind, done = Behind("retake-test"), []
    behind.do(lambda: 1 / 0)  # type: ignore[arg-type]
    while behind._thread is not None and behind._thread.is_alive():
        behind._thread.join(10)
    behind.do(lambda: done.append("next"))
    behind.end()
    assert done == ["next"]


def test_where_no_thread_can_be_had_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert not Behind("retake-test").do(lambda: None)
