"""The route that serves the takes' audio and its peaks and nothing else, behind an address that only the page knows."""

from __future__ import annotations

import os
import re
import secrets
import stat
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

from anyio.to_thread import run_sync
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from history_ui.errors import AudioMissing, ForeignRequest
from history_ui.guard import HostPolicy, check_request
from history_ui.login import is_logged_in
from history_ui.peaks import MOST_COLUMNS, Peaks
from history_ui.titles import Vocabulary
from history_ui.view import title_of
from store import GenerationHistory, HistoryEntry, HistoryError

PREFIX = "/retake/media"
_CACHE = "private, max-age=3600"
_CACHE_FOREVER = "private, max-age=31536000, immutable"
_UNFIT_FOR_NAMES = re.compile(r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|\ud800-\udfff]+')
_NAME_CHARACTERS = 80
_PLAIN_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*")
_HASH = re.compile(r"[0-9a-f]+")
_SMALL_NUMBER = re.compile(r"[0-9]{1,6}")
_UNSNIFFED = {"x-content-type-options": "nosniff"}


class Media:
    """Serves the audio of one history under `/retake/media/<panel>/<token>/<entry id>.wav`, with ranges.

    Beside it, under `<entry id>.peaks?columns=<1 to 4,000>`, are the exact peaks that the page draws: bytes as
    `history_ui.peaks.to_bytes` writes them. They are no server function, since a page must be able to give up waiting.

    A route beside Gradio's own stands outside its login and, in a host's app, outside any guard: so it looks at both
    itself. The token, drawn anew for every process, is known only to pages that were served here.
    """

    def __init__(
        self, history: GenerationHistory, vocabulary: Callable[[], Vocabulary], policy: HostPolicy | None = None
    ) -> None:
        self._history = history
        self._vocabulary = vocabulary
        self._policy = policy or HostPolicy()
        self._peaks = Peaks(history)
        self._token = secrets.token_urlsafe(24)
        self.prefix = f"{PREFIX}/{secrets.token_hex(4)}"  # several panels may stand on one page

    def url(self, entry: HistoryEntry) -> str:
        """Return the address of a take's audio, from the root of the server."""
        return f"{self.prefix}/{self._token}/{_name_of(entry.entry_id)}.wav"

    def route(self) -> Route:
        """Return the Starlette route for `launch(app_kwargs={"routes": [...]})`."""
        return Route(f"{self.prefix}/{{token}}/{{name}}", self._serve, methods=["GET", "HEAD"])

    def add_route(self, app: Any) -> None:
        """Give a running Gradio app the route, where it does not have it yet: its launch was its host's own."""
        routes = getattr(getattr(app, "router", None), "routes", None)
        if routes is not None and not any(getattr(route, "endpoint", None) == self._serve for route in routes):
            routes.insert(0, self.route())

    async def _serve(self, request: Request) -> Response:
        token, name = request.path_params["token"], request.path_params["name"]
        try:
            check_request(request, self._policy)
        except ForeignRequest as error:
            return PlainTextResponse(f"{error}\n", status_code=403)
        if not is_logged_in(request.scope):
            return PlainTextResponse("Log in first.\n", status_code=401)
        stem, _, kind = name.rpartition(".")
        if not secrets.compare_digest(token.encode(), self._token.encode()) or kind not in ("wav", "peaks"):
            return _not_found()
        found = await run_sync(self._find, _id_of(stem))
        if found is None:
            return _not_found()
        entry, path, status = found
        return await self._peaks_of(entry, request) if kind == "peaks" else self._audio(entry, path, status, request)

    def _audio(self, entry: HistoryEntry, path: Path, status: os.stat_result, request: Request) -> Response:
        headers = {"etag": _etag(entry, status), "cache-control": _CACHE, **_UNSNIFFED}
        if _not_modified(request.headers, headers["etag"]):
            return Response(status_code=304, headers=headers)
        return _Sound(
            path,
            headers=headers,
            media_type="audio/wav",
            stat_result=status,
            filename=file_name_of(title_of(entry, self._vocabulary()), entry.entry_id)
            if "download" in request.query_params
            else None,
        )

    async def _peaks_of(self, entry: HistoryEntry, request: Request) -> Response:
        asked = request.query_params.get("columns", "")
        columns = int(asked) if _SMALL_NUMBER.fullmatch(asked) else 0
        if not 1 <= columns <= MOST_COLUMNS:
            return PlainTextResponse(f"columns must be 1 to {MOST_COLUMNS:,}.\n", status_code=400)
        try:
            peaks = await self._peaks.of(entry, columns, request.is_disconnected)
        except (AudioMissing, HistoryError, OSError):
            peaks = None
        if peaks is None:
            return _not_found()
        headers = {"cache-control": _CACHE_FOREVER, **_UNSNIFFED}  # the samples of a take never change
        return Response(peaks, headers=headers, media_type="application/octet-stream")

    def _find(self, entry_id: str) -> tuple[HistoryEntry, Path, os.stat_result] | None:
        """Return a take with its audio file, when that is a regular file in the history's own audio folder."""
        try:
            entry = self._history.get(entry_id)
            if entry is None:
                return None
            path = self._history.audio_path(entry)
            status = path.lstat()
            folder = self._history.directory / "audio"
            inside = path.parent == folder or path.parent.resolve() == folder.resolve()
        except (HistoryError, OSError, ValueError):
            return None
        return (entry, path, status) if inside and stat.S_ISREG(status.st_mode) else None


class _Sound(FileResponse):
    """A file in larger pieces than Starlette's: each is read on another thread, and a browser plays when enough is there."""

    chunk_size = 512 << 10


def _name_of(entry_id: str) -> str:
    """Return an id as a part of an address; one that is not ours may hold anything, a slash or half a character too."""
    if _PLAIN_ID.fullmatch(entry_id):
        return entry_id
    return "~" + urlsafe_b64encode(entry_id.encode("utf-8", "surrogatepass")).decode("ascii")


def _id_of(name: str) -> str:
    if not name.startswith("~"):
        return name
    try:
        return urlsafe_b64decode(name[1:].encode("ascii")).decode("utf-8", "surrogatepass")
    except ValueError:
        return ""


def file_name_of(title: str, otherwise: str) -> str:
    """Return a name for a downloaded take, from its title, safe on every system.

    >>> file_name_of("Rain / roof: take 2?", "take")
    'Rain roof take 2.wav'
    """
    name = " ".join(_UNFIT_FOR_NAMES.sub(" ", title).split()).strip(" .")[:_NAME_CHARACTERS].strip(" .")
    return f"{name or otherwise}.wav"


def _etag(entry: HistoryEntry, status: os.stat_result) -> str:
    """Name these very bytes: the samples by their hash, and the file around them, whose tags may be rewritten."""
    samples = "".join(_HASH.findall(entry.audio_sha256 or ""))[:32]
    return f'"{samples}-{status.st_size:x}-{status.st_mtime_ns:x}"'


def _not_modified(headers: Headers, etag: str) -> bool:
    known = headers.get("if-none-match", "")
    return any(tag.strip().removeprefix("W/") == etag for tag in known.split(","))


def _not_found() -> Response:
    return PlainTextResponse("There is no such take.\n", status_code=404, headers={"cache-control": "no-store"})
