"""Retake: a page that keeps every sound you generate, with the settings that made it.

Run `python app.py`; `python app.py --help` lists what can be set.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import ctypes
import gc
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import gradio as gr

    from generators import Generator
    from history_ui import HistoryPanel

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # of glibc's malloc.h
LARGE_BYTES = 128 << 10  # as glibc begins; by itself it would raise this to whatever was freed


def build_page(panel: HistoryPanel, generator: Generator) -> gr.Blocks:
    """Lay out the page: create, gallery, details, player."""
    import gradio as gr

    from history_ui.create import CreateColumn
    from history_ui.endpoints import add_endpoints

    generate = panel.record(generator)
    with gr.Blocks(title="Retake", fill_width=True, fill_height=True, analytics_enabled=False) as page:
        with gr.Row(elem_id="retake"):
            create = CreateColumn(generator, panel.render_presets)
            panel.render()
        panel.attach(
            create.controls,
            generate=generate,
            button=create.generate,
            variations=create.variations,
            count=create.count,
            status=create.status,
        )
        add_endpoints(panel, generate)
    return page


def user_and_password(text: str) -> tuple[str, str]:
    """Split USER:PASSWORD."""
    user, _, password = text.partition(":")
    if not user or not password:
        raise argparse.ArgumentTypeError("must be USER:PASSWORD")
    return user, password


def port_number(text: str) -> int:
    """Read a port."""
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError("must be 1 to 65535")
    return int(text)


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line; what is not given there comes from the environment."""
    environment = os.environ.get
    parser = argparse.ArgumentParser(description="Generate sounds, and keep every one with the settings that made it.")
    add = parser.add_argument
    add("--history", metavar="DIR", default=environment("RETAKE_HISTORY") or "my-history", help="where takes are kept")
    add(
        "--generator",
        metavar="SPEC",
        default=environment("RETAKE_GENERATOR"),
        help="module:function or file.py:function",
    )
    add("--host", default=environment("RETAKE_HOST") or "127.0.0.1", help="the address to listen on")
    add("--port", type=port_number, default=environment("RETAKE_PORT") or None, help="7860, or the next that is free")
    opens = environment("RETAKE_OPEN", "1") != "0"
    add("--open", action=argparse.BooleanOptionalAction, default=opens, help="open the page in the browser")
    add(
        "--auth",
        metavar="USER:PASSWORD",
        type=user_and_password,
        default=environment("RETAKE_AUTH") or None,
        help="ask for a password; RETAKE_AUTH keeps it out of the list of processes",
    )
    add("--allow-host", metavar="NAME", action="append", default=[], help="another name the page is reached under")
    return parser.parse_args(arguments)


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Leave the garbage collector out while modules are imported, and never let it look through what they made again.

    It would go through all of that several times, a quarter of what importing Gradio takes, to find next to nothing.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def give_memory_back() -> None:
    """Let the C library (glibc) return what was freed: each generation and each fold is a peak on a thread of its own.

    By itself it would give every thread a heap and keep the holes in them: a server grew by a twelfth over 2,000
    generations.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):  # other systems have no such call
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in ((M_ARENA_MAX, 2), (M_MMAP_THRESHOLD, LARGE_BYTES), (M_TRIM_THRESHOLD, LARGE_BYTES)):
            mallopt(option, value)


def main(arguments: list[str] | None = None) -> int:
    """Open the history, load the generator, serve the page until it is stopped. Return the exit code."""
    asked = parse_arguments(arguments)
    give_memory_back()
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when Gradio is imported
    with loading():
        from generators import GeneratorError, load_generator
        from store import GenerationHistory, HistoryError
        from store.progress import bar
    try:
        generator = load_generator(asked.generator)
        with bar("takes") as progress:
            history = GenerationHistory(asked.history, progress, patient=False)
        history.require_writable()
    except (GeneratorError, HistoryError) as error:
        print(f"retake: {error}", file=sys.stderr)
        return 2
    with loading():
        import history_ui.create
        import history_ui.endpoints  # noqa: F401 - for `build_page`
        from history_ui import HistoryPanel
        from history_ui.errors import AddressUnknown, PortBusy
        from history_ui.serving import serve
    panel = HistoryPanel(history, allowed_hosts=[asked.host, *asked.allow_host], standalone=True)
    try:
        serve(build_page(panel, generator), panel, asked.host, asked.port, asked.open, asked.auth)
    except (AddressUnknown, PortBusy) as error:
        print(f"retake: {error}", file=sys.stderr)
        return 2
    return 0


def leave(codes: list[int]) -> None:
    """End the process with the last of these exit codes while the interpreter still stands; do nothing without one.

    Taking it down ends every thread where it next asks for the interpreter; with C++ on its stack (a library that is
    being loaded, a generation under way) the process aborts.
    """
    if codes:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(codes[-1])


if __name__ == "__main__":
    codes: list[int] = []
    atexit.register(leave, codes)  # the first to be registered is called last
    try:
        codes.append(main())
    except KeyboardInterrupt:  # while it was still starting
        codes.append(130)
    sys.exit(codes[-1])
