"""Where the files of an ingest are: in folders, or in the S3 store whose keys the catalog has.

An object is copied to a scratch folder of this machine before it is read, and known again by its
ETag, so that one that is in the dataset is not even fetched.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import Conflict
from .addresses import check_objects
from .formats.packed import ARCHIVE, split
from .hive import Values, values_of
from .listed import etag, in_folder, is_known, listed
from .progress import Meter
from .scratch import waiting_folder
from .sources import kind_of
from .stores.objects import is_object, objects_at

if TYPE_CHECKING:
    from .store import CatalogStore

_BLOCK = 4 << 20
_NAMED = 10
"""Files that are named of those that were left out."""


@dataclass(frozen=True, slots=True)
class Given:
    """The files of an ingest, here. urls, marks: of those that were fetched, from where and how
    each is known again. skipped: the snapshots of those that were not fetched, by URL. left_out:
    what is in the folders and prefixes, and of no kind that can be ingested. beyond: how many
    further objects were not fetched, since there are too many. folders: by file, the values that
    names of folders hold.
    """

    files: Sequence[str | Path]
    urls: Mapping[Path, str] = field(default_factory=dict)
    marks: Mapping[Path, str] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    left_out: Sequence[str] = ()
    beyond: int = 0
    folders: Mapping[Path, Values] = field(default_factory=dict)

    def values(self, path: Path) -> Values:
        """The columns that the names of a file's folders hold, below the folder that was named."""
        return self.folders.get(split(path)[0], {})

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
                "Left out, since they are of no kind that is read in a folder, or a stream of Spark"
                f" did not commit them: {shown}. An archive is read when it is named itself."
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
    objects = [str(file) for file in files if is_object(file)]
    left_out, folders = list[str](), dict[Path, Values]()
    here = [
        part
        for file in files
        if not is_object(file)
        for part in _in_folder(file, root, left_out, folders)
    ]
    if not objects:
        yield Given(here, left_out=left_out, folders=folders)
        return
    with waiting_folder(scratch()) as folder:
        fetching = _Fetching(store, folder, known, sheet, meter, most, left_out)
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
            {**folders, **fetching.folders},
        )


def _in_folder(
    file: str | Path, root: Path, left_out: list[str], folders: dict[Path, Values]
) -> list[str | Path]:
    """The files that a folder means; anything else is returned as it is. left_out: is told of those
    of no kind that can be ingested, folders: of values that names of folders hold.
    """
    # not Path.is_dir, which raises for a name that is too long
    folder = next((place for place in (Path(file), root / file) if os.path.isdir(place)), None)
    if folder is None:
        return [file]
    kept = in_folder(folder, str(file), left_out)
    for path in kept:
        if values := values_of(path.relative_to(folder).parts[:-1]):
            folders[path] = values
    return list(kept)


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
    folders: dict[Path, Values] = field(default_factory=dict)

    def fetch(self, url: str) -> None:
        """Copy what a URL means, but the objects that are known."""
        archive, mark, member = url.partition(f"{ARCHIVE}!")
        url = archive + ARCHIVE if mark else url
        scheme, _, rest = url.partition("://")
        system = objects_at(self.store, url).system(rest.partition("/")[0])
        objects = listed(system, url, self.left_out)
        if self.most is not None:
            kept = max(self.most - len(self.paths), 0)
            self.beyond += len(objects[kept:])
            objects = objects[:kept]
        self.meter.begin("fetching", sum(info.size or 0 for info in objects))
        for info in objects:
            below = info.path.removeprefix(rest) if info.path.startswith(rest) else ""
            values = values_of(below.split("/")[:-1])
            self._fetch(system, scheme, info.path, member, values)

    def _fetch(self, system: Any, scheme: str, path: str, member: str, values: Values) -> None:
        """Copy one object. member: of an archive, the one that is meant. values: of its folders."""
        url, version = f"{scheme}://{path}", etag(system, path)
        is_book = self.sheet is not None and is_known(Path(path)) and kind_of(Path(path)) == "excel"
        part = f"!{member}" if member else f"#{self.sheet}" if is_book else ""
        mark = f"object:{sha256(f'{path}#{version}{part}'.encode()).hexdigest()[:32]}"
        if mark in self.known:
            self.skipped[f"{url}!{member}" if member else url] = self.known[mark]
            return
        copy = self.folder / str(len(self.urls)) / path.rpartition("/")[2]
        copy.parent.mkdir()
        with system.open_input_stream(path, compression=None) as source, copy.open("wb") as target:
            while block := source.read(_BLOCK):
                target.write(block)
                self.meter.passed(len(block))
        if etag(system, path) != version:
            raise Conflict(
                f"{url} changed while it was read.",
                "Another process has replaced it.",
                "Ingest it again; nothing was committed.",
            )
        self.paths.append(Path(f"{copy}!{member}") if member else copy)
        self.urls[copy], self.marks[copy] = url, mark
        if values:
            self.folders[copy] = values
