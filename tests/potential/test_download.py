"""Download of SO3LR from a local server: interrupted, corrupted, another file, and right."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from explorer.errors import CheckpointError
from explorer.potential import download
from explorer.potential.download import download_so3lr

CONTENT = {
    "LICENSE": b"MIT License\n",
    "hyperparameters.json": b"{}",
    "params.pkl": bytes(range(256)) * 4096,
}
Answer = Callable[[BaseHTTPRequestHandler, bytes], None]


def whole(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    """Sends a file, or what a range asks for."""
    start = int((handler.headers.get("Range") or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
    handler.send_response(206 if start else 200)
    handler.send_header("Content-Length", str(len(content) - start))
    handler.end_headers()
    handler.wfile.write(content[start:])


class Server(ThreadingHTTPServer):
    """Serves the files below a folder; `answer` sends the parameters."""

    def __init__(self, folder: str = ""):
        self.folder, self.answer, self.ranges = folder, whole, []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        name = self.path.rpartition("/")[2]
        folder = self.server.folder if name != "LICENSE" else ""
        if self.path != f"{folder}/{name}":
            self.send_error(404)
            return
        if name == "params.pkl":
            self.server.ranges.append(self.headers.get("Range"))
            self.server.answer(self, CONTENT[name])
        else:
            whole(self, CONTENT[name])

    def log_message(self, *_):
        pass


@pytest.fixture(params=["/so3lr/params", ""], ids=["repository", "flat mirror"])
def server(request, monkeypatch) -> Iterator[Server]:
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}
    monkeypatch.setattr(download, "_FILES", tuple(f._replace(sha256=digests[f.name]) for f in download._FILES))
    with Server(request.param) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def files(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_all_files_arrive_and_are_not_loaded_twice(server, tmp_path):
    seen = []
    download_so3lr(tmp_path, server.url, lambda done, total: seen.append((done, total)))
    assert files(tmp_path) == CONTENT
    assert seen[-1] == (len(CONTENT["params.pkl"]),) * 2
    download_so3lr(tmp_path, server.url)
    assert server.ranges == [None]


def cut(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    """Promises the whole file and closes after 100,000 bytes of it."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content[:100_000])


def test_an_interrupted_download_is_continued_where_it_ended(server, tmp_path):
    server.answer = cut
    with pytest.raises(CheckpointError, match="bytes are kept, repeat the command to continue"):
        download_so3lr(tmp_path, server.url)
    assert not (tmp_path / "params.pkl").exists()
    n_kept = (tmp_path / "params.pkl.part").stat().st_size
    assert n_kept == 100_000
    server.answer, server.ranges = whole, []
    download_so3lr(tmp_path, server.url)
    assert server.ranges == [f"bytes={n_kept}-"]
    assert files(tmp_path) == CONTENT


def corrupted(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    whole(handler, content[:-1] + b"?")


def test_a_corrupted_file_is_refused_and_not_kept(server, tmp_path):
    server.answer = corrupted
    with pytest.raises(CheckpointError, match=r"is not the published file: its sha256 is .* Nothing was imported"):
        download_so3lr(tmp_path, server.url)
    assert sorted(files(tmp_path)) == ["LICENSE", "hyperparameters.json"]
    server.answer = whole
    download_so3lr(tmp_path, server.url)
    assert files(tmp_path) == CONTENT


def missing(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    handler.send_error(404)


def test_without_the_file_or_the_server_the_message_says_what_to_type(server, tmp_path):
    server.answer = missing
    with pytest.raises(CheckpointError, match=r"answered 404.*pes-explore model import FOLDER --name so3lr"):
        download_so3lr(tmp_path, server.url)
    with pytest.raises(CheckpointError, match=r"refused.*github\.com/general-molecular-simulations/so3lr/tree/"):
        download_so3lr(tmp_path / "other", "http://127.0.0.1:9")
    with pytest.raises(CheckpointError, match="must begin with http"):
        download_so3lr(tmp_path / "other", "file:///etc")


def test_pinned_digests_are_those_of_the_published_files(reference_data):
    for file in download._FILES:
        assert hashlib.sha256((reference_data / "so3lr" / file.name).read_bytes()).hexdigest() == file.sha256
