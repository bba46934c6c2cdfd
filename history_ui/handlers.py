"""What the page can ask: plain functions from a desk and a request (plain JSON) to plain JSON."""

from __future__ import annotations

import base64
from typing import Any

from history_ui import view, words
from history_ui.comparing import COMPARING, told_votes
from history_ui.desk import Desk, Handler, Json, trouble_of
from history_ui.errors import AudioMissing
from history_ui.media import file_name_of
from history_ui.presets import PRESET_HANDLERS, presets_revision, used_presets
from history_ui.request import (
    LARGEST_PAGE,
    Filters,
    read_changes,
    read_filters,
    read_flag,
    read_id,
    read_int,
    read_object,
    read_queries,
    read_sort,
)
from history_ui.titles import title
from history_ui.unsaved import Unsaved
from store import EntryNotFound, HistoryEntry, HistoryError


def fetch_page(desk: Desk, request: object) -> Json:
    """{filters, sort, offset, limit} → {takes, total, revision}."""
    asked = read_object(request, ("filters", "sort", "offset", "limit"))
    filters = read_filters(asked.get("filters")).to_arguments()
    limit = read_int(asked.get("limit", 48), "limit", 1, LARGEST_PAGE)
    offset = read_int(asked.get("offset", 0), "offset", 0, 10**9)
    revision = desk.history.revision()  # before the list: a change in between is then seen as one
    entries = desk.history.list_entries(sort=read_sort(asked.get("sort")), offset=offset, limit=limit, **filters)
    total = desk.history.count(**filters)
    return {"takes": [desk.card(entry) for entry in entries], "total": total, "revision": revision}


def fetch_summary(desk: Desk, request: object) -> Json:
    """{} → {revision, folder, counts, size_bytes, deleted_bytes, models, tags, presets, problems}."""
    read_object(request, ())
    history = desk.history
    return {
        "revision": history.revision(),
        "folder": words.path_text(history.directory),
        "counts": {
            "all": history.count(),
            "favorites": history.count(favorite=True),
            "rated": history.count(min_rating=1),
            "to_check": history.count(to_check=True),
            "deleted": history.count(deleted=True),
        },
        "size_bytes": history.get_total_size(deleted=False),
        "deleted_bytes": history.get_total_size(deleted=True),
        "models": [_facet(facet) for facet in history.models()],
        "tags": [_facet(facet) for facet in history.tags()],
        "presets": used_presets(desk),
        "problems": list(history.problems),
    }


def _facet(facet: Any) -> Json:
    return {"value": facet.value, "label": facet.label, "count": facet.count}


def fetch_counts(desk: Desk, request: object) -> Json:
    """{queries} → {counts}, in the same order."""
    asked: list[Filters] = read_queries(read_object(request, ("queries",)).get("queries"))
    return {"counts": [desk.history.count(**filters.to_arguments()) for filters in asked]}


def fetch_take(desk: Desk, request: object) -> Json:
    """{id} → {card, entry, json, parameters, facts, format, quality_text, parent, votes}; `json` is the entry's exact text."""
    entry = desk.entry(read_id(read_object(request, ("id",))))
    return {
        "card": desk.card(entry),
        "entry": entry.to_dict(),
        "json": view.document_text(entry),
        "parameters": view.parameters(entry, desk.vocabulary),
        "facts": view.facts(entry),
        "format": view.format_text(entry),
        "quality_text": view.quality_text(entry),
        "parent": _parent(desk, entry),
        "votes": told_votes(desk, entry),
    }


def _parent(desk: Desk, entry: HistoryEntry) -> Json | None:
    parent = desk.history.get(entry.parent_id) if entry.parent_id else None
    if parent is None:
        return None
    title_text = view.title_of(parent, desk.vocabulary)
    return {"id": parent.entry_id, "title": title_text, "verdict": verdict(entry, parent)}


def verdict(entry: HistoryEntry, parent: HistoryEntry) -> str | None:
    """Say whether two takes are the same samples; None where one's hash is not known."""
    if not entry.audio_sha256 or not parent.audio_sha256:
        return None
    return "identical" if entry.audio_sha256 == parent.audio_sha256 else "different"


def fetch_spectrogram(desk: Desk, request: object) -> Json:
    """{id} → {image, duration_s, low_hz, high_hz}; the image is an alpha mask as a data URL."""
    entry = desk.entry(read_id(read_object(request, ("id",))))
    drawn = desk.history.spectrogram(entry.entry_id)
    if drawn is None:
        raise AudioMissing("The audio of this take is missing or cannot be read.")
    image = view.png_url(drawn)
    return {"image": image, "duration_s": entry.duration_s, "low_hz": 60, "high_hz": 10_000}


def poll_status(desk: Desk, request: object) -> Json:
    """{} → {revision, presets, building, trouble, jobs, failures, unsaved, unsaved_lost}. Cheap: the page asks every second.

    `building` is {done, total} while only the newest takes are listed, because a long history is being read.
    What is only in memory is told too while the history is out of reach, which `trouble` then says.
    """
    read_object(request, ())
    building = desk.history.building
    revision, trouble = _revision(desk)
    return {
        "revision": revision,
        "presets": presets_revision(desk),
        "building": None if building is None else {"done": building.done, "total": building.total},
        "trouble": trouble,
        "jobs": desk.jobs.to_list(),
        "failures": desk.jobs.failures(),
        "unsaved": [unsaved_view(desk, unsaved) for unsaved in reversed(desk.unsaved.to_list())],
        "unsaved_lost": desk.unsaved.lost,
    }


def _revision(desk: Desk) -> tuple[str | None, Json | None]:
    try:
        return desk.history.revision(), None
    except HistoryError as error:
        return None, trouble_of(desk.history, error)


def unsaved_view(desk: Desk, unsaved: Unsaved) -> Json:
    """Return what the gallery draws of a take that is only in memory."""
    take = unsaved.take
    return {
        "id": unsaved.id,
        "title": _unsaved_title(desk, unsaved),
        "kind": unsaved.kind,
        "reason": unsaved.reason,
        "seed": take.seed,
        "seed_text": view.seed_text(take.seed),
        "duration_s": take.duration_s,
        "time_s": unsaved.time_s,
        "model": take.model_name,
        "thumbnail": view.png_url(unsaved.thumbnail) if unsaved.thumbnail else None,
        "uncertain": unsaved.uncertain_id is not None,
    }


def _unsaved_title(desk: Desk, unsaved: Unsaved) -> str:
    take = unsaved.take
    names = desk.vocabulary.of(take.model_id)
    return title("", dict(take.params), take.origin.preset_name, take.model_name, names, take.origin.preset_id)


def change_take(desk: Desk, request: object) -> Json:
    """{id, changes} → {card}."""
    asked = read_object(request, ("id", "changes"))
    changes = read_changes(asked.get("changes"))
    return {"card": desk.card(desk.history.update_entry(read_id(asked), **changes))}


def remove_take(desk: Desk, request: object) -> Json:
    """{id, forever} → {removed}; to the trash, or for good."""
    asked = read_object(request, ("id", "forever"))
    forever = read_flag(asked.get("forever", False), "forever")
    return {"removed": desk.history.delete_entry(read_id(asked), permanent=forever)}


def bring_back(desk: Desk, request: object) -> Json:
    """{id} → {card}; out of the trash."""
    entry_id = read_id(read_object(request, ("id",)))
    desk.entry(entry_id)
    desk.history.restore_entry(entry_id)
    return {"card": desk.card(desk.entry(entry_id))}


def empty_trash(desk: Desk, request: object) -> Json:
    """{} → {removed}; deletes for good what was in the trash when it was asked."""
    read_object(request, ())
    doomed = desk.history.list_entries(deleted=True)
    return {"removed": sum(desk.history.delete_entry(entry.entry_id, permanent=True) for entry in doomed)}


def stop_job(desk: Desk, request: object) -> Json:
    """{id} → {stopped}."""
    return {"stopped": desk.jobs.stop(read_id(read_object(request, ("id",))))}


def retry_save(desk: Desk, request: object) -> Json:
    """{id} → {card, was_there}; saves a take that could not be saved, once, or finds it saved."""
    unsaved_id = read_id(read_object(request, ("id",)))
    saved = desk.keeper.retry(unsaved_id)
    if saved is None:
        raise EntryNotFound(unsaved_id)
    return {"card": desk.card(saved.entry), "was_there": saved.was_there}


def drop_unsaved(desk: Desk, request: object) -> Json:
    """{id} → {dropped}; forgets a take that could not be saved."""
    return {"dropped": desk.unsaved.drop(read_id(read_object(request, ("id",))))}


def fetch_unsaved(desk: Desk, request: object) -> Json:
    """{id} → {audio, name}: a take that could not be saved, as base64 of a WAV file."""
    unsaved_id = read_id(read_object(request, ("id",)))
    unsaved = desk.unsaved.get(unsaved_id)
    if unsaved is None:
        raise EntryNotFound(unsaved_id)
    name = file_name_of(_unsaved_title(desk, unsaved), "take")
    return {"audio": base64.b64encode(unsaved.take.wav()).decode(), "name": name}


HANDLERS: dict[str, Handler] = {
    handler.__name__: handler
    for handler in (
        fetch_page,
        fetch_summary,
        fetch_counts,
        fetch_take,
        fetch_spectrogram,
        poll_status,
        change_take,
        remove_take,
        bring_back,
        empty_trash,
        stop_job,
        retry_save,
        drop_unsaved,
        fetch_unsaved,
        *PRESET_HANDLERS,
        *COMPARING,
    )
}
