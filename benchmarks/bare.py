"""The least that does the same without Retake: what the page is compared with. Each is served by a process of its own.

`python -m benchmarks.bare player|gallery|controls|start PORT [DIR]` says in its first line where it serves.
"""

from __future__ import annotations

import contextlib
import math
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

PAGE = 48
_OPTIONS: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
_PLAYER = """<!doctype html>
<title>Player</title>
<audio id="sound"></audio>
%s
<script>
  const sound = document.getElementById('sound');
  addEventListener('click', ({ target }) => {
    if (!target.dataset.name) return;
    sound.src = `/audio/${target.dataset.name}`;
    sound.play();
  });
</script>
"""


def player(port: int, root: Path) -> None:
    """Serve one `<audio>` and a button for each file of a history, the files by Starlette's own `FileResponse`."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import FileResponse, HTMLResponse, Response
    from starlette.routing import Route

    names = sorted(path.name for path in (root / "audio").iterdir())[:PAGE]
    buttons = "\n".join(f'<button data-name="{name}">{name}</button>' for name in names)

    async def page(_request: Request) -> Response:
        return HTMLResponse(_PLAYER % buttons)

    async def audio(request: Request) -> Response:
        return FileResponse(root / "audio" / request.path_params["name"], media_type="audio/wav")

    app = Starlette(routes=[Route("/", page), Route("/audio/{name}", audio)])
    with socket.create_server(("127.0.0.1", port)) as listening:
        print(f"http://127.0.0.1:{port}", flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1)).run([listening])


def gallery(port: int, root: Path) -> None:
    """Serve a history in a `gr.Gallery`, a page at a time, with a search box."""
    import gradio as gr

    from store import GenerationHistory

    history = GenerationHistory(root)

    def show(query: str, number: int) -> list[tuple[str, str]]:
        entries = history.list_entries(query=query or None, limit=PAGE, offset=PAGE * number)
        return [(str(history.thumbnail_path(entry.entry_id)), _caption(entry.params)) for entry in entries]

    def flip(query: str, number: int) -> tuple[list[tuple[str, str]], int]:
        after = (number + 1) % max(1, math.ceil(history.count(query=query or None) / PAGE))
        return show(query, after), after

    def search(query: str) -> tuple[list[tuple[str, str]], int]:
        return show(query, 0), 0

    with gr.Blocks() as page:
        number = gr.State(0)
        query = gr.Textbox(label="Search", elem_id="query")
        after = gr.Button("Next", elem_id="next")
        shown = gr.Gallery(lambda: show("", 0), columns=4, elem_id="gallery")
        after.click(flip, [query, number], [shown, number], **_OPTIONS)
        query.input(search, query, [shown, number], **_OPTIONS)
    _serve(page, port, allowed_paths=[str(root / "thumbnails")])


def _caption(params: Any) -> str:
    return str(params.get("prompt", ""))[:60] if isinstance(params, dict) else ""


def controls(port: int, root: Path) -> None:
    """Serve the built-in generator's controls, and a button that fills them with a take's values, one of two in turn."""
    import gradio as gr

    from generators import load_generator
    from history_ui.create import CreateColumn
    from history_ui.knobs import knobs_of
    from history_ui.replay import replay
    from store import GenerationHistory

    generator = load_generator(None)
    with GenerationHistory(root) as history:
        takes = history.list_entries(limit=2)
    with gr.Blocks() as page:
        column = CreateColumn(generator)
        knobs = knobs_of(column.controls, {control.name: control for control in generator.controls})
        filled = [list(replay(take.params, take.seed, knobs).payloads.values()) for take in takes]
        fill = gr.Button("Fill", elem_id="fill")
        turn = gr.State(0)

        def restore(number: int) -> list[Any]:
            return [1 - number, *filled[number]]

        fill.click(restore, turn, [turn, *column.controls.values()], preprocess=False, postprocess=False, **_OPTIONS)
    _serve(page, port)


def start(port: int, _root: Path) -> None:
    """Serve the built-in generator's controls and nothing else."""
    import gradio as gr

    from generators import load_generator
    from history_ui.create import CreateColumn

    with gr.Blocks() as page:
        CreateColumn(load_generator(None))
    _serve(page, port)


def _serve(page: Any, port: int, **options: Any) -> None:
    quiet: dict[str, Any] = {"quiet": True, "inbrowser": False, "ssr_mode": False, "prevent_thread_lock": True}
    page.launch(server_name="127.0.0.1", server_port=port, **quiet, **options)
    print(f"http://127.0.0.1:{port}", flush=True)
    page.block_thread()


PAGES: dict[str, Callable[[int, Path], None]] = {
    function.__name__: function for function in (player, gallery, controls, start)
}


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell runs in the background ignores it
    name, port, folder = sys.argv[1:]
    with contextlib.suppress(KeyboardInterrupt):
        PAGES[name](int(port), Path(folder))
