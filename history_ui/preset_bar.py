"""The bar above the controls that loads, saves and manages presets."""

from __future__ import annotations

from typing import Any

import gradio as gr

from history_ui.gallery import joined

TEMPLATE = '<div class="rt preset-host"></div>'
"""All there is for Gradio to render: the panel's script builds the bar here, user text as text only."""

STYLES = ("panel.css", "presets.css")


class PresetBar(gr.HTML):  # type: ignore[misc]
    """The place of the bar; a panel's script fills it once both are on the page."""

    def __init__(self, **props: Any) -> None:
        super().__init__(
            html_template=TEMPLATE,
            css_template=joined(STYLES),
            apply_default_css=False,
            elem_classes="preset-bar",
            **props,
        )
