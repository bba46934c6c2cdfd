"""Guards the contract: loading by name, running every kind of function alike, and reading what they return."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import generators_zoo as zoo
import numpy as np
import pytest
import soundfile

from generators import GeneratorError, Sound, as_sound, as_sounds, generator_from, load_generator, resolve_seed
from generators.contract import Generator

SINE = 0.3 * np.sin(np.arange(400) / 10)


def write(folder: Path, name: str, source: str) -> Path:
    path = folder / name
    path.write_text(textwrap.dedent(source))
    return path


def run(function: Any, params: dict[str, Any] | None = None) -> tuple[list[Sound], list[tuple[float | None, str]]]:
    reported: list[tuple[float | None, str]] = []
    sounds = list(generator_from(function).run(params or {}, lambda fraction, text: reported.append((fraction, text))))
    return sounds, reported


# Loading


def test_the_built_in_synthesizer_is_what_loads_without_a_name() -> None:
    generator = load_generator()
    assert (generator.spec, generator.model_id, generator.model_name) == (
        "generators.synth:synthesize",
        "synth",
        "Synth",
    )
    assert len(generator.presets) >= 12
    assert {"python", "numpy", "synth", "source_sha256"} <= generator.versions.keys()


def test_a_file_loads_with_its_siblings_by_either_kind_of_import(tmp_path: Path) -> None:
    write(tmp_path, "retake_sibling_tones.py", "RATE = 8000\ndef tone(): return [0.0, 0.5]\n")
    path = write(
        tmp_path,
        "my_sounds.py",
        """
        from __future__ import annotations
        from dataclasses import dataclass
        from typing import TYPE_CHECKING
        from .retake_sibling_tones import RATE
        import retake_sibling_tones
        if TYPE_CHECKING:
            from somewhere import Audio

        @dataclass
        class Note:
            hz: int = 440

        def hum(pitch: int = 0) -> Audio:
            import retake_sibling_tones as again
            return RATE, again.tone()
        """,
    )
    generator = load_generator(f"{path}:hum")
    assert [control.name for control in generator.controls] == ["pitch"]
    assert (generator.model_id, generator.model_name) == ("hum", "Hum")
    assert next(generator.run({})).sample_rate == 8000


def test_a_file_that_changed_loads_anew(tmp_path: Path) -> None:
    path = write(tmp_path, "changing.py", "def hum(one=1): return 8000, [0.0]\n")
    first = load_generator(f"{path}:hum")
    path.write_text("def hum(one=1, another=2): return 8000, [0.0]\n")
    second = load_generator(f"{path}:hum")
    assert len(second.controls) == 2
    assert first.versions["source_sha256"] != second.versions["source_sha256"]


def test_a_module_in_the_current_folder_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "retake_module_of_mine.py", "__version__ = '1.5'\ndef generate(): return 8000, [0.0]\n")
    monkeypatch.chdir(tmp_path)
    generator = load_generator("retake_module_of_mine:generate")
    assert generator.model_id == "retake_module_of_mine"  # "generate" would say nothing
    assert generator.versions["retake_module_of_mine"] == "1.5"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("nowhere.at.all:hum", "There is no module “nowhere” that Python could find."),
        ("generators.nowhere:hum", "There is no module “generators.nowhere” that Python could find."),
        ("{folder}/missing.py:hum", "There is no file {folder}/missing.py."),
        ("{folder}/good.py", "Name a function after a colon"),
        ("{folder}/good.py:", "Name a function after a colon"),
        ("hum", "Name a function after a colon"),
        ("{folder}/good.py:hun", "There is no function “hun” in {folder}/good.py. It has: hum, sing. Did you mean “hum”?"),
        ("{folder}/empty.py:hum", "There is no function “hum” in {folder}/empty.py. It has no functions."),
        ("{folder}/good.py:RATE", "“RATE” is of the type int; a generator is a function."),
        ("{folder}/good.py:Singer", "“Singer” is a class; a generator is a function."),
        ("{folder}/good.py:hum.tune", "There is no function “hum.tune”"),
        ("{folder}/raises.py:hum", "Importing it failed (line 3) with ValueError: no weights"),
        ("{folder}/exits.py:hum", "Importing it failed (line 1) with SystemExit: 2"),
        ("{folder}/needs.py:hum", "Importing it failed (line 1) with ModuleNotFoundError: No module named 'torch_of_nobody'"),
        ("{folder}/syntax.py:hum", "Importing it failed: invalid syntax (syntax.py, line 1)."),
        ("{folder}/preset.py:hum", "The starting point “High” sets “pitsch”, which is no control."),
        ("{folder}/preset.py:sing", "The starting point “High” does not fit: Pitch must be a whole number."),
        ("{folder}/badly.py:hum", "The parameter “model” is of the type bytes, which no control can set"),
        ("builtins:min", "Its parameters cannot be read"),
    ],
)  # fmt: skip
def test_what_cannot_be_loaded_says_why(tmp_path: Path, spec: str, words: str) -> None:
    write(tmp_path, "empty.py", "")
    write(tmp_path, "good.py", "RATE = 1\nclass Singer: ...\ndef hum(): ...\ndef sing(): ...\ndef _own(): ...\n")
    write(tmp_path, "raises.py", "\n\nraise ValueError('no weights')\n")
    write(tmp_path, "exits.py", "raise SystemExit(2)\n")
    write(tmp_path, "needs.py", "import torch_of_nobody\n")
    write(tmp_path, "syntax.py", "def hum(:\n")
    write(tmp_path, "badly.py", "def hum(model: bytes): ...\n")
    write(
        tmp_path,
        "preset.py",
        """
        from generators import describe
        @describe(presets={"High": {"pitsch": 9}})
        def hum(pitch: int = 0): ...
        @describe(presets={"High": {"pitch": "up"}})
        def sing(pitch: int = 0): ...
        """,
    )
    spec = spec.format(folder=tmp_path)
    with pytest.raises(GeneratorError) as raised:
        load_generator(spec)
    assert raised.value.spec == spec
    assert words.format(folder=tmp_path) in raised.value.reason
    assert str(raised.value) == f"{spec}: {raised.value.reason}"


def test_what_failed_to_load_leaves_nothing_behind(tmp_path: Path) -> None:
    path = write(tmp_path, "raises.py", "raise ValueError\n")
    before = set(sys.modules)
    with pytest.raises(GeneratorError, match="Importing it failed"):
        load_generator(f"{path}:hum")
    assert not {name for name in set(sys.modules) - before if name.endswith("raises")}


def test_generators_import_neither_gradio_nor_the_rest_of_the_project() -> None:
    code = (
        "import sys; import generators; generators.load_generator();"
        "print([name for name in ('gradio', 'soundfile', 'store', 'history_ui') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_description_names_the_model_its_starting_points_and_versions() -> None:
    generator = generator_from(zoo.described)
    assert (generator.model_id, generator.model_name) == ("zoo", "The zoo")
    assert generator.presets == {"High": {"pitch": 9}}
    assert generator.versions["zoo"] == "7"
    assert generator_from(zoo.wrapped).model_id == "zoo"


# Running


@pytest.mark.parametrize("name", zoo.ZOO)
def test_every_kind_of_function_runs_and_gives_sounds(name: str) -> None:
    sounds, _ = run(zoo.ZOO[name], zoo.TO_FILL.get(name))
    assert len(sounds) == {"several": 3, "returns_list": 2}.get(name, 1)
    for sound in sounds:
        assert sound.sample_rate == zoo.SAMPLE_RATE
        assert sound.audio.size == 400
        assert np.abs(sound.audio).max() > 0.2


@pytest.mark.parametrize("function", [zoo.wrapped, zoo.singer, zoo.partial_function])
def test_wrapped_partial_and_callable_objects_run_too(function: Any) -> None:
    generator = Generator("zoo", function, "zoo", "Zoo", generator_controls(function))
    assert len(list(generator.run({}))) == 1


def generator_controls(function: Any) -> Any:
    from generators.signature import controls_of

    return controls_of(function)


@pytest.mark.parametrize(
    ("function", "params", "same"),
    [
        (zoo.literal, {"voice": "alto", "octave": "3"}, zoo.blip("alto", 3)),
        (zoo.keyword_only, {"prompt": "wind", "steps": 2}, zoo.blip("wind", 2)),
        (zoo.positional_only, {"prompt": "wind", "steps": 2, "gain": 1}, zoo.blip("wind", 2, 1.0)),
        (zoo.stars, {"prompt": "wind", "speed": 2, "more": 3}, zoo.blip("wind", 0.5)),
        (zoo.numbers_or_none, {"steps": "", "gain": 2}, zoo.blip(None, 2.0)),
        (zoo.no_annotations, {"loud": False}, zoo.blip("rain", 4, 0.5, False, None)),
        (zoo.components, {"pitch": -10, "style": "a"}, zoo.blip(-10, 1.0, "la", False, "alto", "a", "#0a6b57")),
        (zoo.left_alone, {"prompt": "wind", "settings": {"x": 1}}, zoo.blip("wind")),
        (zoo.coroutine, {"prompt": "wind"}, zoo.blip("wind")),
        (zoo.async_generator, {"steps": 5}, zoo.blip(5)),
    ],
)
def test_what_was_set_is_what_the_function_gets(function: Any, params: dict[str, Any], same: zoo.Blip) -> None:
    sounds, _ = run(function, params)
    assert np.array_equal(sounds[0].audio, same[1])


@pytest.mark.parametrize(
    ("function", "reported"),
    [
        (zoo.generator, [(1 / 3, "step 1"), (2 / 3, "step 2"), (None, "writing")]),
        (zoo.generator_that_returns, [(0.5, "")]),
        (zoo.several, [(0.0, ""), (1 / 3, ""), (2 / 3, "")]),
        (zoo.async_generator, [(1 / 3, ""), (2 / 3, "")]),
        (zoo.progress_by_default, [(0.0, "Steps"), (0.5, "Steps"), (1.0, "Steps"), (0.9, "Writing")]),
        (zoo.progress_and_request, [(0.5, "Half")]),
        (zoo.coroutine, []),
    ],
)
def test_progress_is_reported_whichever_way_it_comes(function: Any, reported: list[Any]) -> None:
    assert run(function)[1] == reported


def test_the_request_is_handed_on() -> None:
    request = object()
    [sound] = generator_from(zoo.progress_and_request).run({}, request=request)
    assert np.array_equal(sound.audio, zoo.blip(2, False)[1])


def test_what_a_function_raises_comes_through() -> None:
    with pytest.raises(RuntimeError, match="out of memory"):
        run(zoo.broken)
    with pytest.raises(RuntimeError, match="failed after 2 steps"):
        run(zoo.broken_later)


@pytest.mark.parametrize(
    ("function", "params", "words"),
    [
        (zoo.text_to_fill, {}, "Prompt must be filled in."),
        (zoo.numbers_to_fill, {"steps": "", "gain": 1}, "Steps must be filled in."),
        (zoo.literal_to_choose, {}, "Voice must be chosen."),
        (zoo.literal, {"octave": 4}, "Octave has no choice “4”."),
        (zoo.seeded, {"seed": "one"}, "Seed must be a whole number"),
    ],
)
def test_values_that_do_not_fit_are_refused_before_the_function_runs(
    function: Any, params: dict[str, Any], words: str
) -> None:
    with pytest.raises(GeneratorError, match=words.replace(".", r"\.")):
        generator_from(function).prepare(params)


def nothing_returned() -> None: ...


def only_progress() -> Any:
    yield 0.5
    yield None


def number_returned() -> float:
    return 0.5


def lost_file() -> str:
    return "/nowhere/lost.wav"


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (nothing_returned, "ended without a sound"),
        (only_progress, "ended without a sound"),
        (number_returned, "returned a float, which is no sound"),
        (lost_file, "there is no such file"),
    ],
)
def test_a_function_without_a_sound_says_so(function: Any, words: str) -> None:
    with pytest.raises(GeneratorError, match=words) as raised:
        run(function)
    assert raised.value.spec.endswith(function.__name__)


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_closing_stops_a_generator_at_its_yield_and_lets_it_clean_up(kind: str) -> None:
    steps: list[str] = []

    def plain() -> Any:
        try:
            for number in range(9):
                steps.append(str(number))
                yield 8000, [0.0]
        finally:
            steps.append("cleaned up")

    async def stepwise() -> Any:
        try:
            for number in range(9):
                steps.append(str(number))
                yield 8000, [0.0]
        finally:
            steps.append("cleaned up")

    sounds = generator_from(plain if kind == "plain" else stepwise).run({})
    next(sounds)
    sounds.close()  # type: ignore[attr-defined]  # the iterator is a generator
    assert steps == ["0", "cleaned up"]


# Seeds


@pytest.mark.parametrize("empty", [None, "", " ", -1, "-1", -1.0])
def test_an_empty_seed_is_drawn(empty: Any) -> None:
    drawn = {resolve_seed(empty) for _ in range(20)}
    assert len(drawn) > 15
    assert all(0 <= seed < 2**31 for seed in drawn)


@pytest.mark.parametrize(
    ("given", "seed"), [(7, 7), ("48213", 48213), (7.0, 7), ("7.0", 7), (0, 0), (2**53 - 1, 2**53 - 1)]
)
def test_a_given_seed_is_kept(given: Any, seed: int) -> None:
    assert resolve_seed(given) == seed


@pytest.mark.parametrize("wrong", [-2, "seven", 1.5, True, [1], 2**53, float("nan"), float("inf")])
def test_what_is_no_seed_is_refused(wrong: Any) -> None:
    with pytest.raises(GeneratorError, match="Seed must be a whole number"):
        resolve_seed(wrong)


def test_the_drawn_seed_is_in_the_snapshot_the_function_and_the_sound() -> None:
    generator = generator_from(zoo.seeded)
    snapshot = generator.prepare({})
    assert generator.prepare(snapshot) == snapshot
    [sound] = generator.run(snapshot)
    assert sound.seed == snapshot["seed"]
    assert np.array_equal(sound.audio, zoo.blip(snapshot["seed"])[1])


def test_a_seed_that_is_a_slider_is_drawn_within_its_range() -> None:
    generator = generator_from(zoo.seeded_slider)
    assert all(0 <= generator.prepare({"seed": -1})["seed"] <= 99 for _ in range(50))
    assert generator.prepare({})["seed"] == 0


def test_a_returned_seed_counts() -> None:
    assert run(zoo.draws_its_own_seed)[0][0].seed == 12345


# What functions return


@dataclass
class Config:
    latent_vector: Any = None
    stereo_mode: str = "stereo"
    bit_depth: int = 16


@dataclass
class Result:
    audio: Any
    sample_rate: int
    seed_used: int | None = 5
    config: Config = field(default_factory=Config)


class Tensor:
    """Stands for a tensor on a GPU that records gradients."""

    def __init__(self, ready: bool = False) -> None:
        self.ready = ready

    def detach(self) -> Tensor:
        return Tensor()

    def cpu(self) -> Tensor:
        return Tensor(ready=True)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        assert self.ready
        return SINE


@pytest.mark.parametrize(
    ("returned", "seeds"),
    [
        ((8000, SINE), [None]),
        ([8000, SINE], [None]),
        ((np.int64(8000), SINE.tolist()), [None]),
        ((8000, SINE.reshape(-1, 2).tolist()), [None]),
        ((8000, Tensor()), [None]),
        (Sound(8000, SINE, seed=3), [3]),
        (((8000, SINE), 7), [7]),
        (((8000, SINE), "plot.png", "what was said", 7), [7]),
        (((8000, SINE), True, 0.5, None), [None]),
        ([(8000, SINE), (16000, SINE)], [None, None]),
        ((Sound(8000, SINE, seed=3), (8000, SINE), 9), [3, 9]),
        ({"__type__": "update", "value": (8000, SINE)}, [None]),
        ([{"__type__": "update"}, {"__type__": "update", "value": (8000, SINE)}], [None]),
        (Result(SINE, 8000), [5]),
    ],
)
def test_sounds_are_found_in_what_was_returned(returned: Any, seeds: list[int | None]) -> None:
    sounds = as_sounds(returned)
    assert [sound.seed for sound in sounds] == seeds
    assert all(sound.audio.size == 400 for sound in sounds)
    one = as_sound(returned)
    assert isinstance(one, list) == (len(seeds) != 1)


@pytest.mark.parametrize("returned", [None, 5, 0.5, (), [], {}, (8000, "text"), (8000,), object(), b"bytes"])
def test_what_holds_no_sound_is_refused(returned: Any) -> None:
    with pytest.raises(GeneratorError, match="is no sound"):
        as_sound(returned)


def test_a_result_keeps_its_settings() -> None:
    sound = as_sound(Result(SINE, 8000, config=Config(latent_vector=np.float32([0.5, 1]))))
    assert isinstance(sound, Sound)
    assert (sound.latent_vector, sound.stereo_mode, sound.bit_depth) == ([0.5, 1.0], "stereo", 16)


@pytest.mark.parametrize(
    ("name", "subtype", "depth"),
    [("a.wav", "PCM_16", 16), ("a.wav", "PCM_24", 24), ("a.wav", "FLOAT", 32), ("a.flac", "PCM_24", 24)],
)
def test_a_file_is_read_at_once_with_its_depth(tmp_path: Path, name: str, subtype: str, depth: int) -> None:
    path = tmp_path / name
    soundfile.write(path, np.stack([SINE, -SINE], axis=1), 8000, subtype=subtype)
    for returned in (str(path), path, {"value": str(path), "__type__": "update"}, {"path": str(path)}):
        sound = as_sound(returned)
        assert isinstance(sound, Sound)
        assert (sound.sample_rate, sound.audio.shape, sound.bit_depth) == (8000, (400, 2), depth)
        assert np.abs(sound.audio[:, 0] - SINE).max() < 2**-15
    path.unlink()
    assert sound.audio.any()


def test_sixteen_bit_samples_stay_sixteen_bit() -> None:
    samples = (SINE * 32767).astype(np.int16)
    sound = as_sound((8000, samples))
    assert isinstance(sound, Sound)
    assert sound.bit_depth == 16
    assert np.array_equal(sound.audio, samples)


def test_a_file_that_is_no_audio_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "note.wav", "not audio")
    with pytest.raises(GeneratorError, match="cannot be read as audio"):
        as_sound(path)
