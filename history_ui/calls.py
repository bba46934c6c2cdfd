"""A host's function as it is called: which of its parameters are a user's, and by what names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from generators import Control, Generator
from generators.signature import Injected
from history_ui.words import humanise

_INJECTED = (
    "Request",
    "EventData",
    "SelectData",
    "OAuthProfile",
    "OAuthToken",
    "Header",
    "LikeData",
    "DeletedFileData",
)


def parameter_names(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the parameters that inputs fill: not those that Gradio injects (`gr.Progress`, `gr.Request`, …)."""
    return tuple(
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if not _is_injected(parameter) and parameter.kind is not inspect.Parameter.VAR_KEYWORD
    )


def _is_injected(parameter: inspect.Parameter) -> bool:
    if type(parameter.default).__name__ in ("Progress", "Cache"):
        return True
    annotation = parameter.annotation
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    return text.replace("Optional[", "").rstrip("]").removesuffix(" | None").rpartition(".")[2] in _INJECTED


def as_generator(function: Callable[..., Any], model_id: str | None, model_name: str | None) -> Generator:
    """Describe any function as a generator that takes a snapshot as it is, so that Generate again can run it."""
    name = getattr(function, "__name__", type(function).__name__).strip("_<>") or "generator"
    controls = tuple(
        Control(parameter.name, humanise(parameter.name), "component", default=_default(parameter))
        for parameter in inspect.signature(function).parameters.values()
        if parameter.name in parameter_names(function) and parameter.kind is not inspect.Parameter.VAR_POSITIONAL
    )
    injected = tuple(
        Injected(parameter.name, "Progress" if type(parameter.default).__name__ == "Progress" else "Request")
        for parameter in inspect.signature(function).parameters.values()
        if _is_injected(parameter)
    )
    model_id = model_id or name
    return Generator(name, function, model_id, model_name or humanise(model_id), controls, injected=injected)


def _default(parameter: inspect.Parameter) -> Any:
    return None if parameter.default is inspect.Parameter.empty else parameter.default


def bind(
    function: Callable[..., Any], names: tuple[str, ...], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Name the values of a call by the function's parameters, defaults filled in; `names` name those of `*args`."""
    signature = inspect.signature(function)
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError:  # the call itself will fail with the same error
        return dict(kwargs)
    bound.apply_defaults()
    values: dict[str, Any] = {}
    for parameter in signature.parameters.values():
        value = bound.arguments[parameter.name]
        if _is_injected(parameter):
            continue
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            values.update(_named_rest(names[len(values) :], parameter.name, value))
        elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
            values.update(value)
        else:
            values[parameter.name] = value
    given = [name for name in names if name not in values]
    return {**values, **dict.fromkeys(given)} if given and not values else values


def _named_rest(names: tuple[str, ...], name: str, values: tuple[Any, ...]) -> dict[str, Any]:
    """Name the values of `*args`: as the panel was told, else args_1, args_2, …"""
    own = [one for one in names if one != name]
    return {(own[i] if i < len(own) else f"{name}_{i + 1}"): value for i, value in enumerate(values)}
