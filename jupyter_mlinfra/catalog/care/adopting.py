"""The tables of a project that was moved or copied: their metadata is written again, with the paths
of the folder in which the project is now.

Data files are taken as they are. Whatever holds a path gets a new file beside the old one, and the
catalog's pointer is exchanged last: a run that is killed has changed no table, or whole ones.
"""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import Conflict, MLInfraError
from ...core.events import telling
from ..names import DatasetName
from ..stores.elsewhere import former_home
from ..stores.tiers import plain
from ..stores.versions import check_moving
from .moving import exchanged, write_metadata
from .relocation import Relocation
from .spec import Moved

if TYPE_CHECKING:
    from pyiceberg.io import InputFile, OutputFile

    from ...core.project import Project
    from ..store import CatalogStore


def adopt(
    project: Project,
    store: CatalogStore,
    *,
    on_progress: Callable[[int, int], None] = lambda *_: None,
) -> list[Moved]:
    """Let every table that names files of the project's former folder name those of this one.
    on_progress: called with the tables that are done, and all.

    Returns what became of each, with the reason for one that was not changed. Raises Conflict for
    a catalog that is not the project's own.
    """
    if not store.embedded:
        raise Conflict(
            "There is nothing to relocate.",
            "The catalog is not in the project's folder.",
            "Moving the project does not concern its tables.",
        )
    found = []
    entries = [
        (DatasetName(entry.namespace, entry.table), entry.metadata, former)
        for entry in store.entries()
        if entry.metadata and (former := former_home(entry.metadata, project.home)) is not None
    ]
    for done, (name, location, former) in enumerate(entries):
        on_progress(done, len(entries))
        try:
            found.append(_adopted(project, store, name, location, former))
        except MLInfraError as error:
            found.append(_moved(name, location, note=f"{error.what} {error.why}".strip()))
    on_progress(len(entries), len(entries))
    return found


def _adopted(
    project: Project, store: CatalogStore, name: DatasetName, location: str, former: str
) -> Moved:
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.io import load_file_io
    from pyiceberg.serializers import FromInputFile

    catalog = store.iceberg
    assert isinstance(catalog, SqlCatalog)  # the project's own one is
    with store.explained(f"{name.text} was not relocated."), store.lock(name):
        io = load_file_io(catalog.properties, str(project.home))
        copy = _Copy(io, former, project.home, name=name.text)
        document = FromInputFile.table_metadata(copy.here.new_input(location))
        check_moving(document, f"{name.text} was not relocated.")
        metadata = copy.copy_table(json.loads(document.model_dump_json()))
        metadata["location"] = copy.where(document.location)
        target = write_metadata(io, location, metadata["location"], metadata)
        if not exchanged(catalog, name, location, target):
            with contextlib.suppress(OSError):
                io.delete(target)
            raise Conflict(f"{name.text} was not relocated.", "Others wrote to it meanwhile.")
    with telling(f"{name.text} is relocated"):
        project.events.emit("dataset", name.ref, {"relocated": True})
    return _moved(name, metadata["location"], snapshots=len(metadata["snapshots"]), done=True)


def _moved(
    name: DatasetName, location: str, *, snapshots: int = 0, note: str = "", done: bool = False
) -> Moved:
    return Moved(
        dataset=name.text,
        tier="hot",
        files=0,
        bytes=0,
        snapshots=snapshots,
        location=location,
        snapshot=None,
        note=note,
        done=done,
    )


class _Here:
    """Reads files of the former folder in the present one."""

    def __init__(self, io: object, place: Callable[[str], str]) -> None:
        self._io, self._place = io, place

    def new_input(self, location: str) -> InputFile:
        found: InputFile = self._io.new_input(self._place(location))  # type: ignore[attr-defined]
        return found

    def new_output(self, location: str) -> OutputFile:
        made: OutputFile = self._io.new_output(location)  # type: ignore[attr-defined]
        return made


class _Copy(Relocation):
    """Files with paths are written again under new names; the others stay."""

    def __init__(self, io: object, former: str, home: Path, *, name: str) -> None:
        self._former, self._home = f"{plain(former)}/", home
        self._mark = uuid.uuid4().hex[:8]
        self._with_paths = set[str]()
        self.here = _Here(io, self._place)
        super().__init__(
            self.here,  # type: ignore[arg-type]  # the part of a FileIO that it uses
            former,
            str(home),
            name=name,
            checksums={},
        )

    def _place(self, path: str) -> str:
        """Where a file of the former folder is now."""
        found = plain(path)
        if not found.startswith(self._former):
            return path
        return str(self._home / found[len(self._former) :])

    def where(self, path: str) -> str:
        place = self._place(path)
        if place == path or not (place.endswith(".avro") or path in self._with_paths):
            return place
        root, suffix = os.path.splitext(place)
        return f"{root}-{self._mark}{suffix}"

    def _copy(self, path: str) -> None:
        """It is there."""
        self._done[path] = 0

    def _copy_positions(self, path: str) -> None:
        self._with_paths.add(path)
        super()._copy_positions(path)
