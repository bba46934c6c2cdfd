"""How much a request may bring: a body of known length, and uploads only where a control takes files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

LARGEST_UPLOAD = 100_000_000
LARGEST_BODY = 20_000_000
MOST_UPLOADED = 2_000_000_000
_UPLOADS = ("/gradio_api/upload", "/gradio_api/process_recording")
_UNUSED = ("/gradio_api/file=http", "/gradio_api/file/http", "/gradio_api/proxy=", "/gradio_api/deep_link")
"""What Gradio offers and no part of the page asks for: fetching addresses for others, and writing its own files."""


class Limits:
    """ASGI middleware that refuses what is too long, and files that nothing on the page asks for.

    Without it a single program could fill the disk with uploads, which Gradio keeps for as long as the machine runs.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self.app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers, path = Headers(scope=scope), scope["path"].removeprefix(scope.get("root_path", "")).lower()
        is_upload = path.startswith(_UPLOADS)
        if path.startswith(_UNUSED):
            return _refused(404, "Not found.")
        if "transfer-encoding" in headers:
            return _refused(411, "A request must say how long it is.")
        if int(headers.get("content-length", "0")) > (LARGEST_UPLOAD if is_upload else LARGEST_BODY):
            return _refused(413, "This is too long.")
        return self._upload_refusal(scope) if is_upload else None

    def _upload_refusal(self, scope: Scope) -> Response | None:
        blocks: Any = getattr(scope.get("app"), "blocks", None)
        if not _takes_files(blocks):
            return _refused(403, "Nothing on this page takes files.")
        if _size_bytes(blocks.upload_file_set) > MOST_UPLOADED:
            return _refused(413, "There is no room for more uploads until Retake is started again.")
        return None


def _refused(status: int, words: str) -> Response:
    return PlainTextResponse(f"{words}\n", status_code=status, headers={"connection": "close"})


def _takes_files(blocks: Any) -> bool:
    """Whether a page has a component that may be given a file; plain values have no data model of their own."""
    components = blocks.blocks.values() if blocks is not None else ()
    return any(getattr(component, "data_model", None) is not None for component in components)


def _size_bytes(paths: Iterable[str]) -> int:
    size_bytes = 0
    for path in list(paths):
        with contextlib.suppress(OSError):
            size_bytes += Path(path).stat().st_size
    return size_bytes
