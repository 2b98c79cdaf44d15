"""Lock of a run: the process that holds it is its only writer, from its first read to its last file."""

import fcntl
import os
import platform
from contextlib import suppress
from pathlib import Path
from typing import Self, TextIO

from explorer.errors import StoreError


class RunLock:
    """Lock file beside a run, held until `release`; the operating system gives it up when the process dies.

    SQLite alone does not suffice: its lock ends with each transaction, and a second writer would start from a round
    that is no longer the last.

    Args:
        path: File of the run; its folder is created where it is missing.

    Raises:
        StoreError: If another process holds the lock, or the folder cannot be written.
    """

    def __init__(self, path: Path):
        self._path = path.with_name(f"{path.name}.lock")
        folder = path.parent
        self._new_folder = None if folder.exists() else folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self._locked_file()
        except BlockingIOError:
            raise StoreError(
                f"{path} is being written by another process{self._holder()}. Wait until that run ends, or stop it."
            ) from None
        except OSError as error:
            raise StoreError(
                f"{folder} cannot be written: {error.strerror}. Check its permissions and the free disk space, or "
                "choose another folder."
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Give up the lock and delete its file, and the folder if it is new and empty. Later calls do nothing."""
        if self._file.closed:
            return
        with suppress(OSError):
            self._path.unlink()  # before the lock ends, so that no other process loses its own file
        self._file.close()
        if self._new_folder is not None:
            with suppress(OSError):
                self._new_folder.rmdir()

    def _locked_file(self) -> TextIO:
        """Return the open and locked file. A file that its last holder deleted meanwhile is opened again."""
        while True:
            file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666), "r+")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(file.fileno()), self._path.stat()):
                    break
                file.close()
            except FileNotFoundError:
                file.close()
            except BaseException:
                file.close()
                raise
        with suppress(OSError):  # on a full disk the message of a second writer lacks the process
            file.truncate()
            file.write(f"{os.getpid()} on {platform.node()}")
            file.flush()
        return file

    def _holder(self) -> str:
        try:
            holder = self._path.read_text()
        except OSError:
            return ""
        return f" (process {holder})" if holder else ""
