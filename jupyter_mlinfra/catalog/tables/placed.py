"""Where the files of what is registered in place are: on a disk, or in an S3 store."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from shutil import copyfileobj
from typing import TYPE_CHECKING, Any, Literal, Protocol

from ...core.errors import BadRequest
from ..addresses import check_objects, is_pattern, refuse_address
from ..formats.packed import split
from ..listed import etag, files_at, listed, looked
from ..scratch import waiting_folder
from ..sources import kind_of
from ..stores.objects import Objects, address_of, is_object, objects_at
from ..tablefiles import DELTA_LOG
from .explained import no_delta

if TYPE_CHECKING:
    from ...core.project import Project
    from ..store import CatalogStore
    from ..stores.faults import Faults

DELTA: Literal["delta"] = "delta"
_COMPARED = 20
"""Objects that are asked for their ETag; of more, name, size and time tell whether they changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One file. place: its path or address. changed: seconds since 1970. mark: another one when the
    content is.
    """

    place: str
    bytes: int
    changed: float
    mark: str


class Place(Protocol):
    """Where one table is. options: what Polars and deltalake need to reach it; None on a disk."""

    @property
    def location(self) -> str: ...

    @property
    def far(self) -> bool:
        """Whether looking at it takes requests to another machine."""

    @property
    def options(self) -> dict[str, str] | None: ...

    def is_delta(self) -> bool:
        """Whether it is the folder of a Delta table."""

    def files(self, kind: str) -> Sequence[Found]:
        """Those that say what the table is now: of a Delta table its log. Raises NotFound if there
        are none.
        """

    def marked(self, kind: str) -> Sequence[tuple[str, str]]:
        """Name and mark of each file."""

    def here(self, files: Sequence[Found]) -> AbstractContextManager[Sequence[Path]]:
        """The files on this machine, until the end of the block."""

    def missing(self, files: Sequence[str]) -> Sequence[str]:
        """Those of the files of a table that are not there any more."""

    def opened(self, file: Found) -> AbstractContextManager[Any]:
        """A file, for who reads a part of it, until the end of the block."""

    def alone(self) -> Place:
        """The same, for what lives longer than the catalog: it keeps none open."""


def place_of(path: str | Path, project: Project, store: CatalogStore) -> Place:
    """The place that a path or an address means. Raises BadRequest for another address."""
    check_objects(path)
    if is_object(path):
        address = address_of(str(path))
        return InStore(partial(objects_at, store, address), store.faults, project, address)
    refuse_address(path)
    return OnDisk(project, str(path if Path(path).is_absolute() else project.root / path))


def found_at(place: Place) -> tuple[str, Place]:
    """The kind of what is at a place, and the place; of a folder, that of its files. Raises
    BadRequest for files of several kinds.
    """
    if place.is_delta():
        return DELTA, place
    kinds = {kind_of(Path(file.place)) for file in place.files("")}
    if len(kinds) > 1:
        raise BadRequest(
            f"{place.location} names files of several kinds.",
            f"They are: {', '.join(sorted(kinds))}.",
            "Register those of one kind, such as data/*.csv.",
        )
    return kinds.pop(), place


@dataclass(frozen=True, slots=True)
class OnDisk:
    """A file, a folder or a pattern of files of this machine."""

    project: Project
    location: str
    far = False
    options = None

    def is_delta(self) -> bool:
        # not Path.is_dir, which raises for a name that is too long
        return os.path.isdir(Path(self.location, DELTA_LOG))

    def files(self, kind: str) -> Sequence[Found]:
        return [_on_disk(path) for path in self._paths(kind)]

    def marked(self, kind: str) -> Sequence[tuple[str, str]]:
        return [(file.place, file.mark) for file in self.files(kind)]

    @contextlib.contextmanager
    def here(self, files: Sequence[Found]) -> Iterator[Sequence[Path]]:
        yield [Path(file.place) for file in files]

    def missing(self, files: Sequence[str]) -> Sequence[str]:
        return [file for file in files if not os.path.exists(file)]

    def opened(self, file: Found) -> AbstractContextManager[Any]:
        return Path(file.place).open("rb")

    def alone(self) -> Place:
        return self

    def _paths(self, kind: str) -> Sequence[Path]:
        if kind != DELTA:
            return files_at(self.location, self.project.root)
        log = Path(self.location, DELTA_LOG)
        logs = sorted([*log.glob("*.json"), *log.glob("*.checkpoint*.parquet")])
        if not logs:
            raise no_delta(self.location)
        return logs


def _on_disk(path: Path) -> Found:
    facts = split(path)[0].stat()
    mark = f"{facts.st_size} {facts.st_mtime_ns}"
    return Found(place=str(path), bytes=facts.st_size, changed=facts.st_mtime, mark=mark)


@dataclass(frozen=True, slots=True)
class InStore:
    """An object, a prefix or a pattern of objects of an S3 store. Each question asks the store.
    reach: how; it opens the catalog.
    """

    reach: Callable[[], Objects]
    faults: Faults
    project: Project
    location: str
    far = True

    @property
    def options(self) -> dict[str, str] | None:
        return self.reach().options()

    def is_delta(self) -> bool:
        from pyarrow.fs import FileType

        path = self._path
        if is_pattern(path):
            return False
        with self._explained():
            return bool(looked(self._system, f"{path}/{DELTA_LOG}").type == FileType.Directory)

    def files(self, kind: str) -> Sequence[Found]:
        with self._explained():
            found = self._log() if kind == DELTA else listed(self._system, self.location, [])
            return [_in_store(info) for info in found]

    def marked(self, kind: str) -> Sequence[tuple[str, str]]:
        found = self.files(kind)
        if kind == DELTA or len(found) > _COMPARED:
            return [(file.place, file.mark) for file in found]
        with self._explained():
            system = self._system
            return [(file.place, etag(system, file.place.removeprefix("s3://"))) for file in found]

    @contextlib.contextmanager
    def here(self, files: Sequence[Found]) -> Iterator[Sequence[Path]]:
        with waiting_folder(self.project.folder("staging")) as folder:
            copies = [
                Path(folder, str(number), file.place.rpartition("/")[2])
                for number, file in enumerate(files)
            ]
            with self._explained():
                system = self._system
                for file, copy in zip(files, copies, strict=True):
                    copy.parent.mkdir()
                    path = file.place.removeprefix("s3://")
                    with (
                        system.open_input_stream(path, compression=None) as source,
                        copy.open("wb") as target,
                    ):
                        copyfileobj(source, target, 4 << 20)
            yield copies

    def missing(self, files: Sequence[str]) -> Sequence[str]:
        from pyarrow.fs import FileSelector

        with self._explained():
            found = self._system.get_file_info(FileSelector(self._path, recursive=True))
        there = {f"s3://{info.path}" for info in found}
        return [file for file in files if file not in there]

    @contextlib.contextmanager
    def opened(self, file: Found) -> Iterator[Any]:
        with (
            self._explained(),
            self._system.open_input_file(file.place.removeprefix("s3://")) as source,
        ):
            yield source

    def alone(self) -> Place:
        reached = self.reach()
        return replace(self, reach=lambda: reached)

    @property
    def _path(self) -> str:
        return self.location.removeprefix("s3://")

    @property
    def _system(self) -> Any:
        return self.reach().system(self._path.partition("/")[0])

    def _log(self) -> list[Any]:
        """The objects of the log of a Delta table."""
        from pyarrow.fs import FileSelector, FileType

        place = FileSelector(f"{self._path}/{DELTA_LOG}", allow_not_found=True)
        found = [
            info
            for info in self._system.get_file_info(place)
            if info.type == FileType.File and _is_log(info.base_name)
        ]
        if not found:
            raise no_delta(self.location)
        return sorted(found, key=lambda info: str(info.path))

    def _explained(self) -> AbstractContextManager[None]:
        return self.faults.explained(f"{self.location} cannot be read.")


def _in_store(info: Any) -> Found:
    mark = f"{info.size} {info.mtime_ns}"
    return Found(
        place=f"s3://{info.path}",
        bytes=info.size or 0,
        changed=(info.mtime_ns or 0) / 1e9,
        mark=mark,
    )


def _is_log(name: str) -> bool:
    return name.endswith(".json") or (".checkpoint" in name and name.endswith(".parquet"))
