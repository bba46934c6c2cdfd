"""The audio route: the takes' own audio, whole or in ranges, and nothing else on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from history_ui.media import Media, file_name_of
from history_ui.titles import Vocabulary
from store import GenerationHistory, HistoryEntry
from tests.conftest import add


@pytest.fixture
def media(history: GenerationHistory) -> Media:
    return Media(history, Vocabulary)


@pytest.fixture
def client(media: Media) -> TestClient:
    return TestClient(Starlette(routes=[media.route()]))


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
    ],
)
def test_ranges_that_cannot_be_are_refused(
    media: Media, client: TestClient, entry: HistoryEntry, header: str, status: int
) -> None:
    assert client.get(media.url(entry), headers={"range": header}).status_code == status


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
        assert client.get(f"/retake/media/{token}/{entry.entry_id}.wav").status_code == 404


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
    answered = client.get(f"/retake/media/{media._token}/{name}")
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
