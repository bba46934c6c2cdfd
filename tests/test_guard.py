"""Requests from elsewhere are refused at every route; the page and local programs are served."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient, WebSocketDenialResponse

from history_ui.errors import ForeignRequest
from history_ui.guard import Guard, HostPolicy, allow, check_request

OURS = {"host": "127.0.0.1:7860"}
METHODS = ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"]


async def answer(request: Request) -> Response:
    return PlainTextResponse("served")


def client(policy: HostPolicy | None = None) -> TestClient:
    app = Starlette(
        routes=[Route("/", answer, methods=METHODS), Route("/{path:path}", answer, methods=METHODS)],
        middleware=[Middleware(Guard, policy=policy or HostPolicy())],
    )
    return TestClient(app, base_url="http://127.0.0.1:7860")


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "127.0.0.1:7860"},
        {"host": "localhost:7860"},
        {"host": "LOCALHOST:7860"},
        {"host": "[::1]:7860"},
        {"host": "127.0.0.1"},
        OURS | {"origin": "http://127.0.0.1:7860", "sec-fetch-site": "same-origin"},
        OURS | {"sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},
    ],
)
def test_the_page_and_local_programs_are_served(headers: dict[str, str]) -> None:
    for method in ("GET", "POST"):
        assert client().request(method, "/gradio_api/component_server", headers=headers).text == "served"


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "evil.example:7860"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "localhost.evil.example:7860"},
        {"host": "evil.example@127.0.0.1"},
        {"host": "0.0.0.0:7860"},
        {"host": "192.168.1.7:7860"},
        {"host": "127.0.0.1:notaport"},
        {"host": "127.0.0.1/x"},
        {"host": ""},
        OURS | {"origin": "http://evil.example"},
        OURS | {"origin": "http://127.0.0.1:7861"},
        OURS | {"origin": "http://localhost:7860"},
        OURS | {"origin": "null"},
        OURS | {"origin": ""},
        OURS | {"origin": "file://127.0.0.1:7860"},
        OURS | {"sec-fetch-site": "cross-site"},
        OURS | {"sec-fetch-site": "same-site"},
        OURS | {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "audio"},
        OURS | {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
    ],
)
@pytest.mark.parametrize("path", ["/", "/gradio_api/component_server", "/gradio_api/upload", "/retake/media/t/id.wav"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_requests_from_elsewhere_are_refused(headers: dict[str, str], path: str, method: str) -> None:
    refused = client().request(method, path, headers=headers)
    assert refused.status_code == 403
    assert "served" not in refused.text


def test_a_link_on_another_site_may_open_the_page_and_nothing_else() -> None:
    followed = OURS | {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert client().get("/", headers=followed).text == "served"
    assert client().get("/?__theme=dark", headers=followed).text == "served"
    assert client().post("/", headers=followed).status_code == 403
    assert client().get("/gradio_api/info", headers=followed).status_code == 403


def test_a_link_under_a_foreign_host_name_opens_nothing() -> None:
    followed = {"host": "evil.example", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert client().get("/", headers=followed).status_code == 403


def test_two_host_headers_are_one_too_many() -> None:
    headers = [("host", "127.0.0.1:7860"), ("host", "evil.example")]
    assert client().get("/", headers=headers).status_code == 403


def test_a_web_socket_from_elsewhere_is_refused() -> None:
    with pytest.raises(WebSocketDenialResponse), client().websocket_connect("/x", headers={"host": "evil.example"}):
        pass


def test_answers_may_be_neither_framed_nor_sniffed() -> None:
    for headers in (OURS, {"host": "evil.example"}):
        told = client().get("/", headers=headers).headers
        assert told["content-security-policy"] == "frame-ancestors 'self'"
        assert told["x-content-type-options"] == "nosniff"
        assert told["cross-origin-resource-policy"] == "same-origin"


def test_a_named_host_is_served_with_its_own_origin_only() -> None:
    served = client(allow(["Studio.lan:7860 ", "*.hf.space"]))
    assert served.post("/x", headers={"host": "studio.lan:7860", "origin": "http://studio.lan:7860"}).text == "served"
    assert served.post("/x", headers={"host": "me-app.hf.space"}).text == "served"
    assert served.post("/x", headers={"host": "hf.space"}).status_code == 403
    assert served.post("/x", headers={"host": "studio.lan", "origin": "http://evil.example"}).status_code == 403


def test_a_proxy_that_keeps_no_host_is_served_for_a_named_origin() -> None:
    behind = OURS | {"origin": "https://studio.example", "sec-fetch-site": "same-origin"}
    assert client(allow(["studio.example"])).post("/x", headers=behind).text == "served"
    assert client().post("/x", headers=behind).status_code == 403


@pytest.mark.parametrize("named", ["127.0.0.1", "studio.example", "*.hf.space", "*"])
@pytest.mark.parametrize("fetch", [{}, {"sec-fetch-site": "same-site"}, {"sec-fetch-site": "cross-site"}])
def test_a_name_that_is_allowed_opens_no_door_to_other_programs_under_it(named: str, fetch: dict[str, str]) -> None:
    name = named.replace("*.", "me.").replace("*", "evil.example")
    served = client(allow([named]))
    for origin in (f"http://{name}", f"http://{name}:9000", f"https://{name}"):
        for host in (f"{name}:7860", "127.0.0.1:7860"):
            headers = {"host": host, "origin": origin, **fetch}
            assert served.post("/x", headers=headers).status_code == 403, headers


@pytest.mark.parametrize(
    ("host", "server", "allowed"),
    [
        ("192.168.1.7", "192.168.1.7", True),
        ("10.0.0.9", "172.17.0.2", True),  # a container behind a forwarded port: an address cannot be rebound
        ("my-box", "192.168.1.7", False),
        ("192.168.1.7", "127.0.0.1", False),
        ("127.0.0.5", "127.0.0.1", True),
        ("192.168.1.7", None, False),
    ],
)
def test_addresses_are_right_where_the_server_listens_beyond_loopback(
    host: str, server: str | None, allowed: bool
) -> None:
    assert HostPolicy().allows_host(host, server) is allowed


def test_the_same_check_holds_inside_a_function_of_an_embedded_panel() -> None:
    def request(**headers: str) -> Request:
        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        return Request({"type": "http", "method": "POST", "headers": raw, "server": ("127.0.0.1", 7860)})

    check_request(request(host="127.0.0.1:7860"), HostPolicy())
    check_request(request(host="me.hf.space"), allow(["me.hf.space"]))
    for refused in (request(host="evil.example"), request(host="127.0.0.1:7860", origin="http://evil.example")):
        with pytest.raises(ForeignRequest):
            check_request(refused, HostPolicy())
