"""Presets: settings under a name, saved from the controls or a take, in folders, beside the history.

>>> from store import Presets
>>> presets = Presets(getfixture("tmp_path"))
>>> bell = presets.save("Glass bell", model_id="synth", model_name="Synth", params={"brightness": 3, "duration": 8})
>>> presets.duplicate(bell.preset_id).name, bell.params
('Glass bell copy', {'brightness': 3})
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from msgspec.structs import replace as with_fields

from store.entry import HistoryEntry, new_id, now, parse_time_us
from store.errors import InvalidPreset, StoreUnavailable, shown
from store.preset import (
    FIELDS,
    SETTINGS,
    Preset,
    checked_fields,
    checked_flag,
    checked_folder,
    checked_label,
    from_document,
    order,
    without_duration,
)
from store.presets_file import PresetsFile
from store.shelf import MOST_PRESETS, Shelf
from store.values import MAX_BYTES, MAX_LISTS, Json, brackets, encode, loads

T = TypeVar("T")
EXPORT_VERSION = 1
EXPORTED = tuple(name for name in Preset.__struct_fields__ if name not in ("deleted_at", "extra"))


class Presets:
    """The presets of one history's folder: `presets.json`, and a second copy of it.

    Nothing is made before the first preset is saved. What was found damaged is told by `problems`. Methods may be called
    from any thread, and several processes may use one folder at once. Every change is on the disk when its method
    returns; those that raise have changed nothing, except for `CommitUncertain`: there the change is seen, and a power cut
    leaves all of it or nothing of it. All raise `StoreUnavailable` where the folder cannot be used and `UnsupportedVersion`
    where a newer program wrote the file, which is left alone.
    """

    def __init__(self, directory: str | Path) -> None:
        try:
            root = Path(directory).expanduser().absolute()
        except RuntimeError as error:  # ~ of a user that there is not
            raise StoreUnavailable(Path(directory), str(error)) from error
        if "\0" in str(root):
            raise StoreUnavailable(root, "no folder's name can hold NUL")
        self._file = PresetsFile(root)

    @property
    def problems(self) -> tuple[str, ...]:
        """What was found damaged and set aside or written anew, in words."""
        return tuple(self._file.notes)

    # -- asking -----------------------------------------------------------------------------------------------------

    def get(self, preset_id: str) -> Preset | None:
        """Return the preset with this id, deleted or not; None where there is none."""
        return self._file.read().get(preset_id)

    def list_presets(
        self, model_id: str | None = None, folder: str | None = None, deleted: bool = False
    ) -> list[Preset]:
        """Return presets by folder, the top level first, and by name; the deleted ones instead, the last deleted first.

        `folder` is a folder's name, the empty text the top level, None all of them. Raises `InvalidPreset` for a folder that
        there is not.
        """
        shelf = self._file.read()
        place = None if folder is None else shelf.folder_named(checked_folder("folder", folder))
        found = [
            preset
            for preset in shelf.presets
            if preset.deleted == deleted and model_id in (None, preset.model_id) and place in (None, preset.folder)
        ]
        if deleted:
            return sorted(found, key=lambda preset: preset.deleted_at or "", reverse=True)
        return sorted(found, key=order)

    def folders(self) -> list[str]:
        """Return the names of the folders, sorted, empty ones too."""
        return list(self._file.read().folders)

    def revision(self) -> str:
        """Return a text that changes whenever any process changes the presets; microseconds."""
        return self._file.revision()

    # -- saving -----------------------------------------------------------------------------------------------------

    def save(
        self,
        name: str,
        *,
        model_id: str,
        model_name: str,
        params: Any = None,
        slider_positions: Any = None,
        n_components: int = 0,
        seed: int | None = None,
        folder: str = "",
        entry_id: str | None = None,
        with_duration: bool = False,
    ) -> Preset:
        """Keep settings under a name that no other preset of this model has in the folder.

        Parameters that say how long a take is are left out unless `with_duration` is on. Raises `InvalidPreset`, naming what
        does not fit.
        """
        fields = checked_fields(
            {
                "name": name,
                "folder": folder,
                "model_id": model_id,
                "model_name": model_name,
                "params": params,
                "slider_positions": slider_positions,
                "n_components": n_components,
                "seed": seed,
                "entry_id": entry_id,
            }
        )
        if not checked_flag("with_duration", with_duration):
            fields["params"] = without_duration(fields["params"])
        moment = now()
        preset = Preset(**fields, preset_id=new_id(), created_at=moment, changed_at=moment)

        def put(shelf: Shelf) -> tuple[Shelf, Preset]:
            placed = with_fields(preset, folder=shelf.folder_named(preset.folder))
            return shelf.put(placed), placed

        return self._change(put, preset.preset_id)

    def save_take(self, entry: HistoryEntry, name: str, *, folder: str = "", with_duration: bool = False) -> Preset:
        """Keep the settings of a take under a name. Raises `InvalidPreset`."""
        settings = {field: getattr(entry, field) for field in SETTINGS}
        return self.save(
            name,
            model_id=entry.model_id,
            model_name=entry.model_name,
            entry_id=entry.entry_id,
            folder=folder,
            with_duration=with_duration,
            **settings,
        )

    # -- changing ---------------------------------------------------------------------------------------------------

    def update(self, preset_id: str, *, with_duration: bool = False, **settings: Any) -> Preset:
        """Let a preset hold other `params`, `slider_positions`, `n_components` or `seed`; what is not given stays.

        Raises `PresetNotFound`, `InvalidPreset`.
        """
        for name in settings.keys() - set(SETTINGS):
            raise InvalidPreset(name, f"cannot be changed so; what can: {', '.join(SETTINGS)}")
        fields = checked_fields(settings)
        if "params" in fields and not checked_flag("with_duration", with_duration):
            fields["params"] = without_duration(fields["params"])
        return self._edit(preset_id, lambda _shelf, _preset: fields)

    def rename(self, preset_id: str, name: str) -> Preset:
        """Give a preset another name. Raises `PresetNotFound`, and `InvalidPreset` where the name is taken or cannot be."""
        label = checked_label("name", name)
        return self._edit(preset_id, lambda _shelf, _preset: {"name": label})

    def move(self, preset_id: str, folder: str) -> Preset:
        """Move a preset into a folder, or with the empty text to the top level. Raises `PresetNotFound`, `InvalidPreset`."""
        place = checked_folder("folder", folder)
        return self._edit(preset_id, lambda shelf, _preset: {"folder": shelf.folder_named(place)})

    def duplicate(self, preset_id: str) -> Preset:
        """Make a second preset beside one, called "name copy", "name copy 2", … Raises `PresetNotFound`."""
        copy_id, moment = new_id(), now()

        def put(shelf: Shelf) -> tuple[Shelf, Preset]:
            copy = with_fields(shelf.find(preset_id), preset_id=copy_id, created_at=moment, changed_at=moment)
            copy = with_fields(copy, name=shelf.copy_name(copy))
            return shelf.put(copy), copy

        return self._change(put, copy_id)

    def delete(self, preset_id: str, permanent: bool = False) -> bool:
        """Delete a preset, or with `permanent` remove it for good; False where there is none.

        A deleted preset can be restored for 30 days; the first change of any preset after that removes it for good.
        """
        for_good = checked_flag("permanent", permanent)

        def take_away(shelf: Shelf) -> tuple[Shelf, bool]:
            preset = shelf.get(preset_id)
            if preset is None:
                return shelf, False
            if for_good:
                return shelf.without(preset_id), True
            moment = preset.deleted_at or now()
            return shelf.put(with_fields(preset, deleted_at=moment)), True

        return self._change(take_away, preset_id)

    def restore(self, preset_id: str) -> Preset:
        """Take back the deletion of a preset; it is called "name 2" where its name was taken meanwhile. Raises `PresetNotFound`."""

        def put_back(shelf: Shelf) -> tuple[Shelf, Preset]:
            preset = shelf.find(preset_id, deleted=True)
            if not preset.deleted:
                return shelf, preset
            back = with_fields(preset, deleted_at=None)
            back = with_fields(back, name=shelf.free_name(back))
            return shelf.put(back), back

        return self._change(put_back, preset_id)

    # -- folders ----------------------------------------------------------------------------------------------------

    def create_folder(self, name: str) -> str:
        """Make a folder; return its name as it is kept. Raises `InvalidPreset`."""
        label = checked_label("folder", name)
        self._change(lambda shelf: (shelf.with_folder(label), label), label, "folder")
        return label

    def rename_folder(self, name: str, new_name: str) -> str:
        """Give a folder another name; its presets stay in it. Return the name as it is kept. Raises `InvalidPreset`."""
        old, label = checked_label("folder", name), checked_label("folder", new_name)
        self._change(lambda shelf: (shelf.with_folder_renamed(old, label), label), label, "folder")
        return label

    def delete_folder(self, name: str) -> None:
        """Delete a folder; its presets come to the top level, under "name 2" where a name is taken. Raises `InvalidPreset`."""
        old = checked_label("folder", name)
        self._change(lambda shelf: (shelf.without_folder(old), None), old, "folder")

    # -- export and import ------------------------------------------------------------------------------------------

    def export_presets(
        self, preset_id: str | None = None, *, folder: str | None = None, model_id: str | None = None
    ) -> str:
        """Return presets as JSON text that `import_presets` reads: one, those of a folder or a model, or all.

        Raises `PresetNotFound`, and `InvalidPreset` for a folder that there is not.
        """
        one = None if preset_id is None else self._file.read().find(preset_id)
        chosen = [one] if one else self.list_presets(model_id, folder)
        presets = [{**preset.extra, **{name: getattr(preset, name) for name in EXPORTED}} for preset in chosen]
        document = encode({"retake_presets": EXPORT_VERSION, "presets": presets})
        try:
            text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
            text.encode("utf-8")
        except UnicodeEncodeError:  # a lone surrogate can be written as an escape only
            text = json.dumps(document, indent=2, allow_nan=False)
        return text + "\n"

    def import_presets(self, text: str | bytes) -> list[Preset]:
        """Add the presets of an exported text, all or none; return them as they are kept.

        Nothing is overwritten: a name that is taken becomes "name 2", an id that is known a new one. Folders are made where
        there are none of their names. Raises `InvalidPreset` for a text that is no export, too large, or of a newer program.
        """
        imported = [_imported(document) for document in _exported(text)]
        return self._change(lambda shelf: shelf.with_all(imported), "import")

    # -- care -------------------------------------------------------------------------------------------------------

    def make_whole(self) -> None:
        """Write the file and its second copy anew where one is damaged, missing or older; the damaged one is set aside."""
        self._file.make_whole()

    def _edit(self, preset_id: str, fields: Callable[[Shelf, Preset], dict[str, Json]]) -> Preset:
        def put(shelf: Shelf) -> tuple[Shelf, Preset]:
            preset = shelf.find(preset_id)
            edited = with_fields(preset, **fields(shelf, preset))
            if edited == preset:
                return shelf, preset
            edited = with_fields(edited, changed_at=now())
            return shelf.put(edited), edited

        return self._change(put, preset_id)

    def _change(self, act: Callable[[Shelf], tuple[Shelf, T]], named: str, what: str = "preset") -> T:
        """Change the shelf; whatever changes it also removes what was deleted too long ago."""

        def and_tidy(shelf: Shelf) -> tuple[Shelf, T]:
            after, result = act(shelf)
            return (after if after == shelf else after.without_expired(parse_time_us(now()))), result

        return self._file.change(and_tidy, named, what)


def _exported(text: str | bytes) -> list[Json]:
    """Return the presets that a text holds, unchecked. Raises `InvalidPreset`."""
    if not isinstance(text, str | bytes):
        raise InvalidPreset("import", f"must be text, not {type(text).__name__}")
    if len(text) > MAX_BYTES:
        raise InvalidPreset("import", f"is over {MAX_BYTES:,} bytes")
    if brackets(text) > MAX_LISTS:
        raise InvalidPreset("import", f"holds more than {MAX_LISTS:,} lists and objects")
    try:
        document = loads(text)
    except ValueError as error:
        raise InvalidPreset("import", "is not JSON") from error
    version = document.get("retake_presets") if isinstance(document, dict) else None
    if type(version) is not int or version < 1:
        raise InvalidPreset("import", "is not a text that presets were exported to")
    if version > EXPORT_VERSION:
        raise InvalidPreset(
            "import", f"has version {shown(version)}; this program reads up to version {EXPORT_VERSION}"
        )
    presets = document.get("presets")
    if not isinstance(presets, list) or len(presets) > MOST_PRESETS:
        raise InvalidPreset("import", f"must hold a list of at most {MOST_PRESETS:,} presets")
    return presets


def _imported(document: Json) -> Preset:
    """Read one preset of an exported text. Raises `InvalidPreset`."""
    if not isinstance(document, dict):
        raise InvalidPreset("import", f"holds a {type(document).__name__} where a preset must be")
    moment = now()
    given = {"preset_id": "", "created_at": moment, "changed_at": moment, **document, "deleted_at": None}
    preset = from_document(given)
    names = ("name", "folder", "model_id", "model_name", "entry_id", *SETTINGS)
    fields = checked_fields({name: getattr(preset, name) for name in names})
    extra = {name: value for name, value in preset.extra.items() if name not in FIELDS}
    return with_fields(preset, **fields, extra=checked_fields(extra))
