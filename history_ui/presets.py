"""What the page can ask about presets: plain functions from a desk and a request (plain JSON) to plain JSON."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from generators import Control, GeneratorError
from history_ui.desk import Desk, Handler, Json
from history_ui.errors import BadRequest
from history_ui.media import file_name_of
from history_ui.request import read_flag, read_id, read_list, read_name, read_object, read_text
from history_ui.seeds import seed_of
from history_ui.snapshot import is_kept, snapshot
from history_ui.sources import Sources
from history_ui.words import cut
from store import HistoryError, InvalidPreset, Preset, PresetNotFound, Presets
from store.preset import DURATIONS, SETTINGS, folded
from store.shelf import MOST_PRESETS
from store.values import dumps, loads

LARGEST_IMPORT = 10_000_000
"""In characters; a request of the page is at most 20 MB."""
_SETTINGS_CHARACTERS = 4_000_000


# -- reading and telling ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NewPreset:
    """What the controls' settings are to be kept as: under a new name, or with `preset_id` in a preset that is there."""

    FIELDS: ClassVar[tuple[str, ...]] = ("id", "name", "folder", "with_duration")

    preset_id: str | None
    name: str
    folder: str
    with_duration: bool | None


def read_new_preset(given: Mapping[str, Any]) -> NewPreset:
    """Read what a preset is to be called, and where. Raises `BadRequest`."""
    with_duration = given.get("with_duration")
    return NewPreset(
        preset_id=read_id(given) if given.get("id") is not None else None,
        name=read_text(given.get("name", ""), "name"),
        folder=read_text(given.get("folder", ""), "folder"),
        with_duration=None if with_duration is None else read_flag(with_duration, "with_duration"),
    )


def preset_view(preset: Preset, sources: Sources) -> Json:
    """Return what the page shows of a preset; `own` says whether it is of the model whose controls the page has."""
    return {
        "id": preset.preset_id,
        "name": preset.name,
        "folder": preset.folder,
        "model": cut(preset.model_name or preset.model_id, 60),
        "own": preset.model_id == sources.model_id,
        "changed_at": preset.changed_at,
        "with_duration": has_duration(preset),
    }


def has_duration(preset: Preset) -> bool:
    """Whether a preset says how long a take is."""
    return isinstance(preset.params, dict) and any(name.casefold() in DURATIONS for name in preset.params)


# -- saving -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kept:
    """A preset that was saved from the controls; `before` holds as JSON text what it held until then."""

    preset: Preset
    before: str | None = None


def keep_settings(sources: Sources, asked: NewPreset, params: Mapping[str, Any]) -> Kept:
    """Keep what the controls give a function, a seed only where one is typed.

    Raises `BadRequest`, `GeneratorError` for a value that its control refuses, and `HistoryError`.
    """
    if not sources.model_id:
        raise BadRequest("This page does not say whose settings these are: attach(generate=...) names the function.")
    settings = settings_of(sources, params)
    presets = sources.presets
    if asked.preset_id is None:
        model: Json = {"model_id": sources.model_id, "model_name": sources.model_name}
        duration = bool(asked.with_duration)
        with _folder(presets, asked.folder) as folder:
            return Kept(presets.save(asked.name, folder=folder, with_duration=duration, **model, **settings))
    held = sources.find(asked.preset_id).preset
    if held is None:
        raise BadRequest("A starting point cannot be changed.")
    with_duration = has_duration(held) if asked.with_duration is None else asked.with_duration
    before = dumps({name: getattr(held, name) for name in SETTINGS}, ascii_only=True).decode()
    return Kept(presets.update(asked.preset_id, with_duration=with_duration, **settings), before)


def settings_of(sources: Sources, params: Mapping[str, Any]) -> Json:
    """Return the settings of a preset from what the controls hold: as a take would keep them, no seed drawn."""
    knobs = sources.vocabulary.knobs
    values = dict(params)
    for name, knob in knobs.items():
        if knob.control is not None and name in values:
            values[name] = _checked(knob.control, values[name])
    seed = seed_of(values)
    if "seed" in values:
        values["seed"] = seed
    kept = {name: value for name, value in snapshot(values, knobs).items() if is_kept(value)}
    positions = [kept[name] for name, knob in knobs.items() if name in kept and _is_position(name, knob.is_slider)]
    return {"params": kept, "slider_positions": positions or None, "n_components": len(positions), "seed": seed}


def _checked(control: Control, value: Any) -> Any:
    """Return a value as its control takes it, an empty seed as none. Raises `GeneratorError`."""
    fitted = control.fit(value)
    if fitted.clamped or not fitted.ok:
        raise GeneratorError("", fitted.reason)
    return fitted.value


def _is_position(name: str, is_slider: bool) -> bool:
    return is_slider and name != "seed" and name.casefold() not in DURATIONS


@contextlib.contextmanager
def _folder(presets: Presets, name: str) -> Iterator[str]:
    """Give a folder that there is: one that was typed anew is made, and gone again where what follows is refused."""
    label = name.strip()
    is_new = bool(label) and folded(label) not in {folded(known) for known in presets.folders()}
    if is_new:
        presets.create_folder(label)
    try:
        yield label
    except HistoryError:
        if is_new:
            with contextlib.suppress(HistoryError):
                presets.delete_folder(label)
        raise


# -- handlers ---------------------------------------------------------------------------------------------------------


def fetch_presets(desk: Desk, request: object) -> Json:
    """{} → {revision, presets, folders, built_in, model, can_save}; of the page's model and, marked so, of others."""
    read_object(request, ())
    sources = desk.sources
    revision = sources.presets.revision()  # before the list: a change in between is then seen as one
    return {
        "revision": revision,
        "presets": [preset_view(preset, sources) for preset in sources.presets.list_presets()],
        "folders": sources.presets.folders(),
        "built_in": [{"id": point.key, "name": sources.label_of(point)} for point in sources.starting_points()],
        "model": sources.model_id,
        "can_save": bool(sources.model_id and sources.vocabulary.knobs),
    }


def fetch_preset(desk: Desk, request: object) -> Json:
    """{id} → {id, name, values}: what the controls hold, as the browser has it, when the preset has been loaded."""
    source = desk.sources.find(read_id(read_object(request, ("id",))))
    values = source.fitted_to(desk.vocabulary.knobs).payloads
    return {"id": source.key, "name": desk.sources.label_of(source), "values": dict(values)}


def save_take_preset(desk: Desk, request: object) -> Json:
    """{id, name, folder, with_duration} → {preset}; keeps a take's settings."""
    given = read_object(request, NewPreset.FIELDS)
    entry = desk.entry(read_id(given))
    asked = read_new_preset(given)
    duration = bool(asked.with_duration)
    with _folder(desk.sources.presets, asked.folder) as folder:
        return _told(desk, desk.history.save_preset(entry.entry_id, asked.name, folder=folder, with_duration=duration))


def revert_preset(desk: Desk, request: object) -> Json:
    """{id, before} → {preset}; takes back what saving over a preset changed."""
    given = read_object(request, ("id", "before"))
    text = read_text(given.get("before"), "before", _SETTINGS_CHARACTERS)
    try:
        before = loads(text)
    except ValueError as error:
        raise BadRequest("before must be what saving answered.") from error
    settings = read_object(before, SETTINGS)
    return _told(desk, desk.sources.presets.update(read_id(given), with_duration=True, **settings))


def rename_preset(desk: Desk, request: object) -> Json:
    """{id, name} → {preset}."""
    given = read_object(request, ("id", "name"))
    return _told(desk, desk.sources.presets.rename(read_id(given), read_text(given.get("name"), "name")))


def move_preset(desk: Desk, request: object) -> Json:
    """{id, folder} → {preset}; a folder that there is not is made, the empty text is the top level."""
    given = read_object(request, ("id", "folder"))
    presets = desk.sources.presets
    with _folder(presets, read_text(given.get("folder"), "folder")) as folder:
        return _told(desk, presets.move(read_id(given), folder))


def duplicate_preset(desk: Desk, request: object) -> Json:
    """{id} → {preset}; the copy."""
    return _told(desk, desk.sources.presets.duplicate(read_id(read_object(request, ("id",)))))


def remove_preset(desk: Desk, request: object) -> Json:
    """{id} → {removed}; it can be brought back."""
    return {"removed": desk.sources.presets.delete(read_id(read_object(request, ("id",))))}


def bring_back_preset(desk: Desk, request: object) -> Json:
    """{id} → {preset}; under another name where its own was taken meanwhile."""
    return _told(desk, desk.sources.presets.restore(read_id(read_object(request, ("id",)))))


def make_folder(desk: Desk, request: object) -> Json:
    """{name} → {folder}; as it is kept."""
    name = read_text(read_object(request, ("name",)).get("name"), "name")
    return {"folder": desk.sources.presets.create_folder(name)}


def rename_folder(desk: Desk, request: object) -> Json:
    """{folder, name} → {folder}; as it is kept."""
    given = read_object(request, ("folder", "name"))
    folder, name = read_text(given.get("folder"), "folder"), read_text(given.get("name"), "name")
    return {"folder": desk.sources.presets.rename_folder(folder, name)}


def remove_folder(desk: Desk, request: object) -> Json:
    """{folder} → {moved}; which presets came to the top level, as {id, name} with the names they had in it."""
    folder = read_text(read_object(request, ("folder",)).get("folder"), "folder")
    presets = desk.sources.presets
    within = presets.list_presets(folder=folder) if folder else []
    presets.delete_folder(folder)
    return {"moved": [{"id": preset.preset_id, "name": preset.name} for preset in within]}


def bring_back_folder(desk: Desk, request: object) -> Json:
    """{folder, moved} → {moved}; a deleted folder again, with those of its presets that are still there: how many."""
    given = read_object(request, ("folder", "moved"))
    presets, back = desk.sources.presets, 0
    wanted = read_list(given.get("moved"), "moved", MOST_PRESETS, _read_moved)
    with _folder(presets, read_name(given.get("folder"), "folder")) as folder:
        for preset_id, name in wanted:
            with contextlib.suppress(PresetNotFound):
                presets.move(preset_id, folder)
                back += 1
                with contextlib.suppress(InvalidPreset):  # its name was taken meanwhile: it keeps the one it has
                    presets.rename(preset_id, name)
    return {"moved": back}


def _read_moved(value: object) -> tuple[str, str]:
    given = read_object(value, ("id", "name"))
    return read_id(given), read_name(given.get("name"), "name")


def export_presets(desk: Desk, request: object) -> Json:
    """{id} or {folder} or {} → {text, name}: JSON text, and what to call the file."""
    given = read_object(request, ("id", "folder"))
    presets = desk.sources.presets
    if given.get("id") is not None:
        preset_id = read_id(given)
        text = presets.export_presets(preset_id)
        preset = presets.get(preset_id)
        called = preset.name if preset else ""
    elif given.get("folder") is not None:
        called = read_text(given["folder"], "folder")
        text = presets.export_presets(folder=called)
    else:
        text, called = presets.export_presets(), ""
    stem = file_name_of(called, "all").removesuffix(".wav")
    return {"text": text, "name": f"{stem} presets.json" if called else "presets.json"}


def import_presets(desk: Desk, request: object) -> Json:
    """{text} → {presets}; as they are kept: all of an exported text, or none."""
    text = read_text(read_object(request, ("text",)).get("text"), "text", LARGEST_IMPORT)
    return {"presets": [preset_view(preset, desk.sources) for preset in desk.sources.presets.import_presets(text)]}


def _told(desk: Desk, preset: Preset) -> Json:
    return {"preset": preset_view(preset, desk.sources)}


def used_presets(desk: Desk) -> list[Json]:
    """Return the presets that takes came from, as filters: {value, label, count}. One that is gone is named by a take."""
    names = _names(desk)
    return [
        {
            "value": facet.value,
            "label": names.get(facet.value) or _name_in_take(desk, facet.value),
            "count": facet.count,
        }
        for facet in desk.history.used_presets()
    ]


def _names(desk: Desk) -> dict[str, str]:
    presets = desk.sources.presets
    try:
        return {
            preset.preset_id: preset.name for preset in [*presets.list_presets(), *presets.list_presets(deleted=True)]
        }
    except HistoryError:
        return {}


def _name_in_take(desk: Desk, preset_id: str) -> str:
    takes = desk.history.list_entries(preset_id=preset_id, limit=1)
    return takes[0].preset_name if takes else preset_id


def presets_revision(desk: Desk) -> str | None:
    """Return a text that changes with the presets; None while they are out of reach."""
    try:
        return desk.sources.presets.revision()
    except HistoryError:
        return None


PRESET_HANDLERS: tuple[Handler, ...] = (
    fetch_presets,
    fetch_preset,
    save_take_preset,
    revert_preset,
    rename_preset,
    move_preset,
    duplicate_preset,
    remove_preset,
    bring_back_preset,
    make_folder,
    rename_folder,
    remove_folder,
    bring_back_folder,
    export_presets,
    import_presets,
)
