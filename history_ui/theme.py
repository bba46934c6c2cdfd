"""The Gradio theme: ink on paper, one accent, IBM Plex Sans from Gradio's own files."""

from __future__ import annotations

import gradio as gr

_COLOURS = {  # name: (light, dark)
    "body_background_fill": ("#F7F5F0", "#1A1917"),
    "background_fill_primary": ("#F7F5F0", "#1A1917"),
    "background_fill_secondary": ("#ECE9E1", "#121110"),
    "block_background_fill": ("#FDFCF9", "#21201D"),
    "input_background_fill": ("#FDFCF9", "#21201D"),
    "body_text_color": ("#1D1B17", "#EFEBE3"),
    "body_text_color_subdued": ("#5E594F", "#A9A297"),
    "block_label_text_color": ("#1D1B17", "#EFEBE3"),
    "block_title_text_color": ("#1D1B17", "#EFEBE3"),
    "block_info_text_color": ("#5E594F", "#A9A297"),
    "border_color_primary": ("#DAD5CA", "#35322D"),
    "block_border_color": ("#DAD5CA", "#35322D"),
    "input_border_color": ("#8C8578", "#757065"),
    "input_border_color_hover": ("#5E594F", "#A9A297"),
    "input_border_color_focus": ("#0A6B57", "#5CD6B0"),
    "input_placeholder_color": ("#5E594F", "#A9A297"),
    "slider_color": ("#1D1B17", "#EFEBE3"),
    "checkbox_background_color_selected": ("#1D1B17", "#EFEBE3"),
    "checkbox_border_color": ("#8C8578", "#757065"),
    "checkbox_border_color_selected": ("#1D1B17", "#EFEBE3"),
    "link_text_color": ("#0A6B57", "#5CD6B0"),
    "error_text_color": ("#A8241B", "#FF9A8F"),
    "error_background_fill": ("#F7E7E3", "#35211E"),
    "error_border_color": ("#A8241B", "#FF9A8F"),
    "button_primary_background_fill": ("#0A6B57", "#5CD6B0"),
    "button_primary_background_fill_hover": ("#085947", "#74E0BE"),
    "button_primary_text_color": ("#FFFFFF", "#0B1612"),
    "button_primary_border_color": ("#0A6B57", "#5CD6B0"),
    "button_primary_border_color_hover": ("#085947", "#74E0BE"),
    "button_secondary_background_fill": ("#E9E5DC", "#2C2A26"),
    "button_secondary_background_fill_hover": ("#DFDACE", "#37342F"),
    "button_secondary_text_color": ("#1D1B17", "#EFEBE3"),
    "button_secondary_border_color": ("#E9E5DC", "#2C2A26"),
    "button_secondary_border_color_hover": ("#DFDACE", "#37342F"),
}
_SHAPES = {
    "body_text_size": "14px",
    "block_label_text_size": "14px",
    "block_title_text_size": "14px",
    "block_info_text_size": "12px",
    "block_title_text_weight": "400",
    "block_label_text_weight": "400",
    "button_large_text_weight": "700",
    "button_large_text_size": "15px",
    "button_small_text_weight": "700",
    "button_medium_text_weight": "700",
    "button_large_radius": "6px",
    "button_medium_radius": "6px",
    "button_small_radius": "6px",
    "button_transform_hover": "none",
    "button_transform_active": "none",
    "button_primary_shadow": "none",
    "button_primary_shadow_hover": "none",
    "button_secondary_shadow": "none",
    "button_secondary_shadow_hover": "none",
    "input_radius": "6px",
    "input_shadow": "none",
    "input_shadow_focus": "none",
    "block_radius": "8px",
    "block_shadow": "none",
    "block_border_width": "0px",
    "color_accent": "#0A6B57",  # the dark one has no variable of its own: create.css sets it under .dark
}


def build_theme() -> gr.themes.Base:
    """Make the theme of the page."""
    theme = gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.stone,
        font=(gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "ui-sans-serif", "system-ui", "sans-serif"),
        font_mono=(gr.themes.LocalFont("IBM Plex Mono", weights=(400,)), "ui-monospace", "monospace"),
    )
    light = {name: colours[0] for name, colours in _COLOURS.items()}
    dark = {f"{name}_dark": colours[1] for name, colours in _COLOURS.items()}
    return theme.set(**light, **dark, **_SHAPES)
