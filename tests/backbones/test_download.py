"""Downloading, against a server on this machine."""

import dataclasses
import http.server
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from napari_i3d._utils.files import sha256_of
from napari_i3d.backbones import pretrained
from napari_i3d.backbones.download import download_weights
from napari_i3d.backbones.weights import load_network
from napari_i3d.errors import OutputError, WeightsError

NAME = "i3d_r50_kinetics"


class Server(http.server.ThreadingHTTPServer):
    """Serves `content`; `status` and `cut` (bytes after which the line breaks) as set by the test."""

    daemon_threads = True
    content = b""
    status = 200
    cut: int | None = None
    with_length = True
    requests = 0


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests += 1
        self.send_response(self.server.status)
        if self.server.with_length:
            self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content[: self.server.cut])

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        url = f"http://127.0.0.1:{server.server_address[1]}/weights.pkl"
        monkeypatch.setitem(pretrained.SOURCES, NAME, dataclasses.replace(pretrained.SOURCES[NAME], url=url))
        yield server
        server.shutdown()
        thread.join()


class Bar:
    """A progress bar such as tqdm without a total, which has no truth value."""

    total = 0
    done = 0
    closed = False

    def __bool__(self) -> bool:
        raise TypeError("bool() undefined")

    def update(self, count: int) -> None:
        self.done += count

    def reset(self) -> None:
        self.done = 0

    def close(self) -> None:
        self.closed = True


def files(home: Path) -> list[str]:
    return sorted(path.name for path in home.rglob("*") if path.is_file())


def refusal(match: str) -> str:
    with pytest.raises(WeightsError, match=match) as caught:
        download_weights(NAME)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_download_is_checked_kept_recorded_and_loaded(
    server: Server, published: Path, home: Path, blobs: dict[str, np.ndarray], capfd: pytest.CaptureFixture[str]
) -> None:
    server.content = published.read_bytes()
    bar = Bar()
    path = download_weights(NAME, progress=bar)
    assert path == home / "weights" / "i3d_baseline_32x2_IN_pretrain_400k.pkl"
    assert files(home) == [path.name, path.name + ".json"]
    record = json.loads((home / "weights" / (path.name + ".json")).read_text())
    assert record["sha256"] == sha256_of(published)
    assert record["url"] == pretrained.SOURCES[NAME].url
    assert record["license"] == "CC-BY-NC 4.0"
    assert record["size_bytes"] == published.stat().st_size
    assert record["downloaded"].endswith("+00:00")
    assert bar.closed
    assert bar.total == bar.done == published.stat().st_size
    assert capfd.readouterr() == ("", "")

    network, facts = load_network(NAME)
    np.testing.assert_array_equal(network.pred.weight.numpy(), blobs["pred_w"])
    assert facts.sha256 == record["sha256"]
    assert download_weights(NAME) == path
    assert server.requests == 1


def test_changed_file_is_refused_and_downloaded_again(server: Server, published: Path, home: Path) -> None:
    server.content = published.read_bytes()
    path = download_weights(NAME)
    with path.open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"\x00\x01\x02\x03")
    with pytest.raises(WeightsError, match="damaged or changed since its download"):
        load_network(NAME)
    assert download_weights(NAME) == path
    assert server.requests == 2
    assert sha256_of(path) == sha256_of(published)


@pytest.mark.parametrize("with_length", [True, False])
def test_broken_transfer_leaves_nothing_and_next_one_succeeds(
    server: Server, published: Path, home: Path, with_length: bool
) -> None:
    server.content = published.read_bytes()
    server.cut = 3_000_000
    server.with_length = with_length
    refusal("cannot be downloaded" if with_length else "was not kept: not a whole pickle")
    assert files(home) == []
    server.cut = None
    assert download_weights(NAME).stat().st_size == published.stat().st_size


@pytest.mark.parametrize("status", [404, 403, 500])
def test_answer_that_is_an_error_is_said(server: Server, home: Path, status: int) -> None:
    server.status = status
    text = refusal("cannot be downloaded")
    assert str(status) in text
    assert files(home) == []


def test_server_that_cannot_be_reached_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    source = dataclasses.replace(pretrained.SOURCES[NAME], url=f"http://127.0.0.1:{port}/weights.pkl")
    monkeypatch.setitem(pretrained.SOURCES, NAME, source)
    text = refusal("cannot be downloaded")
    assert str(source.path) in text
    assert files(home) == []


@pytest.mark.parametrize("content", [b"<html>Sign in to this network</html>", b"", b"\x80\x02}U\x05blobs}s."])
def test_something_else_than_the_weights_is_not_kept(server: Server, home: Path, content: bytes) -> None:
    server.content = content
    text = refusal("what came is not the weights, and was not kept")
    assert ".part" not in text
    assert files(home) == []


def test_failed_download_leaves_what_was_there(server: Server, published: Path, home: Path) -> None:
    server.content = b"<html>"
    path = pretrained.SOURCES[NAME].path
    path.parent.mkdir()
    path.write_bytes(b"put here by hand")
    refusal("was not kept")
    assert files(home) == [path.name]
    assert path.read_bytes() == b"put here by hand"


def test_unknown_name_is_refused() -> None:
    with pytest.raises(WeightsError, match="known are i3d_r50_kinetics"):
        download_weights("slowfast")


def test_folder_that_cannot_be_made_is_said(server: Server, home: Path) -> None:
    (home / "weights").write_text("a file in the way")
    with pytest.raises(OutputError):
        download_weights(NAME)
    assert server.requests == 0
