"""Somebody's own Gradio app with a panel in it, launched as plainly as can be: `python -m tests.host FOLDER PORT`."""

from __future__ import annotations

import signal
import sys
from typing import Any

import gradio as gr
import numpy as np

from history_ui import HistoryPanel
from history_ui.endpoints import add_endpoints


def speak(text: str) -> Any:
    """Make a short sound."""
    return 8_000, (np.sin(np.arange(4_000) / 8) * 8_000).astype(np.int16)


def build(panel: HistoryPanel) -> gr.Blocks:
    """Lay out a page of the presets, a text box, a button, an audio player and the panel."""
    recorded = panel.record(speak)
    with gr.Blocks(analytics_enabled=False) as page:
        panel.render_presets()
        text, sound = gr.Textbox(label="Text"), gr.Audio()
        gr.Button("Speak").click(recorded, [text], sound, api_name="speak")
        panel.render()
        panel.attach({"text": text}, generate=recorded)
        add_endpoints(panel)
    return page


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell runs in the background ignores it
    folder, port = sys.argv[1:]
    page = build(HistoryPanel(folder))
    page.launch(server_port=int(port), prevent_thread_lock=True, quiet=True)
    print(f"The host is at http://127.0.0.1:{port}", flush=True)
    page.block_thread()
