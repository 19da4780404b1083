"""Packed files: what unpacks them as they are read, and the members of a zip archive.

A member is written as `archive.zip!member`, wherever a file can be named.
"""

from __future__ import annotations

import gzip
import io
import os
import zipfile
import zlib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import NotFound, Unprocessable

if TYPE_CHECKING:
    from collections.abc import Buffer

type Opened = gzip.GzipFile | io.BufferedReader | zipfile.ZipExtFile

PACKED = (".gz", ".bz2", ".zst", ".zstd", ".lz4")
ARCHIVE = ".zip"
# Python's own bz2 takes what is damaged behind a first part for the end of the file.
_ARROW_CODECS = {".bz2": "bz2", ".zst": "zstd", ".zstd": "zstd", ".lz4": "lz4"}
# What the Finder adds to an archive.
_NOT_MEANT = ("__MACOSX/", ".DS_Store")


def packing(path: Path) -> str:
    """The suffix that says how a file is compressed; empty if it is not, or if it is a member of an
    archive.
    """
    suffix = path.suffix.lower()
    return suffix if suffix in PACKED else ""


def is_packed(path: Path) -> bool:
    """Whether a file has to be unpacked, as it is read or as a member."""
    return bool(packing(path) or split(path)[1])


def split(path: Path) -> tuple[Path, str]:
    """The file on disk, and the member of it that is meant; empty for the file itself."""
    archive, mark, member = str(path).partition(f"{ARCHIVE}!")
    if not mark or os.path.exists(path):
        return path, ""
    return Path(archive + ARCHIVE), member


def members(archive: Path, pattern: str = "*") -> list[Path]:
    """The files in a zip archive that match, by name, without folders and what the Finder adds.

    Raises NotFound if there are none, Unprocessable for a damaged archive.
    """
    with _archive(archive) as opened:
        names = [
            info.filename
            for info in opened.infolist()
            if not info.is_dir()
            and not info.filename.startswith(_NOT_MEANT[0])
            and not info.filename.endswith(_NOT_MEANT[1])
        ]
    found = [name for name in names if name == pattern or fnmatchcase(name, pattern)]
    if not found:
        listed = ", ".join(names[:12]) or "nothing"
        raise NotFound(
            f"{archive.name} has no member {pattern}.",
            f"It holds {listed}.",
            f"Name one as {archive.name}!MEMBER.",
        )
    return [Path(f"{archive}!{name}") for name in sorted(found)]


def unpacked(path: Path) -> Opened:
    """The bytes of a file or member, unpacked as they are read. Raises Unprocessable for a member
    that cannot be opened.
    """
    archive, member = split(path)
    if member:
        return _member(archive, member)
    suffix = packing(path)
    if suffix == ".gz":
        return gzip.GzipFile(path)
    if suffix:
        return io.BufferedReader(_ArrowStream(path, _ARROW_CODECS[suffix]))
    return path.open("rb")


def packed_size(path: Path) -> int:
    """Bytes that a file or member takes on disk."""
    archive, member = split(path)
    if not member:
        return path.stat().st_size
    with _archive(archive) as opened:
        return opened.getinfo(member).compress_size


def content_size(path: Path) -> int:
    """Bytes of a file, or of a member when it is unpacked."""
    archive, member = split(path)
    if not member:
        return path.stat().st_size
    with _archive(archive) as opened:
        return opened.getinfo(member).file_size


def is_damage(error: Exception) -> bool:
    """Whether an error of `unpacked` or of its bytes says that they are not what was packed. An
    error of the disk has a number.
    """
    if isinstance(error, OSError):
        return error.errno is None
    return isinstance(error, EOFError | zlib.error | zipfile.BadZipFile)


def damaged(path: Path, error: Exception) -> Unprocessable:
    """The error for a damaged file; the caller raises it `from error`."""
    fix = "Fetch the file again; nothing was committed."
    if packing(path) == ".lz4":
        fix += " LZ4 of Hadoop and Spark is of another form: write it again as gzip."
    return Unprocessable(f"{path.name} is damaged.", f"It cannot be unpacked: {error}.", fix)


def _archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise damaged(path, error) from error


def _member(archive: Path, member: str) -> zipfile.ZipExtFile:
    with _archive(archive) as opened:  # the member keeps the file open
        try:
            return opened.open(member)  # type: ignore[return-value]  # it reads, so it is one
        except KeyError as error:
            raise NotFound(
                f"{archive.name} has no member {member}.", fix="Look at its list of members."
            ) from error
        except (RuntimeError, NotImplementedError) as error:  # a password; another compression
            raise Unprocessable(
                f"{member} in {archive.name} cannot be unpacked.",
                f"{str(error)[:200]}.",
                "Unpack it yourself, then ingest the file.",
            ) from error


class _ArrowStream(io.RawIOBase):
    """A file that Arrow unpacks."""

    def __init__(self, path: Path, codec: str) -> None:
        import pyarrow as pa

        self._stream: Any = pa.input_stream(str(path), compression=codec)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        view = memoryview(buffer)
        data = self._stream.read(len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()
