"""The named endpoints: what a program can ask the page for, through `gradio_client`.

Gradio describes them by their type hints, which are therefore values here, not texts.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Literal

import gradio as gr

from generators import Control
from history_ui.errors import BadRequest
from history_ui.panel import HistoryPanel
from history_ui.replay import replay
from history_ui.request import read_changes, read_id, read_int, read_sort, read_text
from history_ui.wire import LARGEST_INT_64, harmless, to_wire
from history_ui.words import path_text
from history_ui.work import Maker
from store import EntryNotFound, HistoryEntry, HistoryError

_LARGEST_LIST = 1_000

Json = dict[str, Any]


def add_endpoints(panel: HistoryPanel, generate: Callable[..., Any] | None = None) -> None:
    """Add the endpoints to the `gr.Blocks` being built; `/generate` where a recorded function is given."""
    endpoints = Endpoints(panel)
    for function in (
        endpoints.list_entries,
        endpoints.get_entry,
        endpoints.replay,
        endpoints.update_entry,
        endpoints.delete_entry,
        endpoints.restore_entry,
        endpoints.stats,
    ):
        gr.api(function, api_name=function.__name__, concurrency_limit=None)
    maker = panel.maker(generate) if generate is not None else None
    if maker is not None:
        gr.api(
            endpoints.generate_with(maker),
            api_name="generate",
            api_description=f"Make a take with {maker.generator.model_name}; answer its entry.",
            concurrency_limit=1,
            concurrency_id=f"retake-{maker.generator.model_id}",
        )


class Endpoints:
    """The functions behind the endpoints: plain values in, JSON out, every failure a `gr.Error` with a sentence."""

    def __init__(self, panel: HistoryPanel) -> None:
        self._panel = panel
        self._history = panel.history

    def list_entries(
        self,
        request: gr.Request,
        query: str = "",
        model_id: str = "",
        limit: int = 48,
        offset: int = 0,
        sort: str = "newest",
        deleted: bool = False,
        preset_id: str = "",
    ) -> Json:
        """List takes, newest first unless `sort` says oldest, longest or loudest; `total` counts them all."""

        def listed() -> Json:
            filters: dict[str, Any] = {
                "query": read_text(query, "query") or None,
                "model_id": read_text(model_id, "model_id") or None,
                "preset_id": read_text(preset_id, "preset_id") or None,
                "deleted": deleted is True,
            }
            entries = self._history.list_entries(
                sort=read_sort(sort),
                limit=read_int(limit, "limit", 0, _LARGEST_LIST),
                offset=read_int(offset, "offset", 0, 10**9),
                **filters,
            )
            return {"entries": [document(entry) for entry in entries], "total": self._history.count(**filters)}

        return self._answer(request, listed)

    def get_entry(self, request: gr.Request, entry_id: str) -> Json:
        """Answer one take's entry, deleted or not."""
        return self._answer(request, lambda: document(self._entry(entry_id)))

    def replay(self, request: gr.Request, entry_id: str) -> Json:
        """Answer a take's parameters, and a report of how they fit the controls of the page."""

        def replayed() -> Json:
            entry = self._entry(entry_id)
            done = replay(entry.params, entry.seed, self._panel.vocabulary.knobs)
            return {
                "entry_id": entry.entry_id,
                "params": entry.params,
                "controls": dict(done.payloads),
                "report": done.report.to_dict(),
            }

        return self._answer(request, replayed)

    def update_entry(
        self,
        request: gr.Request,
        entry_id: str,
        favorite: bool | None = None,
        rating: int | None = None,
        tags: list[str] | None = None,
        note: str | None = None,
        title: str | None = None,
    ) -> Json:
        """Change a take; what is null stays as it is, a rating of 0 takes the rating away."""
        given = {"favorite": favorite, "rating": rating, "tags": tags, "note": note, "title": title}
        changes = {name: value for name, value in given.items() if value is not None}

        def updated() -> Json:
            return document(self._history.update_entry(_id(entry_id), **read_changes(changes)))

        return self._answer(request, updated)

    def delete_entry(self, request: gr.Request, entry_id: str, permanent: bool = False) -> Json:
        """Move a take to the trash, or with `permanent` remove it for good; `deleted` is false where there is none."""

        def deleted() -> Json:
            return {"deleted": self._history.delete_entry(_id(entry_id), permanent=permanent is True)}

        return self._answer(request, deleted)

    def restore_entry(self, request: gr.Request, entry_id: str) -> Json:
        """Take a take out of the trash; answer its entry."""

        def restored() -> Json:
            self._history.restore_entry(_id(entry_id))
            return document(self._entry(entry_id))

        return self._answer(request, restored)

    def stats(self, request: gr.Request) -> Json:
        """Answer how many takes there are, their size, models and tags."""

        def counted() -> Json:
            history = self._history
            return {
                "folder": path_text(history.directory),
                "count": history.count(),
                "favorites": history.count(favorite=True),
                "deleted": history.count(deleted=True),
                "size_bytes": history.get_total_size(deleted=False),
                "deleted_bytes": history.get_total_size(deleted=True),
                "models": {facet.value: facet.count for facet in history.models()},
                "tags": {facet.value: facet.count for facet in history.tags()},
            }

        return self._answer(request, counted)

    def generate_with(self, maker: Maker) -> Callable[..., Any]:
        """Return the function of `/generate`: its named parameters are the generator's controls."""
        panel, names = self._panel, [control.name for control in maker.generator.controls]

        async def generate(request: gr.Request, *values: Any) -> Json:
            panel.admit(request)
            params = dict(zip(names, values, strict=True))
            ids: list[str] = []
            async for message in panel.events().generate(maker, params, 1, request):
                if "error" in message:
                    raise gr.Error(
                        message["error"]["message"] or message["error"].get("type", ""), print_exception=False
                    )
                ids += message.get("ids", ())
            if not ids:
                raise gr.Error("The generation was stopped.", print_exception=False)
            return self._answer(request, lambda: document(self._entry(ids[0])))

        return _with_parameters(generate, {control.name: control for control in maker.generator.controls})

    def _answer(self, request: gr.Request, act: Callable[[], Json]) -> Json:
        self._panel.admit(request)
        try:
            answered: Json = harmless(to_wire(act(), largest_int=LARGEST_INT_64))
        except (BadRequest, HistoryError) as error:
            raise gr.Error(str(error), print_exception=False) from error
        return answered

    def _entry(self, entry_id: str) -> HistoryEntry:
        entry = self._history.get(_id(entry_id))
        if entry is None:
            raise EntryNotFound(entry_id)
        return entry


def _id(entry_id: str) -> str:
    return read_id({"id": entry_id})


def document(entry: HistoryEntry) -> Json:
    """Return an entry as a JSON object under its field names."""
    return entry.to_dict()


def _with_parameters(function: Callable[..., Any], controls: Mapping[str, Control]) -> Callable[..., Any]:
    """Give a function that takes `*values` one named parameter for each control, for Gradio to read."""
    hints = {name: _hint(control) for name, control in controls.items()}
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter("request", kind, annotation=gr.Request)]
    parameters += [
        inspect.Parameter(name, kind, default=_default(control), annotation=hints[name])
        for name, control in controls.items()
    ]
    function.__signature__ = inspect.Signature(parameters, return_annotation=Json)  # type: ignore[attr-defined]
    function.__annotations__ = {"request": gr.Request, **hints, "return": Json}
    return function


def _default(control: Control) -> Any:
    return inspect.Parameter.empty if control.required else control.default


def _hint(control: Control) -> Any:
    """Return the type of a control's values, as Gradio describes parameters."""
    if control.kind == "dropdown" and control.choices:
        hint: Any = Literal[tuple(value for _, value in control.choices)]
    elif control.kind == "seed":
        hint = int
    elif control.kind in ("slider", "number"):
        hint = int if control.integer else float
    else:
        hint = {"checkbox": bool, "text": str}.get(control.kind, Any)
    return hint | None if control.default is None and hint is not Any else hint
