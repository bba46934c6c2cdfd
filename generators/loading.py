"""Load a generator by name: ``module:function`` or ``file.py:function``."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import importlib
import importlib.util
import inspect
import platform
import sys
import traceback
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from generators.contract import DESCRIPTION, Description, Generator
from generators.errors import GeneratorError
from generators.signature import controls_of, injected_in, label_of

BUILT_IN = "generators.synth:synthesize"
GENERAL_NAMES = ("generate", "infer", "inference", "main", "predict", "run", "synthesize", "tts")


def load_generator(spec: str | None = None) -> Generator:
    """Load the function that a spec names, and read its controls.

    Parameters
    ----------
    spec
        ``module:function``, searched where Python searches and in the current folder; ``path/to/file.py:function``,
        whose folder is searched for what it imports; None for the built-in synthesizer.

    Raises
    ------
    GeneratorError
        With a sentence that says what is wrong and, where it can, what would be right.

    >>> load_generator().model_id
    'synth'
    """
    spec = spec or BUILT_IN
    place, _, name = spec.rpartition(":")
    if name.endswith(".py") or not place or not name:
        raise GeneratorError(spec, "Name a function after a colon, as in “my_sounds.py:speak” or “my_sounds:speak”.")
    try:
        module = _load_file(Path(place).expanduser()) if place.endswith(".py") else _load_module(place)
        return _make(spec, module, _function_in(module, name, place))
    except GeneratorError as error:
        raise GeneratorError(spec, error.reason) from error.__cause__


def generator_from(function: Callable[..., Any]) -> Generator:
    """Make a generator of a function at hand.

    Raises
    ------
    GeneratorError
        When its parameters cannot be read, or a starting point does not fit them.

    >>> def hum(pitch: float = 0.0): ...
    >>> generator_from(hum).model_name
    'Hum'
    """
    name = getattr(function, "__name__", type(function).__name__)
    return _make(f"{function.__module__}:{name}", sys.modules[function.__module__], function)


def _load_module(name: str) -> types.ModuleType:
    with _importing_from(Path.cwd()):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not (name == error.name or name.startswith(error.name + ".")):
                raise _import_failed(error) from error
            raise GeneratorError("", f"There is no module “{error.name}” that Python could find.") from error
        except (Exception, SystemExit) as error:  # the border to somebody else's code
            raise _import_failed(error) from error


def _load_file(path: Path) -> types.ModuleType:
    """Load a file as the module of a package of its own, so that its relative imports find its siblings."""
    path = path.resolve()
    if not path.is_file():
        raise GeneratorError("", f"There is no file {path}.")
    package = f"_retake_{hashlib.sha256(str(path.parent).encode()).hexdigest()[:12]}"
    parent = types.ModuleType(package)
    parent.__path__ = [str(path.parent)]
    sys.modules.setdefault(package, parent)
    name = f"{package}.{path.stem}"
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise GeneratorError("", f"{path} is no Python file.")
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module  # dataclasses and pickles look their module up by name
    with _importing_from(path.parent):
        try:
            found.loader.exec_module(module)
        except (Exception, SystemExit) as error:  # the border to somebody else's code
            del sys.modules[name]
            raise _import_failed(error, path) from error
    return module


@contextlib.contextmanager
def _importing_from(folder: Path) -> Iterator[None]:
    """Search a folder first while loading, and last from then on, for what a function imports when it runs."""
    entry = str(folder)
    known = entry in sys.path
    sys.path.insert(0, entry)
    try:
        yield
    finally:
        sys.path.remove(entry)
        if not known:
            sys.path.append(entry)


def _import_failed(error: BaseException, path: Path | None = None) -> GeneratorError:
    if isinstance(error, SyntaxError):
        return GeneratorError("", f"Importing it failed: {error}.")
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if path and frame.filename == str(path)]
    where = f" (line {frames[-1].lineno})" if frames else ""
    words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return GeneratorError("", f"Importing it failed{where} with {words}")


def _function_in(module: types.ModuleType, name: str, place: str) -> Callable[..., Any]:
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise GeneratorError("", _missing(module, name, place))
        found = getattr(found, part)
    if inspect.isclass(found):
        raise GeneratorError("", f"“{name}” is a class; a generator is a function.")
    if not callable(found):
        raise GeneratorError("", f"“{name}” is of the type {type(found).__name__}; a generator is a function.")
    function: Callable[..., Any] = found
    return function


def _missing(module: types.ModuleType, name: str, place: str) -> str:
    """Say that a function is not there, and which ones are."""
    names = [key for key, value in vars(module).items() if inspect.isfunction(value) and not key.startswith("_")]
    own = [key for key in names if getattr(vars(module)[key], "__module__", "") == module.__name__]
    close = difflib.get_close_matches(name, own, n=1)
    hint = f" Did you mean “{close[0]}”?" if close else ""
    there = f"It has: {', '.join(own)}." if own else "It has no functions."
    return f"There is no function “{name}” in {place}. {there}{hint}"


def _make(spec: str, module: types.ModuleType, function: Callable[..., Any]) -> Generator:
    described: Description = getattr(function, DESCRIPTION, Description())
    model_id = described.model_id or _model_id(module, function)
    generator = Generator(
        spec=spec,
        function=function,
        model_id=model_id,
        model_name=described.model_name or label_of(model_id),
        controls=controls_of(function),
        presets=described.presets,
        versions={**_versions(module), **described.versions},
        injected=injected_in(function),
    )
    _check_presets(generator)
    return generator


def _model_id(module: types.ModuleType, function: Callable[..., Any]) -> str:
    """Call a model by its function, or by its file where the function is called what any might be."""
    name = getattr(function, "__name__", type(function).__name__)
    return module.__name__.rpartition(".")[2] if name in GENERAL_NAMES else name


def _versions(module: types.ModuleType) -> dict[str, str]:
    versions = {"python": platform.python_version(), "numpy": np.__version__}
    version = getattr(module, "__version__", None)
    if isinstance(version, str):
        versions[module.__name__.rpartition(".")[2]] = version
    source = getattr(module, "__file__", None)
    if source and Path(source).is_file():
        versions["source_sha256"] = hashlib.sha256(Path(source).read_bytes()).hexdigest()
    return versions


def _check_presets(generator: Generator) -> None:
    """Refuse starting points that set what is not there, or to values that do not fit."""
    controls = {control.name: control for control in generator.controls}
    for preset, params in generator.presets.items():
        for name, value in params.items():
            if name not in controls:
                raise GeneratorError("", f"The starting point “{preset}” sets “{name}”, which is no control.")
            fitted = controls[name].fit(value)
            if fitted.clamped or not fitted.ok:
                raise GeneratorError("", f"The starting point “{preset}” does not fit: {fitted.reason}")
