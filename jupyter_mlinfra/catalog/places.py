"""Where the files of an ingest are: in folders, or in the S3 store whose keys the catalog has.

An object is copied to a scratch folder of this machine before it is read, and known again by its
ETag, so that one that is in the dataset is not even fetched.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest, Conflict, NotFound
from .addresses import check_objects
from .drivers import with_region
from .formats.packed import ARCHIVE, split
from .progress import Meter
from .sources import kind_of
from .tablefiles import (
    DELTA_LOG,
    ICEBERG_ENDING,
    METADATA,
    PARQUET,
    data_folders,
    of_table,
    refuse_table,
)

if TYPE_CHECKING:
    from .store import CatalogStore

_SCHEMES = ("s3://", "s3a://")
_MAGIC = "*?["
_BLOCK = 4 << 20
_NAMED = 10
"""Files that are named of those that were left out."""


@dataclass(frozen=True, slots=True)
class Given:
    """The files of an ingest, here. urls, marks: of those that were fetched, from where and how
    each is known again. skipped: the snapshots of those that were not fetched, by URL. left_out:
    what is in the folders and prefixes, and of no kind that can be ingested. beyond: how many
    further objects were not fetched, since there are too many.
    """

    files: Sequence[str | Path]
    urls: Mapping[Path, str] = field(default_factory=dict)
    marks: Mapping[Path, str] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    left_out: Sequence[str] = ()
    beyond: int = 0

    def url(self, path: Path) -> str | None:
        """From where a file, or the archive of a member, was fetched; None for one that is here."""
        archive, member = split(path)
        url = self.urls.get(archive)
        return f"{url}!{member}" if url and member else url

    def mark(self, path: Path) -> str | None:
        """How the object is known again that is this file or has this member."""
        return self.marks.get(split(path)[0])

    def notes(self) -> list[str]:
        """What is said of files that are not among them."""
        notes = []
        if self.left_out:
            more = len(self.left_out) - _NAMED
            shown = ", ".join(self.left_out[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
            notes.append(
                f"Left out, since they are of no kind that is read in a folder: {shown}. An archive"
                " is read when it is named itself."
            )
        if self.beyond:
            notes.append(f"{self.beyond:,} further objects were not looked at.")
        return notes


@contextlib.contextmanager
def given(
    files: Sequence[str | Path],
    store: CatalogStore,
    *,
    root: Path,
    scratch: Callable[[], Path],
    known: Mapping[str, str],
    sheet: str | None,
    meter: Meter,
    most: int | None = None,
) -> Iterator[Given]:
    """The files of an ingest: those of folders, and copies of objects until the end of the block.
    known: snapshots by mark. sheet: of workbooks, the one that is meant. most: objects that are
    fetched.

    Raises NotFound if there are none, BadRequest for a folder that cannot be read as files,
    Conflict for an object that changes meanwhile.
    """
    for file in files:
        check_objects(file)
    objects = [str(file) for file in files if _is_object(file)]
    left_out = list[str]()
    here = [
        part for file in files if not _is_object(file) for part in _in_folder(file, root, left_out)
    ]
    if not objects:
        yield Given(here, left_out=left_out)
        return
    with tempfile.TemporaryDirectory(dir=scratch()) as folder:
        fetching = _Fetching(store, Path(folder), known, sheet, meter, most, left_out)
        for url in objects:
            with store.explained(f"{url} cannot be read."):
                fetching.fetch(url)
        yield Given(
            [*here, *fetching.paths],
            fetching.urls,
            fetching.marks,
            fetching.skipped,
            left_out,
            fetching.beyond,
        )


def _is_object(file: str | Path) -> bool:
    return isinstance(file, str) and file.startswith(_SCHEMES)


def _in_folder(file: str | Path, root: Path, left_out: list[str]) -> list[str | Path]:
    """The files that a folder means; anything else is returned as it is. left_out: is told of those
    of no kind that can be ingested.
    """
    # not Path.is_dir, which raises for a name that is too long
    folder = next((place for place in (Path(file), root / file) if os.path.isdir(place)), None)
    if folder is None:
        return [file]
    below = sorted(folder.rglob("*"))
    refuse_table(str(file), [path.relative_to(folder).as_posix() for path in below])
    found = [path for path in below if path.is_file()]
    relative = {path: path.relative_to(folder).parts for path in found}
    _refuse_partitions(str(file), [part for parts in relative.values() for part in parts[:-1]])
    shown = [path for path in found if not _is_hidden(relative[path])]
    kept = [path for path in shown if _is_known(path)]
    if not kept:
        raise NotFound(
            f"{file} has no files that can be ingested.",
            "It is a folder without any of a known kind.",
            "Look at it; names that begin with a dot or `_` are left out, and an archive has to be"
            " named itself.",
        )
    left_out += [path.relative_to(folder).as_posix() for path in shown if not _is_known(path)]
    return list(kept)


def _is_hidden(parts: Sequence[str]) -> bool:
    return any(part.startswith((".", "_")) for part in parts)


def _is_known(path: Path) -> bool:
    """Whether its name is that of a file of a kind that can be ingested."""
    try:
        kind_of(path)
    except BadRequest:
        return False
    return True


def _refuse_partitions(place: str, folders: Sequence[str]) -> None:
    """Raise BadRequest for folders that are values of a column: the files do not have it."""
    for name in folders:
        if "=" in name:
            raise BadRequest(
                f"{place} is divided by {name.partition('=')[0]!r}.",
                f"Folders such as {name} are values of a column that the files do not have.",
                "Read it with Polars (scan_parquet, hive_partitioning=True), and ml.write the"
                " frame.",
            )


@dataclass
class _Fetching:
    """Objects on their way into a folder of this machine. left_out: is told of those of no kind
    that can be ingested.
    """

    store: CatalogStore
    folder: Path
    known: Mapping[str, str]
    sheet: str | None
    meter: Meter
    most: int | None
    left_out: list[str]
    paths: list[Path] = field(default_factory=list)
    urls: dict[Path, str] = field(default_factory=dict)
    marks: dict[Path, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    beyond: int = 0

    def fetch(self, url: str) -> None:
        """Copy what a URL means, but the objects that are known."""
        archive, mark, member = url.partition(f"{ARCHIVE}!")
        url = archive + ARCHIVE if mark else url
        scheme, _, rest = url.partition("://")
        system = _file_system(self.store, rest.partition("/")[0])
        objects = _listed(system, url, rest, self.left_out)
        if self.most is not None:
            kept = max(self.most - len(self.paths), 0)
            self.beyond += len(objects[kept:])
            objects = objects[:kept]
        self.meter.begin("fetching", sum(info.size or 0 for info in system.get_file_info(objects)))
        for path in objects:
            self._fetch(system, scheme, path, member)

    def _fetch(self, system: Any, scheme: str, path: str, member: str) -> None:
        """Copy one object. member: of an archive, the one that is meant."""
        url, etag = f"{scheme}://{path}", _etag(system, path)
        is_book = (
            self.sheet is not None and _is_known(Path(path)) and kind_of(Path(path)) == "excel"
        )
        part = f"!{member}" if member else f"#{self.sheet}" if is_book else ""
        mark = f"object:{sha256(f'{path}#{etag}{part}'.encode()).hexdigest()[:32]}"
        if mark in self.known:
            self.skipped[f"{url}!{member}" if member else url] = self.known[mark]
            return
        copy = self.folder / str(len(self.urls)) / path.rpartition("/")[2]
        copy.parent.mkdir()
        with system.open_input_stream(path, compression=None) as source, copy.open("wb") as target:
            while block := source.read(_BLOCK):
                target.write(block)
                self.meter.passed(len(block))
        if _etag(system, path) != etag:
            raise Conflict(
                f"{url} changed while it was read.",
                "Another process has replaced it.",
                "Ingest it again; nothing was committed.",
            )
        self.paths.append(Path(f"{copy}!{member}") if member else copy)
        self.urls[copy], self.marks[copy] = url, mark


def _file_system(store: CatalogStore, bucket: str) -> Any:
    """The store of objects, by the catalog's own endpoint and keys."""
    from pyiceberg.io.pyarrow import PyArrowFileIO

    properties = with_region({k: str(v) for k, v in store.iceberg.properties.items()})
    return PyArrowFileIO(properties).fs_by_scheme("s3", bucket)


def _listed(system: Any, url: str, place: str, left_out: list[str]) -> list[str]:
    """The objects that a URL means: one, those below a prefix, or those that match a pattern.
    left_out: is told of those of no kind that can be ingested.
    """
    from pyarrow.fs import FileSelector, FileType

    pattern = place if any(sign in place for sign in _MAGIC) else ""
    base = place.rstrip("/")
    while any(sign in base for sign in _MAGIC):
        base = base.rpartition("/")[0]
    info = system.get_file_info(base)
    if info.type == FileType.File:
        _refuse_in_table(system, url, base.rpartition("/")[0], [base])
        return [base]
    found = []
    if info.type == FileType.Directory:
        recursive = not pattern or "**" in pattern or "/" in pattern[len(base) + 1 :]
        items = system.get_file_info(FileSelector(base, recursive=recursive))
        refuse_table(url, [item.path[len(base) + 1 :] for item in items])
        for item in items:
            parts = item.path[len(base) + 1 :].split("/")
            if item.type == FileType.File and not _is_hidden(parts):
                found.append(item.path)
    if pattern:
        found = [path for path in found if fnmatchcase(path, pattern)]
    left_out += [f"s3://{path}" for path in sorted(found) if not _is_known(Path(path))]
    found = [path for path in found if _is_known(Path(path))]
    if not found:
        raise NotFound(
            f"No object matches {url}.",
            "There is none of a known kind at that place.",
            "Check bucket and prefix; names that begin with a dot or `_` are left out.",
        )
    _refuse_partitions(url, [part for path in found for part in path[len(base) :].split("/")[:-1]])
    _refuse_in_table(system, url, base, found)
    return sorted(found)


def _refuse_in_table(system: Any, url: str, folder: str, found: Sequence[str]) -> None:
    """Raise BadRequest for objects of a folder that belongs to a table."""
    from pyarrow.fs import FileSelector, FileType

    if not any(path.lower().endswith(PARQUET) for path in found):
        return
    parts = folder.split("/")
    logs = ["/".join([*parts[:place], DELTA_LOG]) for place in range(1, len(parts) + 1)]
    if any(info.type == FileType.Directory for info in system.get_file_info(logs)):
        raise of_table(url, delta=True)
    for above in data_folders(parts):
        place = FileSelector("/".join([*above, METADATA]), allow_not_found=True)
        if any(item.path.endswith(ICEBERG_ENDING) for item in system.get_file_info(place)):
            raise of_table(url, delta=False)


def _etag(system: Any, path: str) -> str:
    """What changes with the content of an object."""
    with system.open_input_file(path) as file:
        facts = {_text(key): _text(value) for key, value in (file.metadata() or {}).items()}
        return f"{facts.get('ETag', '')}.{facts.get('Last-Modified', '')}.{file.size()}"


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
