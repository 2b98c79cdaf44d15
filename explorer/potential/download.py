"""Download of the published SO3LR model from the repository of its authors, at a fixed revision.

Every file is checked by its sha256, so that a mirror serves as well. An interrupted download is continued. Nothing of
what is downloaded is run.

Source: Kabylda et al., J. Am. Chem. Soc. 147, 33723 (2025), doi:10.1021/jacs.5c09558.
"""

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from explorer.errors import CheckpointError
from explorer.potential.so3lr import PARAMETERS_FILE

_REVISION = "5ec39b9"  # of 2026-01-31
REPOSITORY = "https://github.com/general-molecular-simulations/so3lr"
DEFAULT_BASE = f"{REPOSITORY}/raw/{_REVISION}"
_FOLDER = "so3lr/params"  # of the parameters in the repository; a mirror may have the files at its top
_TIMEOUT = 30  # s without an answer
_CHUNK = 1 << 16  # bytes
_ATTEMPTS = 3  # each continues where the one before was interrupted
_LICENCE = "LICENSE"


class _PublishedFile(NamedTuple):
    """File of the repository with its digest."""

    name: str
    folder: str
    sha256: str


_FILES = (
    _PublishedFile(_LICENCE, "", "eb8fe3ec2923498634e929b11126a4d49be962b5c454189196fc11647282cf6f"),
    _PublishedFile("hyperparameters.json", _FOLDER, "02a95f777f394dc9ae43529b3ac5e7e0e2e89f60c1fa9e6697926d31308853a9"),
    _PublishedFile(PARAMETERS_FILE, _FOLDER, "1c481bd2d9280f8b7b131ec65e92d25ff73deda76956bc137754c2acb98d93fd"),
)


def download_so3lr(folder: Path, base: str = DEFAULT_BASE, progress: Callable[[int, int], None] | None = None) -> None:
    """Download licence, hyperparameters and parameters of SO3LR, or what is missing of them.

    Args:
        folder: Folder for the files; unfinished ones are called `NAME.part`.
        base: Address of the repository at this revision, or of a mirror.
        progress: Called with the numbers of bytes of the current file that are there, and in total.

    Raises:
        CheckpointError: If the server cannot be reached, or a file is not the published one.
    """
    if not base.startswith(("http://", "https://")):
        raise CheckpointError(f"--url must begin with http:// or https://, received {base!r}.")
    folder.mkdir(parents=True, exist_ok=True)
    for file in _FILES:
        path = folder / file.name
        if not path.is_file() or _digest(path) != file.sha256:
            _download(file, base.rstrip("/"), path, progress or (lambda done, total: None))


def _download(file: _PublishedFile, base: str, path: Path, progress: Callable[[int, int], None]) -> None:
    part = path.with_name(f"{path.name}.part")
    addresses = [f"{base}/{file.folder}/{file.name}", f"{base}/{file.name}"] if file.folder else [f"{base}/{file.name}"]
    for address in addresses:
        try:
            _fetch(address, part, progress)
            break
        except urllib.error.HTTPError as error:
            if error.code != 404 or address == addresses[-1]:
                raise _unreachable(address, f"the server answered {error.code}") from None
        except (OSError, http.client.HTTPException) as error:
            kept = f"; {part.stat().st_size} bytes are kept, repeat the command to continue" if part.is_file() else ""
            reason = getattr(error, "reason", None) or error
            raise _unreachable(address, f"{reason or type(error).__name__}{kept}") from None
    if (found := _digest(part)) != file.sha256:
        part.unlink()
        raise CheckpointError(
            f"{address} is not the published file: its sha256 is {found[:16]}..., that of the authors is "
            f"{file.sha256[:16]}.... Nothing was imported. Try again, or another --url."
        )
    part.replace(path)


def _fetch(address: str, part: Path, progress: Callable[[int, int], None]) -> None:
    """Download into a file, from where it ends."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _continue(address, part, progress)
            return
        except urllib.error.HTTPError:
            raise
        except (OSError, http.client.HTTPException):
            if attempt == _ATTEMPTS or not part.is_file():
                raise


def _continue(address: str, part: Path, progress: Callable[[int, int], None]) -> None:
    start = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(address, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # nothing is left to send; the digest decides
            return
        raise
    with response:
        if response.status != 206:  # the server sends the whole file
            start = 0
        remaining = response.headers.get("Content-Length")
        total = start + int(remaining) if remaining else 0
        with part.open("ab" if start else "wb") as file:
            done = start
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                done += len(chunk)
                progress(done, max(total, done))
        if done < total:
            raise http.client.IncompleteRead(b"", total - done)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _unreachable(address: str, reason: str) -> CheckpointError:
    return CheckpointError(
        f"{address} cannot be downloaded ({reason}). Elsewhere, get params.pkl and hyperparameters.json from "
        f"{REPOSITORY}/tree/{_REVISION}/{_FOLDER}, copy them here and type: "
        "pes-explore model import FOLDER --name so3lr"
    )
