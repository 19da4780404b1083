"""Files that must not change while they are read, and how two contents are told apart."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import Conflict

_LETTERS = 32  # of a digest: 128 bits, so that two files never collide by chance


@dataclass(frozen=True, slots=True)
class _Seen:
    """What changes when a file is written to or replaced. changed_ns: of the file's entry; unlike
    the time of its content, nobody can set it back.
    """

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> _Seen | None:
        try:
            found = path.stat()
        except OSError:
            return None
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


class Watch:
    """The files as they were before the first byte was read."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._seen = {path: _Seen.of(path) for path in paths}

    def check(self) -> None:
        """Raise Conflict if a file has changed since."""
        for path, before in self._seen.items():
            if _Seen.of(path) != before:
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


def digest(path: Path) -> str:
    """The identity of a file's content, whatever its name; it ends with the size."""
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()[:_LETTERS]
        return f"{found}.{file.tell()}"


def digest_if(path: Path, known: Container[str], sizes: Container[int], *, most: int) -> str | None:
    """The digest of a file, if it is among those that are known. A file of another size, or of more
    than `most` bytes, is not read.
    """
    size = path.stat().st_size
    if size > most or size not in sizes:
        return None
    found = digest(path)
    return found if found in known else None


def size_in(digest: str) -> int:
    """The size of the file that a digest is of."""
    return int(digest.rpartition(".")[2] or 0)
