"""The Gradio side of Retake: a panel that shows a history of takes, and records what a host app generates."""

from history_ui.panel import HistoryPanel

__all__ = ["HistoryPanel"]
