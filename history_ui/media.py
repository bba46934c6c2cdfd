"""The route that serves the takes' audio and nothing else, with ranges, behind an address that only the page knows."""

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

from history_ui.errors import ForeignRequest
from history_ui.guard import HostPolicy, check_request
from history_ui.login import is_logged_in
from history_ui.titles import Vocabulary
from history_ui.view import title_of
from store import GenerationHistory, HistoryEntry, HistoryError

PREFIX = "/retake/media"
_CACHE = "private, max-age=3600"
_UNFIT_FOR_NAMES = re.compile(r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|\ud800-\udfff]+')
_NAME_CHARACTERS = 80
_PLAIN_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*")
_HASH = re.compile(r"[0-9a-f]+")


class Media:
    """Serves the audio of one history under `/retake/media/<panel>/<token>/<entry id>.wav`.

    A route beside Gradio's own stands outside its login and, in a host's app, outside any guard: so it looks at both
    itself. The token, drawn anew for every process, is known only to pages that were served here.
    """

    def __init__(
        self, history: GenerationHistory, vocabulary: Callable[[], Vocabulary], policy: HostPolicy | None = None
    ) -> None:
        self._history = history
        self._vocabulary = vocabulary
        self._policy = policy or HostPolicy()
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
        if not secrets.compare_digest(token.encode(), self._token.encode()) or not name.endswith(".wav"):
            return _not_found()
        found = await run_sync(self._find, _id_of(name.removesuffix(".wav")))
        if found is None:
            return _not_found()
        entry, path, status = found
        headers = {"etag": _etag(entry, status), "cache-control": _CACHE, "x-content-type-options": "nosniff"}
        if _not_modified(request.headers, headers["etag"]):
            return Response(status_code=304, headers=headers)
        return FileResponse(
            path,
            headers=headers,
            media_type="audio/wav",
            stat_result=status,
            filename=file_name_of(title_of(entry, self._vocabulary()), entry.entry_id)
            if "download" in request.query_params
            else None,
        )

    def _find(self, entry_id: str) -> tuple[HistoryEntry, Path, os.stat_result] | None:
        """Return a take with its audio file, when that is a regular file in the history's own audio folder."""
        try:
            entry = self._history.get(entry_id)
            if entry is None:
                return None
            path = self._history.audio_path(entry.entry_id)
            status = path.lstat()
            inside = path.resolve().parent == (self._history.directory / "audio").resolve()
        except (HistoryError, OSError, ValueError):
            return None
        return (entry, path, status) if inside and stat.S_ISREG(status.st_mode) else None


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
