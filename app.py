"""Retake: a page that keeps every sound you generate, with the settings that made it.

Run `python app.py`; `python app.py --help` lists what can be set.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import gradio as gr

    from generators import Generator
    from history_ui import HistoryPanel


def build_page(panel: HistoryPanel, generator: Generator) -> gr.Blocks:
    """Lay out the page: create, gallery, details, player."""
    import gradio as gr

    from history_ui.create import CreateColumn
    from history_ui.endpoints import add_endpoints

    generate = panel.record(generator)
    with gr.Blocks(title="Retake", fill_width=True, fill_height=True, analytics_enabled=False) as page:
        with gr.Row(elem_id="retake"):
            create = CreateColumn(generator)
            panel.render()
        panel.attach(
            create.controls,
            generate=generate,
            button=create.generate,
            variations=create.variations,
            count=create.count,
            preset=create.preset,
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


def main(arguments: list[str] | None = None) -> int:
    """Open the history, load the generator, serve the page until it is stopped. Return the exit code."""
    asked = parse_arguments(arguments)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when Gradio is imported
    from generators import GeneratorError, load_generator
    from store import GenerationHistory, HistoryError
    from store.progress import bar

    try:
        generator = load_generator(asked.generator)
        with bar("audio files") as progress:
            history = GenerationHistory(asked.history, progress)
        history.require_writable()
    except (GeneratorError, HistoryError) as error:
        print(f"retake: {error}", file=sys.stderr)
        return 2
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


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # while it was still starting
        sys.exit(130)
