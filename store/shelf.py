"""A shelf: all presets and their folders, and what can be done to them. Nothing here knows of files."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from msgspec.structs import replace as with_fields

from store.entry import new_id, parse_time_us
from store.errors import InvalidPreset, PresetNotFound
from store.media import is_uuid
from store.preset import MOST_CHARACTERS, Preset, checked_size, folded, from_document, natural
from store.values import Json

MOST_PRESETS, MOST_FOLDERS = 2_000, 200
KEPT_DELETED_US = timedelta(days=30) // timedelta(microseconds=1)
"""A deleted preset can be restored for 30 days; the first change after that removes it for good."""


@dataclass(frozen=True)
class Shelf:
    """Presets, in the order they were saved, deleted ones too; the names of folders; and what is kept without being read.

    `strangers` are objects of a file that are no presets as this program knows them: they are written back as they are.
    """

    presets: tuple[Preset, ...] = ()
    folders: tuple[str, ...] = ()
    strangers: tuple[dict[str, Json], ...] = ()

    # -- asking -----------------------------------------------------------------------------------------------------

    def get(self, preset_id: object) -> Preset | None:
        """Return the preset with this id, deleted or not."""
        return next((preset for preset in self.presets if preset.preset_id == preset_id), None)

    def find(self, preset_id: str, deleted: bool = False) -> Preset:
        """Return a preset that can be changed. Raises `PresetNotFound`, also for a deleted one unless `deleted` is on."""
        preset = self.get(preset_id)
        if preset is None or (preset.deleted and not deleted):
            raise PresetNotFound(preset_id)
        return preset

    def folder_named(self, name: str) -> str:
        """Return a folder as it is written, found whatever the case; the empty name is the top level.

        Raises `InvalidPreset` where there is none.
        """
        if name == "":
            return name
        for folder in self.folders:
            if folded(folder) == folded(name):
                return folder
        raise InvalidPreset("folder", f"there is no folder {name!r}")

    def free_name(self, preset: Preset) -> str:
        """Return the preset's name where it is free in its place, or the first free one of "name 2", "name 3", …"""
        return _free_name(preset, self._places(preset.preset_id))

    def copy_name(self, preset: Preset) -> str:
        """Return the first free one of "name copy", "name copy 2", …"""
        return _free_name(preset, self._places(preset.preset_id), " copy")

    def _places(self, apart_from: str) -> set[tuple[str, str, str]]:
        return {one.place for one in self.presets if not one.deleted and one.preset_id != apart_from}

    # -- changing: each returns another shelf -----------------------------------------------------------------------

    def put(self, preset: Preset) -> Shelf:
        """Put a preset in place of the one with its id, or behind the last.

        Raises `InvalidPreset` where another of its model and folder has its name, where it is too large, or the shelf full.
        """
        if not preset.deleted and preset.place in self._places(preset.preset_id):
            where = f"the folder {preset.folder!r}" if preset.folder else "the top level"
            raise InvalidPreset("name", f"{preset.name!r} is taken in {where}", preset.preset_id)
        checked_size(preset)
        if self.get(preset.preset_id) is not None:
            return self._with(one if one.preset_id != preset.preset_id else preset for one in self.presets)
        return self._with((*self.presets, preset))._of_allowed_size()

    def with_all(self, presets: Iterable[Preset]) -> tuple[Shelf, list[Preset]]:
        """Put presets behind the last, each under a free name and an id of its own, in folders made where there are none.

        Return them as they are then. Raises `InvalidPreset`.
        """
        shelf, kept = self, []
        taken, ids = self._places(""), {preset.preset_id for preset in self.presets}
        for preset in presets:
            preset_id = preset.preset_id if is_uuid(preset.preset_id) and preset.preset_id not in ids else new_id()
            shelf = shelf.with_folder_named(preset.folder) if preset.folder else shelf
            placed = with_fields(preset, preset_id=preset_id, folder=shelf.folder_named(preset.folder))
            placed = checked_size(with_fields(placed, name=_free_name(placed, taken)))
            taken.add(placed.place)
            ids.add(preset_id)
            kept.append(placed)
        return shelf._with((*shelf.presets, *kept))._of_allowed_size(), kept

    def _of_allowed_size(self) -> Shelf:
        shelf = self
        while len(shelf.presets) > MOST_PRESETS:
            shelf = shelf._without_oldest_deleted()
        return shelf

    def _without_oldest_deleted(self) -> Shelf:
        deleted = [preset for preset in self.presets if preset.deleted]
        if not deleted:
            raise InvalidPreset("presets", f"are {MOST_PRESETS:,} already, the most there can be")
        return self.without(min(deleted, key=lambda preset: preset.deleted_at or "").preset_id)

    def without(self, preset_id: str) -> Shelf:
        """Take a preset away for good."""
        return self._with(preset for preset in self.presets if preset.preset_id != preset_id)

    def without_expired(self, moment_us: int) -> Shelf:
        """Take away for good what was deleted over 30 days before a moment (microseconds since 1970)."""
        last = moment_us - KEPT_DELETED_US
        return self._with(preset for preset in self.presets if not 0 < _deleted_us(preset) < last)

    def with_folder(self, name: str) -> Shelf:
        """Make a folder. Raises `InvalidPreset` where there is one of that name, or there are too many."""
        self._require_free_folder(name)
        if len(self.folders) >= MOST_FOLDERS:
            raise InvalidPreset("folder", f"there are {MOST_FOLDERS} already, the most there can be")
        return replace(self, folders=tuple(sorted((*self.folders, name), key=natural)))

    def with_folder_named(self, name: str) -> Shelf:
        """Make a folder where there is none of that name."""
        try:
            self.folder_named(name)
        except InvalidPreset:
            return self.with_folder(name)
        return self

    def with_folder_renamed(self, name: str, new_name: str) -> Shelf:
        """Rename a folder, its presets with it. Raises `InvalidPreset`."""
        old = self.folder_named(name)
        if old == "":
            raise InvalidPreset("folder", "the top level has no name")
        if folded(new_name) != folded(old):
            self._require_free_folder(new_name)
        folders = sorted((new_name if folder == old else folder for folder in self.folders), key=natural)
        return replace(self._moved(old, new_name), folders=tuple(folders))

    def without_folder(self, name: str) -> Shelf:
        """Take a folder away; its presets, deleted ones too, come to the top level, under free names. Raises `InvalidPreset`."""
        old = self.folder_named(name)
        if old == "":
            raise InvalidPreset("folder", "the top level cannot be deleted")
        moved = replace(self, folders=tuple(folder for folder in self.folders if folder != old))
        for preset in self.presets:
            if preset.folder == old:
                outside = with_fields(preset, folder="")
                name = outside.name if outside.deleted else moved.free_name(outside)
                moved = moved.put(with_fields(outside, name=name))
        return moved

    def _require_free_folder(self, name: str) -> None:
        if any(folded(folder) == folded(name) for folder in self.folders):
            raise InvalidPreset("folder", f"there is a folder {name!r} already")

    def _moved(self, old: str, new: str) -> Shelf:
        return self._with(
            with_fields(preset, folder=new) if preset.folder == old else preset for preset in self.presets
        )

    def _with(self, presets: Iterable[Preset]) -> Shelf:
        return replace(self, presets=tuple(presets))

    # -- documents --------------------------------------------------------------------------------------------------

    def to_documents(self) -> list[dict[str, Json]]:
        """Return what a file holds of it, beside the names of the folders."""
        return [*(preset.to_document() for preset in self.presets), *self.strangers]


def from_documents(documents: Iterable[dict[str, Json]], folders: Iterable[str]) -> Shelf:
    """Read a shelf from what a file holds; a folder that only a preset names is there too."""
    presets: dict[str, Preset] = {}
    strangers: list[dict[str, Json]] = []
    for document in documents:
        preset = _preset_or_none(document)
        if preset is None or preset.preset_id in presets:
            strangers.append(document)
        else:
            presets[preset.preset_id] = preset
    named = dict.fromkeys([*folders, *(preset.folder for preset in presets.values() if preset.folder)])
    return Shelf(tuple(presets.values()), tuple(sorted(named, key=natural)), tuple(strangers))


def _free_name(preset: Preset, taken: set[tuple[str, str, str]], first_ending: str = "") -> str:
    """Return the first of "name", "name 2", "name 3", … (each with an ending behind the name) that is not taken."""
    endings = itertools.chain([first_ending], (f"{first_ending} {number}" for number in itertools.count(2)))
    names = (preset.name[: MOST_CHARACTERS - len(ending)].rstrip() + ending for ending in endings)
    return next(name for name in names if (preset.model_id, folded(preset.folder), folded(name)) not in taken)


def _deleted_us(preset: Preset) -> int:
    """Return when a preset was deleted; 0 where it was not, or where the time cannot be read."""
    return parse_time_us(preset.deleted_at or "")


def _preset_or_none(document: dict[str, Any]) -> Preset | None:
    try:
        return from_document(document)
    except InvalidPreset:
        return None
