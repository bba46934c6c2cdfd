"""Serve the page on this machine until someone stops it."""

from __future__ import annotations

import importlib
import ipaddress
import logging
import os
import signal
import socket
import sys
import threading
import webbrowser
from types import FrameType
from typing import Any

import gradio as gr
import numpy as np

from history_ui.errors import AddressUnknown, PortBusy
from history_ui.gallery import STATIC
from history_ui.limits import LARGEST_UPLOAD
from history_ui.panel import HistoryPanel
from history_ui.theme import build_theme
from history_ui.words import path_text
from store.envelope import envelope
from store.thumbnail import WIDTH, draw

FIRST_PORT = 7860
PORTS = 100
_STOP_S = 1
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not bound


def page_options() -> dict[str, Any]:
    """Return what the page gives `launch()` for its looks: theme, css, head."""
    return {"theme": build_theme(), "css": _static("create.css"), "head": _static("head.html")}


def _static(name: str) -> str:
    path = STATIC / name
    return path.read_text("utf-8") if path.is_file() else ""


def safe_options() -> dict[str, Any]:
    """Return the settings of `launch()` that keep the page to itself: nothing shared, monitored, uploaded or opened."""
    os.environ.pop("GRADIO_ALLOWED_PATHS", None)  # an empty allowed_paths would be filled from it
    return {
        "share": False,
        "ssr_mode": False,
        "mcp_server": False,
        "pwa": False,
        "enable_monitoring": False,
        "allowed_paths": [],
        "strict_cors": True,
        "max_file_size": LARGEST_UPLOAD,
        "run_history": False,
        "footer_links": [],
        "show_error": True,
        "quiet": True,
        "inbrowser": False,
        "prevent_thread_lock": True,
    }


def find_port(host: str, asked: int | None) -> int:
    """Return the port that was asked for, or from 7860 on the first free one. Raises `AddressUnknown`, `PortBusy`."""
    if not _is_ours(host):
        raise AddressUnknown(host)
    for port in [asked] if asked is not None else range(FIRST_PORT, FIRST_PORT + PORTS):
        if _is_free(host, port):
            return port
    raise PortBusy(host, asked if asked is not None else FIRST_PORT)


def _is_ours(host: str) -> bool:
    """Whether this machine has an address of that name: any of its ports can then be listened on."""
    return bool(_addresses(host)) and _is_free(host, 0)


def _addresses(host: str) -> set[str]:
    try:
        return {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
    except OSError:
        return set()


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if os.name != "nt":  # there it would share a port that is in use
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def serve(
    page: gr.Blocks,
    panel: HistoryPanel,
    host: str = "127.0.0.1",
    port: int | None = None,
    open_browser: bool = True,
    auth: tuple[str, str] | None = None,
) -> None:
    """Serve the page until Ctrl-C or SIGTERM, then close the history. Raises `AddressUnknown`, `PortBusy`."""
    stopping = _catch_signals()
    try:
        page.launch(
            server_name=f"[{host}]" if ":" in host else host,
            server_port=find_port(host, port),
            auth=auth,
            **panel.launch_options(),
            **page_options(),
            **safe_options(),
        )
        address = page_address(host, page.server_port)
        if warning := warning_for(host, auth):
            print(warning, file=sys.stderr, flush=True)
        print(f"Retake is at {address}, and keeps every take in {path_text(panel.history.directory)}", flush=True)
        for work in (warm_up, *([lambda: webbrowser.open(address)] if open_browser else [])):
            threading.Thread(target=work, daemon=True).start()
        stopping.wait()
    finally:
        stop(page)
        panel.close()
        if lost := len(panel.unsaved.to_list()):
            what = "1 take could not be saved and is" if lost == 1 else f"{lost} takes could not be saved and are"
            print(f"retake: {what} lost", file=sys.stderr)


def page_address(host: str, port: int) -> str:
    """Return the address to open for a host that is listened on.

    >>> page_address("0.0.0.0", 7860), page_address("::1", 7861)
    ('http://localhost:7860', 'http://[::1]:7861')
    """
    name = "localhost" if host in _EVERYWHERE else f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}"


def warning_for(host: str, auth: tuple[str, str] | None) -> str:
    """Return what to say of a server that others can reach and that asks for no password; empty where all is well."""
    if auth is not None or all(ipaddress.ip_address(address).is_loopback for address in _addresses(host)):
        return ""
    return (
        "retake: everyone who reaches this machine can hear, change and delete the takes; "
        "--auth USER:PASSWORD (or RETAKE_AUTH) asks for a password"
    )


def warm_up() -> None:
    """Load what the first event would otherwise wait for: pandas, which Gradio's queue imports, and the drawing."""
    importlib.import_module("pandas")
    draw(envelope(np.zeros(WIDTH, np.float32), WIDTH))


def _catch_signals() -> threading.Event:
    """Return what is set by Ctrl-C or SIGTERM; a second one ends the process at once."""
    stopping = threading.Event()

    def stop(number: int, _frame: FrameType | None) -> None:
        if stopping.is_set():
            os._exit(128 + number)
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return stopping


def stop(page: gr.Blocks) -> None:
    """Stop serving within about a second, quietly: open pages hold connections that would never end by themselves."""
    if not getattr(page, "is_running", False):
        return
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    page.server.config.timeout_graceful_shutdown = _STOP_S
    page.server_app.stop_event.set()
    page.close(verbose=False)
