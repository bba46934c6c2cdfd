"""Who may ask: the host name, the origin and the fetch metadata of a request.

A page on another site (or another port of this machine) can send requests to a server on 127.0.0.1, and a name that an
attacker makes point to 127.0.0.1 (DNS rebinding) even lets it read the answers. Both are refused here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from history_ui.errors import ForeignRequest

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_OWN_FETCHES = frozenset({"same-origin", "none"})
_RESPONSE_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
}


@dataclass(frozen=True)
class HostPolicy:
    """Which host names a request may carry, beside the loopback names and the address it arrived at.

    `allowed` holds names ("my-box.lan"), names of sub-domains ("*.hf.space"), or "*" for any.

    >>> HostPolicy().allows_host("localhost", server="127.0.0.1")
    True
    >>> HostPolicy().allows_host("evil.example", server="127.0.0.1")
    False
    >>> HostPolicy(("*.hf.space",)).allows_host("me-app.hf.space", server="127.0.0.1")
    True
    """

    allowed: tuple[str, ...] = ()

    def names(self, host: str) -> bool:
        """Whether the allow-list names this host."""
        return any(_matches(host, pattern.lower()) for pattern in self.allowed)

    def allows_host(self, host: str, server: str | None) -> bool:
        """Whether a request for `host` may be answered that arrived at the address `server`.

        An address cannot be rebound, so any is right on a server that listens on more than the loopback.
        """
        host = host.lower()
        if host in _LOOPBACK_NAMES or self.names(host):
            return True
        address, own = _address(host), _address(server or "")
        if address is None:
            return False
        return address == own or address.is_loopback or (own is not None and not own.is_loopback)

    def check(self, headers: Mapping[str, str], server: str | None, navigation: bool = False) -> None:
        """Raise `ForeignRequest` with a short reason for a request that is not from our own page or a local program.

        `headers` has lower-case names; `navigation` tells that the request opens the page itself (GET /).
        """
        host = _host_name(headers.get("host", ""))
        if host is None or not self.allows_host(host, server):
            shown = headers.get("host", "")[:200]
            raise ForeignRequest(f"The host name {shown!r} is not allowed here. If it is yours, allow it by name.")
        self._check_origin(headers)
        self._check_fetch(headers, navigation)

    def _check_origin(self, headers: Mapping[str, str]) -> None:
        """Let only an origin pass that is this host and port: other ports of a name are other programs.

        A proxy that puts its own name in the place of the host leaves the browser's word that both are one.
        """
        origin = headers.get("origin")
        if origin is None:
            return
        parts = urlsplit(origin)
        if parts.netloc.lower() == headers.get("host", "").lower() and parts.scheme in ("http", "https"):
            return
        if not self.names(_host_name(parts.netloc) or ""):
            raise ForeignRequest("Another web site sent this request.")
        if headers.get("sec-fetch-site") != "same-origin":
            raise ForeignRequest("Another web site sent this request, or a proxy that does not pass the host name on.")

    def _check_fetch(self, headers: Mapping[str, str], navigation: bool) -> None:
        site = headers.get("sec-fetch-site")
        if site is None or site in _OWN_FETCHES:
            return
        top_level = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
        if navigation and top_level:
            return
        raise ForeignRequest("Another web site sent this request.")


def _matches(host: str, pattern: str) -> bool:
    if pattern == "*":
        return True
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _host_name(host: str) -> str | None:
    """Return the name in a Host header without its port, or None where it is no host."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return None
    if parts.netloc != host or "@" in host or not parts.hostname:
        return None
    return parts.hostname


class Guard:
    """ASGI middleware that refuses foreign requests with 403, and tells browsers not to frame or sniff the answers."""

    def __init__(self, app: ASGIApp, policy: HostPolicy) -> None:
        self.app = app
        self.policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        try:
            self.policy.check(_headers(scope), _server(scope), _is_navigation(scope))
        except ForeignRequest as error:
            await PlainTextResponse(f"{error}\n", status_code=403)(scope, receive, _with_headers(send))
            return
        await self.app(scope, receive, _with_headers(send))


def _is_navigation(scope: Scope) -> bool:
    path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
    return scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and path in ("", "/")


def _server(scope: Scope) -> str | None:
    server = scope.get("server")
    return server[0] if server else None


def _headers(scope: Scope) -> dict[str, str]:
    """Return the request's headers; a repeated Host or Origin is joined, so that it matches nothing."""
    joined: dict[str, str] = {}
    for name, value in Headers(scope=scope).items():
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.append("content-security-policy", "frame-ancestors 'self'")
            for name, value in _RESPONSE_HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return send_with_headers


def check_request(request: Any, policy: HostPolicy) -> None:
    """Apply the policy to a `gr.Request` or a Starlette request. Raises `ForeignRequest`.

    For panels inside a host app, which has its own server: called before every function of the panel.
    """
    request = getattr(request, "request", request)
    if request is None or not hasattr(request, "scope"):
        return
    policy.check(_headers(request.scope), _server(request.scope))


def allow(names: Iterable[str]) -> HostPolicy:
    """Make a policy from host names as a user writes them: trimmed, lower case, without a port.

    The address that stands for all of a machine's is no name to be reached under.

    >>> allow(["Studio.lan:7860", "0.0.0.0"])
    HostPolicy(allowed=('studio.lan',))
    """
    cleaned = (_host_name(name.strip()) or name.strip() for name in names)
    return HostPolicy(tuple(name.lower() for name in cleaned if name and not _is_unspecified(name)))


def _is_unspecified(name: str) -> bool:
    address = _address(name.strip("[]"))
    return address is not None and address.is_unspecified
