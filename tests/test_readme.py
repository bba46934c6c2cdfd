"""Guards that what the README shows runs, and that what it names exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest

import app
from generators import load_generator
from store import GenerationHistory
from tests.conftest import add
from tests.pages import closing_loops

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.fixture(autouse=True)
def loops(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with closing_loops(monkeypatch):
        yield


def block_with(text: str) -> str:
    (found,) = [block for block in PYTHON if text in block]
    return found


def test_every_option_it_names_exists(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        app.parse_arguments(["--help"])
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    table = README[README.index("| option |") : README.index("## Your own generator")]
    assert set(re.findall(r"--[a-z-]+[a-z]", table)) == known - {"--help"}
    source = (ROOT / "app.py").read_text(encoding="utf-8")
    assert all(name in source for name in re.findall(r"RETAKE_[A-Z]+", table))


def test_every_file_it_points_to_is_there() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", README)
    for target in (one or other for one, other in targets):
        assert (ROOT / target).exists(), target


def test_every_make_target_it_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.MULTILINE))
    assert {"run", "test", "check", "look"} <= named
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_its_generator_makes_a_sound(tmp_path: Path) -> None:
    (tmp_path / "hum.py").write_text(block_with("def hum("))
    generator = load_generator(f"{tmp_path / 'hum.py'}:hum")
    assert [control.name for control in generator.controls] == ["pitch", "voice", "seed"]
    [sound] = generator.run(generator.prepare({"voice": "rough"}))
    assert np.abs(sound.audio).max() > 0.1


def test_its_example_from_python_keeps_and_finds_a_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code = block_with("add_to_history").replace('query="bell", favorite=True', 'query="brightness"')
    exec(code, {"audio": np.linspace(-0.5, 0.5, 4_800)})  # noqa: S102 - our own README
    assert "{'brightness': 3}" in capsys.readouterr().out


def test_its_comparison_keeps_the_winner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    played: list[Path] = []
    with GenerationHistory("my-history") as history:
        for seed in (1, 2):
            add(history, seed)
    exec(block_with("ABComparison"), {"play": played.append})  # noqa: S102 - our own README
    assert len(set(played)) == 2
    told = capsys.readouterr().out
    assert "Difference(name='seed', a=2, b=1" in told
    assert "Tally(a=0, b=1, chance=0.5)" in told
    assert "Glass bell {'seed': 1} 0" in told


def test_its_panel_in_another_app_keeps_what_is_generated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    launched: list[dict[str, Any]] = []
    monkeypatch.setattr(gr.Blocks, "launch", lambda blocks, **options: launched.append(options))

    def make_sound(prompt: str) -> tuple[int, Any]:
        return 8_000, np.linspace(-0.5, 0.5, 800)

    names: dict[str, Any] = {"make_sound": make_sound}
    exec(block_with("HistoryPanel"), names)  # noqa: S102 - our own README
    assert "app_kwargs" in launched[0]
    names["panel"].record(make_sound)("glass bell")
    with GenerationHistory(tmp_path / "my-history") as history:
        assert [entry.params for entry in history.list_entries()] == [{"prompt": "glass bell"}]
    names["panel"].close()
