"""The audio route: the takes' own audio, whole or in ranges, and nothing else on the disk."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from history_ui.media import Media, file_name_of
from history_ui.titles import Vocabulary
from store import GenerationHistory, HistoryEntry
from tests.conftest import add
from tests.foreign import write_version_1


@pytest.fixture
def media(history: GenerationHistory) -> Media:
    return Media(history, Vocabulary)


@pytest.fixture
def client(media: Media) -> TestClient:
    return TestClient(Starlette(routes=[media.route()]), base_url="http://127.0.0.1:7860")


@pytest.fixture
def entry(history: GenerationHistory) -> HistoryEntry:
    return history.update_entry(add(history).entry_id, title="Rain / roof: take 2?")


@pytest.fixture
def data(history: GenerationHistory, entry: HistoryEntry) -> bytes:
    return history.audio_path(entry.entry_id).read_bytes()


def test_the_whole_file_is_served(media: Media, client: TestClient, entry: HistoryEntry, data: bytes) -> None:
    answered = client.get(media.url(entry))
    assert (answered.status_code, answered.content) == (200, data)
    assert answered.headers["content-type"] == "audio/wav"
    assert answered.headers["accept-ranges"] == "bytes"
    assert answered.headers["cache-control"].startswith("private")
    assert (entry.audio_sha256 or "")[:32] in answered.headers["etag"]
    head = client.head(media.url(entry))
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(data)))


@pytest.mark.parametrize(
    "header", ["bytes=0-1", "bytes=0-99", "bytes=44-", "bytes=-100", "bytes=10-10", "bytes=0-999999"]
)
def test_ranges_are_served(media: Media, client: TestClient, entry: HistoryEntry, data: bytes, header: str) -> None:
    first, _, last = header.removeprefix("bytes=").partition("-")
    start = int(first) if first else len(data) - int(last)
    stop = min(int(last) + 1, len(data)) if first and last else len(data)
    answered = client.get(media.url(entry), headers={"range": header})
    assert (answered.status_code, answered.content) == (206, data[start:stop])
    assert answered.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(data)}"
    assert answered.headers["content-length"] == str(stop - start)


def test_several_ranges_come_in_parts(media: Media, client: TestClient, entry: HistoryEntry, data: bytes) -> None:
    answered = client.get(media.url(entry), headers={"range": "bytes=0-9,100-109"})
    assert answered.status_code == 206
    assert answered.headers["content-type"].startswith("multipart/byteranges")
    assert data[0:10] in answered.content
    assert data[100:110] in answered.content
    assert answered.headers["content-length"] == str(len(answered.content))


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("bytes=99999999-", 416),
        ("bytes=9-3", 400),
        ("lines=1-2", 400),
        ("bytes=x-y", 400),
        ("bytes=" + "9" * 5000 + "-", 400),
        ("bytes=-0", 416),
        ("bytes=", 400),
        ("bytes=0-9,99999999-", 416),
        ("bytes=--5", 416),
    ],
)
def test_ranges_that_cannot_be_are_refused(
    media: Media, client: TestClient, entry: HistoryEntry, header: str, status: int
) -> None:
    assert client.get(media.url(entry), headers={"range": header}).status_code == status


def test_thousands_of_ranges_are_one_answer_of_the_files_size(
    media: Media, client: TestClient, entry: HistoryEntry, data: bytes
) -> None:
    for header in ("bytes=" + "0-," * 5_000 + "0-", "bytes=" + ",".join(f"{at}-{at}" for at in range(0, 1_000, 2))):
        answered = client.get(media.url(entry), headers={"range": header})
        assert (answered.status_code, answered.content) == (200, data)


def test_overlapping_ranges_are_sent_once(media: Media, client: TestClient, entry: HistoryEntry, data: bytes) -> None:
    answered = client.get(media.url(entry), headers={"range": "bytes=0-99,50-149,0-9,10-19"})
    assert (answered.status_code, answered.content) == (206, data[:150])


def test_the_head_of_a_range_has_no_body(media: Media, client: TestClient, entry: HistoryEntry) -> None:
    answered = client.head(media.url(entry), headers={"range": "bytes=0-9"})
    assert (answered.status_code, answered.content, answered.headers["content-length"]) == (206, b"", "10")


def test_what_the_browser_has_is_not_sent_again(media: Media, client: TestClient, entry: HistoryEntry) -> None:
    etag = client.get(media.url(entry)).headers["etag"]
    assert client.get(media.url(entry), headers={"if-none-match": etag}).status_code == 304
    assert client.get(media.url(entry), headers={"if-none-match": f'"other", W/{etag}'}).status_code == 304
    assert client.get(media.url(entry), headers={"if-none-match": '"other"'}).status_code == 200
    assert client.get(media.url(entry), headers={"if-range": etag, "range": "bytes=0-1"}).status_code == 206
    assert client.get(media.url(entry), headers={"if-range": '"other"', "range": "bytes=0-1"}).status_code == 200


def test_a_download_has_the_takes_title(media: Media, client: TestClient, entry: HistoryEntry) -> None:
    disposition = client.get(media.url(entry) + "?download=1").headers["content-disposition"]
    assert disposition == "attachment; filename*=utf-8''Rain%20roof%20take%202.wav"
    assert "content-disposition" not in client.get(media.url(entry)).headers


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Choir", "Choir.wav"),
        ("../../etc/passwd", "etc passwd.wav"),
        ("a\nb\r\nSet-Cookie: x", "a b Set-Cookie x.wav"),
        ('"; rm -rf', "; rm -rf.wav"),
        ("Küche – 夜", "Küche – 夜.wav"),
        ("\ud800", "take.wav"),
        ("...", "take.wav"),
        ("", "take.wav"),
        ("x" * 500, "x" * 80 + ".wav"),
    ],
)
def test_file_names_are_safe_everywhere(title: str, name: str) -> None:
    assert file_name_of(title, "take") == name


def test_nothing_is_served_without_the_token(media: Media, client: TestClient, entry: HistoryEntry) -> None:
    for token in ("x", "", "%C3%BC", media._token[:-1], media._token + "x"):
        assert client.get(f"{media.prefix}/{token}/{entry.entry_id}.wav").status_code == 404


def test_every_process_has_its_own_token(history: GenerationHistory) -> None:
    assert Media(history, Vocabulary)._token != Media(history, Vocabulary)._token


@pytest.mark.parametrize(
    "name",
    [
        "history.json",
        "../history.json",
        "..%2fhistory.json",
        "%2e%2e/history.json",
        "..%5chistory.json",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "....//etc/passwd",
        "x%00.wav",
        "%ff.wav",
        ".wav",
        "unknown.wav",
        "catalog.sqlite",
        "thumbnails/x.png",
        "a" * 5000 + ".wav",
    ],
)
def test_no_other_file_is_served(media: Media, client: TestClient, entry: HistoryEntry, name: str) -> None:
    answered = client.get(f"{media.prefix}/{media._token}/{name}")
    assert answered.status_code == 404
    assert b"version" not in answered.content
    assert b"root:" not in answered.content


def test_other_methods_are_refused(media: Media, client: TestClient, entry: HistoryEntry) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert client.request(method, media.url(entry)).status_code == 405


def test_a_link_in_the_place_of_audio_is_not_followed(
    media: Media, client: TestClient, history: GenerationHistory, entry: HistoryEntry, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    path = history.audio_path(entry.entry_id)
    path.unlink()
    path.symlink_to(secret)
    assert client.get(media.url(entry)).status_code == 404
    path.unlink()
    path.mkdir()
    assert client.get(media.url(entry)).status_code == 404


def test_an_audio_folder_on_another_drive_is_served(
    media: Media, client: TestClient, history: GenerationHistory, entry: HistoryEntry, data: bytes, tmp_path: Path
) -> None:
    folder = history.directory / "audio"
    folder.rename(tmp_path / "other-drive")
    folder.symlink_to(tmp_path / "other-drive")
    assert client.get(media.url(entry)).content == data


def test_deleted_takes_can_be_heard_until_they_are_gone_for_good(
    media: Media, client: TestClient, history: GenerationHistory, entry: HistoryEntry
) -> None:
    history.delete_entry(entry.entry_id)
    assert client.get(media.url(entry)).status_code == 200
    history.delete_entry(entry.entry_id, permanent=True)
    assert client.get(media.url(entry)).status_code == 404


def test_the_bytes_served_are_that_takes(media: Media, client: TestClient, history: GenerationHistory) -> None:
    entries = [add(history, seed) for seed in range(20)]
    for one in entries:
        assert client.get(media.url(one)).content == history.audio_path(one.entry_id).read_bytes()


def test_a_folder_that_is_gone_is_a_missing_take(
    media: Media, client: TestClient, history: GenerationHistory, entry: HistoryEntry, tmp_path: Path
) -> None:
    history.directory.rename(tmp_path / "away")
    assert client.get(media.url(entry)).status_code == 404
    (tmp_path / "away").rename(history.directory)
    assert client.get(media.url(entry)).status_code == 200


# -- what a foreign index may name ------------------------------------------------------------------------------------


def test_what_is_no_file_is_not_opened(
    media: Media, client: TestClient, history: GenerationHistory, entry: HistoryEntry
) -> None:
    path = history.audio_path(entry.entry_id)
    path.unlink()
    os.mkfifo(path)  # opening one waits for ever
    assert client.get(media.url(entry)).status_code == 404


AUDIO_FILES = [
    "history.json",
    "./history.json",
    "audio/../history.json",
    "../secret.txt",
    "/etc/passwd",
    "audio",
    "audio/",
    "",
    "audio/\0.wav",
    "audio/link.wav",
    "audio/%2e%2e/history.json",
    "thumbnails/page.html",
    "cache/page.html",
    "C:\\windows\\win.ini",
    "audio/" + "../" * 30 + "etc/passwd",
    "file:///etc/passwd",
]


def test_a_foreign_index_leads_to_no_other_file(tmp_path: Path) -> None:
    root = tmp_path / "history"
    for folder in ("audio", "thumbnails", "cache"):
        (root / folder).mkdir(parents=True)
        (root / folder / "page.html").write_text("<script>alert(1)</script>")
    (tmp_path / "secret.txt").write_text("secret")
    (root / "audio" / "link.wav").symlink_to(tmp_path / "secret.txt")
    named = {str(uuid.UUID(int=number)): name for number, name in enumerate(AUDIO_FILES, 1)}
    write_version_1(root, {entry_id: {"audio_file": name} for entry_id, name in named.items()})
    with GenerationHistory(root) as history:
        assert history.count() == len(AUDIO_FILES)
        media = Media(history, Vocabulary)
        client = TestClient(Starlette(routes=[media.route()]), base_url="http://127.0.0.1:7860")
        for entry in history.list_entries():
            assert client.get(media.url(entry)).status_code == 404, named[entry.entry_id]


def test_whatever_lies_in_the_audio_folder_is_sent_as_sound(tmp_path: Path) -> None:
    root = tmp_path / "history"
    (root / "audio").mkdir(parents=True)
    (root / "audio" / "page.html").write_text("<script>alert(1)</script>")
    write_version_1(root, {str(uuid.UUID(int=1)): {"audio_file": "audio/page.html"}})
    with GenerationHistory(root) as history:
        media = Media(history, Vocabulary)
        client = TestClient(Starlette(routes=[media.route()]), base_url="http://127.0.0.1:7860")
        [entry] = history.list_entries()
        headers = client.get(media.url(entry)).headers
        assert (headers["content-type"], headers["x-content-type-options"]) == ("audio/wav", "nosniff")


def test_any_id_has_an_address_of_its_own(tmp_path: Path) -> None:
    root = tmp_path / "history"
    ids = ["plain", "~plain", "\ud800 half", "a/b", "..", "a\r\nb", "\0", "%2e", "?x", "#x", "ü", "~/", "C:\\x"]
    write_version_1(root, {entry_id: {"audio_file": f"audio/{number}.wav"} for number, entry_id in enumerate(ids)})
    (root / "audio").mkdir()
    for number in range(len(ids)):
        (root / "audio" / f"{number}.wav").write_bytes(b"sound %d" % number)
    with GenerationHistory(root) as history:
        media = Media(history, Vocabulary)
        client = TestClient(Starlette(routes=[media.route()]), base_url="http://127.0.0.1:7860")
        for number, entry_id in enumerate(ids):
            entry = history.get(entry_id)
            assert entry is not None
            assert client.get(media.url(entry)).content == b"sound %d" % number, entry_id


@pytest.mark.parametrize(
    "headers", [{"host": "evil.example"}, {"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}]
)
def test_the_route_refuses_other_sites_by_itself(
    media: Media, client: TestClient, entry: HistoryEntry, headers: dict[str, str]
) -> None:
    assert client.get(media.url(entry), headers=headers).status_code == 403


def test_two_panels_in_one_app_serve_each_its_own(
    media: Media, history: GenerationHistory, entry: HistoryEntry, data: bytes, tmp_path: Path
) -> None:
    app = Starlette()
    with GenerationHistory(tmp_path / "other") as other:
        others = Media(other, Vocabulary)
        for one in (media, others, media):
            one.add_route(app)
        assert len(app.router.routes) == 2
        client = TestClient(app, base_url="http://127.0.0.1:7860")
        assert client.get(media.url(entry)).content == data
        assert client.get(others.url(entry)).status_code == 404
