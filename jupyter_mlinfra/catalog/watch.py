"""Files that must not change while they are read, and the identity of their content."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import Conflict, MLInfraError, Unavailable
from ..core.files import explain_os_error
from .formats.packed import content_size, damaged, is_damage, split, unpacked

_BLOCK = 4 << 20
_LETTERS = 32  # of a digest: 128 bits, so that two files never collide by chance


@dataclass(frozen=True, slots=True)
class _FileState:
    """What changes when a file is written to or replaced. changed_ns: of the file's entry; unlike
    the time of its content, nobody can set it back.
    """

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> _FileState | None:
        try:
            status = split(path)[0].stat()
        except OSError:
            return None
        return cls(
            status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
        )


class Watch:
    """The files as they were before the first byte was read."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._states = {path: _FileState.of(path) for path in paths}

    def check(self) -> None:
        """Raise Conflict if a file has changed since."""
        for path, state in self._states.items():
            if _FileState.of(path) != state:
                why = "Another process writes to it, or has replaced it."
                raise Conflict(
                    f"{path.name} changed while it was read.",
                    why,
                    "Ingest it when it is written; nothing was committed.",
                )


@contextlib.contextmanager
def watched(paths: Sequence[Path]) -> Iterator[Watch]:
    """Watch files; an error inside the block because one of them changed is raised as that."""
    watch = Watch(paths)
    try:
        yield watch
    except Exception:
        watch.check()
        raise


def digest(path: Path, part: str = "", *, passed: Callable[[int], object] = lambda _: None) -> str:
    """The identity of a file's content, whatever its name; it ends with the size. A member of an
    archive has that of its file. part: of the file that is meant, such as a sheet. passed: called
    with the bytes of each block.

    Raises Unavailable if it cannot be read, Unprocessable for a damaged archive.
    """
    is_member = bool(split(path)[1])
    try:
        with unpacked(path) if is_member else open(path, "rb") as file:
            checksum = hashlib.sha256()
            while block := file.read(_BLOCK):
                checksum.update(block)
                passed(len(block))
            checksum.update(part.encode())
            return f"{checksum.hexdigest()[:_LETTERS]}.{file.tell()}"
    except Exception as error:
        if is_member and is_damage(error):
            raise damaged(path, error) from error
        if isinstance(error, OSError):
            raise unreadable(error, path) from error
        raise


def unreadable(error: OSError, path: Path | str) -> MLInfraError:
    """The error for a file that cannot be read; the caller raises it `from error`."""
    what = f"{path} cannot be read."
    if isinstance(error, PermissionError):
        return Unavailable(what, f"{error.strerror}.", f"Give this user the right to read {path}.")
    return explain_os_error(error, what)


def digest_if(
    path: Path, digests: Container[str], sizes: Container[int], *, max_bytes: int, part: str = ""
) -> str | None:
    """The digest of a file, if it is among those that are known. A file of another size, or of more
    than `max_bytes` bytes, is not read.
    """
    size = content_size(path)
    if size > max_bytes or size not in sizes:
        return None
    value = digest(path, part)
    return value if value in digests else None


def size_in(digest: str) -> int:
    """The size of the file that a digest is of; 0 for what names other rows than those of a
    file.
    """
    size = digest.rpartition(".")[2]
    return int(size) if size.isdecimal() and ":" not in digest else 0
