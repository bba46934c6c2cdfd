"""Who is logged in, where the page asks for a password.

Gradio's own login stands before some of its routes only: what is mounted beside them, and a few of its own, answer
anyone. Here it stands before everything but what the login page itself needs.
"""

from __future__ import annotations

from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_OPEN = frozenset(
    {
        "",
        "/",
        "/login",
        "/theme.css",
        "/gradio_api/theme.css",
        "/favicon.ico",
        "/robots.txt",
        "/manifest.json",
        "/gradio_api/startup-events",
        "/gradio_api/login_check",
        "/gradio_api/user",
    }
)
_OPEN_FOLDERS = ("/assets/", "/static/", "/svelte/")


def is_logged_in(scope: Scope) -> bool:
    """Whether a request carries the cookie of a login; true where the Gradio app of the request asks for none."""
    app: Any = scope.get("app")
    if getattr(app, "auth", None) is None:
        return True
    cookies = HTTPConnection(scope).cookies
    names = (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}")
    return any(cookies.get(name) in app.tokens for name in names)


class Login:
    """ASGI middleware that refuses who is not logged in with 401, and keeps the login's cookie to this site."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or _is_open(scope) or is_logged_in(scope):
            await self.app(scope, receive, _with_own_cookies(send))
            return
        await PlainTextResponse("Log in first.\n", status_code=401)(scope, receive, send)


def _is_open(scope: Scope) -> bool:
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    return path.rstrip("/") in _OPEN or path.startswith(_OPEN_FOLDERS)


def _with_own_cookies(send: Send) -> Send:
    """Let no cookie go along with other sites' requests, but with links: Gradio's own goes into others' frames too."""

    async def send_own(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            cookies = headers.getlist("set-cookie")
            del headers["set-cookie"]
            for cookie in cookies:
                headers.append("set-cookie", _own(cookie))
        await send(message)

    return send_own


def _own(cookie: str) -> str:
    parts = [part for part in cookie.split("; ") if not part.lower().startswith("samesite=")]
    return "; ".join([*parts, "SameSite=Lax"])
