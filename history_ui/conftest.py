"""For the examples in this package's docstrings, some of which build a page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.pages import closing_loops


@pytest.fixture(autouse=True)
def loops(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close the event loops that Gradio leaves open."""
    with closing_loops(monkeypatch):
        yield
