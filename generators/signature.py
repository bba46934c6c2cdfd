"""Controls from a function's signature."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, Union

from generators.controls import Choices, Control, Kind
from generators.errors import GeneratorError
from generators.hints import Choice, Group, Help, Label, Range
from generators.seeds import is_unresolved

EMPTY = inspect.Parameter.empty
UNITS = {"s": "s", "ms": "ms", "hz": "Hz", "khz": "kHz", "db": "dB", "bpm": "BPM"}
COMPONENT_KINDS: dict[str, Kind] = {
    "Slider": "slider",
    "Number": "number",
    "Textbox": "text",
    "TextArea": "text",
    "Checkbox": "checkbox",
    "Dropdown": "dropdown",
    "Radio": "dropdown",
}


@dataclass(frozen=True)
class Injected:
    """A parameter that no user sets: Gradio's Progress or Request."""

    name: str
    what: Literal["Progress", "Request"]


def controls_of(function: Callable[..., Any]) -> tuple[Control, ...]:
    """Read the controls of a function, in the order of its parameters.

    ``*args`` and ``**kwargs`` are passed over, and so is a parameter of a type that no control can set when it has a
    default.

    Raises
    ------
    GeneratorError
        When an annotation cannot be read, or a parameter without default has a type that no control can set.

    >>> def speak(text: str, voice: Literal["en", "de"] = "en", loud: bool = False, **more): ...
    >>> [(control.name, control.kind, control.required) for control in controls_of(speak)]
    [('text', 'text', True), ('voice', 'dropdown', False), ('loud', 'checkbox', False)]
    """
    read = (read_parameter(function, parameter) for parameter in parameters_of(function))
    return tuple(item for item in read if isinstance(item, Control))


def injected_in(function: Callable[..., Any]) -> tuple[Injected, ...]:
    """List the parameters that the caller fills in: Gradio's Progress and Request, by annotation or default."""
    read = (read_parameter(function, parameter) for parameter in parameters_of(function))
    return tuple(item for item in read if isinstance(item, Injected))


def parameters_of(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """List the parameters of a function without ``*args`` and ``**kwargs``."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise GeneratorError("", f"Its parameters cannot be read: {error}.") from error
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [parameter for parameter in signature.parameters.values() if parameter.kind not in variable]


def read_parameter(function: Callable[..., Any], parameter: inspect.Parameter) -> Control | Injected | None:
    """Read one parameter: a control, one that the caller fills in, or None where it is left at its default."""
    annotation, hints = _split(_resolve(function, parameter))
    plain, optional = _without_none(annotation)
    injected = _injected(plain, parameter)
    if injected:
        return injected
    control = Control(
        name=parameter.name,
        label=label_of(parameter.name),
        kind="text",
        default=None if parameter.default is EMPTY else parameter.default,
        optional=optional or parameter.default is None,
        required=parameter.default is EMPTY and not optional,
    )
    typed = _by_component(control, plain, hints) or _by_type(control, plain, parameter.default)
    if typed is None and parameter.default is not EMPTY:
        return None
    if typed is None:
        name = getattr(plain, "__name__", str(plain))
        raise GeneratorError(
            "",
            f"The parameter “{parameter.name}” is of the type {name}, which no control can set: give it a default, or "
            "annotate it with a Gradio component.",
        )
    return _settle(functools.reduce(_by_hint, hints, typed))


def label_of(name: str) -> str:
    """Put a parameter's name in words.

    >>> label_of("bit_depth"), label_of("fade_ms"), label_of("cfgScale")
    ('Bit depth', 'Fade (ms)', 'CfgScale')
    """
    words = name.strip("_").split("_")
    unit = UNITS.get(words[-1].lower()) if len(words) > 1 else None
    text = " ".join(words[:-1] if unit else words)
    return text[:1].upper() + text[1:] + (f" ({unit})" if unit else "")


def _resolve(function: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    """Evaluate a parameter's annotation, which ``from __future__ import annotations`` leaves as text.

    Each on its own, so that a return type that is imported for type checkers only does no harm.
    """
    if parameter.annotation is EMPTY:
        return EMPTY
    holder = types.SimpleNamespace(__annotations__={parameter.name: parameter.annotation})
    try:
        hints = typing.get_type_hints(holder, globalns=_globals(function), include_extras=True)
    except (NameError, AttributeError, SyntaxError, TypeError) as error:
        raise GeneratorError("", f"The annotation of “{parameter.name}” cannot be read: {error}.") from error
    return hints[parameter.name]


def _globals(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the names that a function's annotations refer to."""
    inner: Any = function
    while isinstance(inner, functools.partial):
        inner = inner.func
    inner = inspect.unwrap(inner)
    if not hasattr(inner, "__globals__") and not inspect.ismethod(inner):
        inner = type(inner).__call__
    return dict(getattr(inner, "__globals__", None) or inner.__func__.__globals__)


def _split(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    if typing.get_origin(annotation) is Annotated:
        inner, *hints = typing.get_args(annotation)
        return inner, tuple(hints)
    return annotation, ()


def _without_none(annotation: Any) -> tuple[Any, bool]:
    """Take None out of Optional, of ``X | None`` and of a Literal."""
    origin, members = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (Union, types.UnionType):
        rest = tuple(member for member in members if member is not type(None))
        return (rest[0] if len(rest) == 1 else Union[rest]), len(rest) < len(members)  # noqa: UP007 (made at run time)
    if origin is Literal and None in members:
        return Literal[tuple(member for member in members if member is not None)], True
    return annotation, False


def _injected(annotation: Any, parameter: inspect.Parameter) -> Injected | None:
    """Recognise Gradio's own types by name, without importing Gradio."""
    for candidate in (annotation, type(parameter.default)):
        if not isinstance(candidate, type) or candidate.__module__.split(".")[0] != "gradio":
            continue
        if candidate.__name__ == "Progress":
            return Injected(parameter.name, "Progress")
        if candidate.__name__ == "Request":
            return Injected(parameter.name, "Request")
    return None


def _by_type(control: Control, annotation: Any, default: Any) -> Control | None:
    """Choose the kind of control by the annotation, or by the default's type where there is none."""
    if annotation is EMPTY or annotation in (Any, object):
        annotation = str if default is EMPTY or default is None else type(default)
        if control.name == "seed" and default is None:
            annotation = int
    if typing.get_origin(annotation) is Literal:
        return replace(control, kind="dropdown", choices=_choices(typing.get_args(annotation)))
    members = set(typing.get_args(annotation)) if typing.get_origin(annotation) is Union else {annotation}
    if members == {bool}:
        return replace(control, kind="checkbox", default=bool(control.default), required=False)
    if members <= {int, float}:
        integer = members == {int}
        if control.name == "seed" and integer:
            seed = None if is_unresolved(control.default) else control.default
            return replace(control, kind="seed", default=seed, integer=True, required=False)
        return replace(control, kind="number", integer=integer)
    return replace(control, kind="text") if str in members and members <= {int, float, str} else None


def _choices(values: tuple[Any, ...]) -> Choices:
    return tuple((str(value), value) for value in values)


def _by_hint(control: Control, hint: Any) -> Control:
    """Apply what Annotated says; hints of other libraries are passed over."""
    if isinstance(hint, Range):
        step = hint.step or (1 if control.integer else None)
        low, high = hint.minimum, hint.maximum
        return replace(control, kind="slider", minimum=low, maximum=high, step=step, random=hint.random)
    if isinstance(hint, Choice):
        return replace(control, kind="dropdown", choices=hint.choices)
    if isinstance(hint, Group):
        return replace(control, group=hint.name)
    if isinstance(hint, Label):
        return replace(control, label=hint.text)
    return replace(control, info=hint.text) if isinstance(hint, Help) else control


def _settle(control: Control) -> Control:
    """Give a slider without default its minimum, since it cannot stand nowhere."""
    if control.kind == "slider" and control.default is None:
        return replace(control, default=control.minimum, required=False, optional=False)
    return control


def _by_component(control: Control, annotation: Any, hints: tuple[Any, ...]) -> Control | None:
    """Read a Gradio component in Annotated, recognised by its ancestry without importing Gradio."""
    found = next((hint for hint in hints if _is_component(hint)), None)
    if found is None:
        return None
    component = found(render=False) if isinstance(found, type) else found
    kind = COMPONENT_KINDS.get(type(component).__name__, "component")
    if getattr(component, "allow_custom_value", False):
        kind = "component"
    default = getattr(component, "value", None) if control.required else control.default
    return replace(
        control,
        kind=kind,
        component=component,
        label=getattr(component, "label", None) or control.label,
        info=getattr(component, "info", None) or "",
        default=default,
        minimum=getattr(component, "minimum", None),
        maximum=getattr(component, "maximum", None),
        step=getattr(component, "step", None),
        choices=tuple((str(label), value) for label, value in getattr(component, "choices", None) or ()),
        integer=annotation is int,
        random=kind == "slider",
        required=control.required and default is None,
    )


def _is_component(hint: Any) -> bool:
    kind = hint if isinstance(hint, type) else type(hint)
    return any(base.__module__ == "gradio.components.base" and base.__name__ == "Component" for base in kind.__mro__)
