"""Guards `python -m store`: what it prints, its exit codes, and that it stays light."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from store import GenerationHistory
from store.__main__ import main
from tests.conftest import add


def test_stats_counts_takes_and_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with GenerationHistory(tmp_path) as history:
        entry, other = add(history, 1), add(history, 2)
        history.delete_entry(other.entry_id)
    assert main(["stats", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "takes    1\ndeleted  1\n" in printed
    assert f"{2 * (entry.size_bytes or 0):,} bytes" in printed
    assert "model    synth: 1" in printed


def test_verify_tells_good_from_damaged_by_its_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with GenerationHistory(tmp_path) as history:
        path = history.audio_path(add(history).entry_id)
    assert main(["verify", str(tmp_path)]) == 0
    path.unlink()
    assert main(["verify", str(tmp_path)]) == 1
    assert f"missing audio: {path}" in capsys.readouterr().out


def test_it_runs_as_a_module_without_gradio(tmp_path: Path) -> None:
    GenerationHistory(tmp_path).close()
    code = (
        "import sys; from store.__main__ import main; main(['stats', sys.argv[1]]); "
        "heavy = {'gradio', 'matplotlib', 'history_ui', 'generators'} & set(sys.modules); assert not heavy, heavy"
    )
    root = Path(__file__).parent.parent
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, cwd=root)
    done = subprocess.run([sys.executable, "-m", "store", "stats", str(tmp_path)], check=False, cwd=root)
    assert done.returncode == 0
