"""Where the files of an ingest are: in folders, or in the S3 store whose keys the catalog has.

An object is copied to a scratch folder of this machine before it is read, and known again by its
ETag, so that one that is in the dataset is not even fetched.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest, Conflict, NotFound
from .drivers import with_region
from .progress import Meter
from .sources import kind_of

if TYPE_CHECKING:
    from .store import CatalogStore

_SCHEMES = ("s3://", "s3a://")
_MAGIC = "*?["
_DELTA_LOG, _ICEBERG_ENDING = "_delta_log", ".metadata.json"
_BLOCK = 4 << 20


@dataclass(frozen=True, slots=True)
class Given:
    """The files of an ingest, here. urls, marks: of those that were fetched, from where and how
    each is known again. skipped: the snapshots of those that were not fetched, by URL.
    """

    files: Sequence[str | Path]
    urls: Mapping[Path, str] = field(default_factory=dict)
    marks: Mapping[Path, str] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)


@contextlib.contextmanager
def given(
    files: Sequence[str | Path],
    store: CatalogStore,
    *,
    root: Path,
    scratch: Path,
    known: Mapping[str, str],
    sheet: str | None,
    meter: Meter,
) -> Iterator[Given]:
    """The files of an ingest: those of folders, and copies of objects until the end of the block.
    known: snapshots by mark. sheet: of workbooks, the one that is meant.

    Raises NotFound if there are none, BadRequest for a folder that cannot be read as files,
    Conflict for an object that changes meanwhile.
    """
    objects = [str(file) for file in files if _is_object(file)]
    here = [part for file in files if not _is_object(file) for part in _in_folder(file, root)]
    if not objects:
        yield Given(here)
        return
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        paths, urls, marks, skipped = list(here), {}, {}, {}
        for url in objects:
            with store.explained(f"{url} cannot be read."):
                for object_url, path, mark in _fetch(url, store, Path(folder), known, sheet, meter):
                    if path is None:
                        skipped[object_url] = known[mark]
                        continue
                    paths.append(path)
                    urls[path], marks[path] = object_url, mark
        yield Given(paths, urls, marks, skipped)


def _is_object(file: str | Path) -> bool:
    return isinstance(file, str) and file.startswith(_SCHEMES)


def _in_folder(file: str | Path, root: Path) -> list[str | Path]:
    """The files that a folder means; anything else is returned as it is."""
    # not Path.is_dir, which raises for a name that is too long
    folder = next((place for place in (Path(file), root / file) if os.path.isdir(place)), None)
    if folder is None:
        return [file]
    below = sorted(folder.rglob("*"))
    _refuse_table(str(file), [path.relative_to(folder).as_posix() for path in below])
    found = [path for path in below if path.is_file()]
    relative = {path: path.relative_to(folder).parts for path in found}
    _refuse_partitions(str(file), [part for parts in relative.values() for part in parts[:-1]])
    kept = [path for path in found if not _is_hidden(relative[path]) and _is_known(path)]
    if not kept:
        raise NotFound(
            f"{file} has no files that can be ingested.",
            "It is a folder without any of a known kind.",
            "Look at it; names that begin with a dot or `_` are left out.",
        )
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


def _refuse_table(place: str, names: Iterable[str]) -> None:
    """Raise BadRequest if the names below a place are those of a table: not all of its files are
    rows that it still has.
    """
    for name in names:
        *folders, last = name.split("/")
        if _DELTA_LOG in (*folders, last):
            kind, reader = "a Delta table", "scan_delta"
        elif folders[-1:] == ["metadata"] and last.endswith(_ICEBERG_ENDING):
            kind, reader = "an Iceberg table", "scan_iceberg"
        else:
            continue
        raise BadRequest(
            f"{place} is {kind}, or holds one.",
            "Among its files are those of rows that were deleted or replaced.",
            "A Delta table on this machine: mlinfra catalog register PATH --as NS.TABLE. Others:"
            f" read it with Polars ({reader}), and ml.write the frame.",
        )


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


def _fetch(
    url: str,
    store: CatalogStore,
    folder: Path,
    known: Mapping[str, str],
    sheet: str | None,
    meter: Meter,
) -> Iterator[tuple[str, Path | None, str]]:
    """The URL, the copy and the mark of each object; no copy of one that is known."""
    scheme, _, rest = url.partition("://")
    system = _file_system(store, rest.partition("/")[0])
    objects = _listed(system, url, rest)
    meter.begin("fetching", sum(info.size or 0 for info in system.get_file_info(objects)))
    for number, path in enumerate(objects):
        etag = _etag(system, path)
        part = f"#{sheet}" if sheet is not None and kind_of(Path(path)) == "excel" else ""
        mark = f"object:{sha256(f'{path}#{etag}{part}'.encode()).hexdigest()[:32]}"
        if mark in known:
            yield f"{scheme}://{path}", None, mark
            continue
        copy = folder / f"{len(list(folder.iterdir()))}-{number}" / path.rpartition("/")[2]
        copy.parent.mkdir()
        with system.open_input_stream(path, compression=None) as source, copy.open("wb") as target:
            while block := source.read(_BLOCK):
                target.write(block)
                meter.passed(len(block))
        if _etag(system, path) != etag:
            raise Conflict(
                f"{scheme}://{path} changed while it was read.",
                "Another process has replaced it.",
                "Ingest it again; nothing was committed.",
            )
        yield f"{scheme}://{path}", copy, mark


def _file_system(store: CatalogStore, bucket: str) -> Any:
    """The store of objects, by the catalog's own endpoint and keys."""
    from pyiceberg.io.pyarrow import PyArrowFileIO

    properties = with_region({k: str(v) for k, v in store.iceberg.properties.items()})
    return PyArrowFileIO(properties).fs_by_scheme("s3", bucket)


def _listed(system: Any, url: str, place: str) -> list[str]:
    """The objects that a URL means: one, those below a prefix, or those that match a pattern."""
    from pyarrow.fs import FileSelector, FileType

    pattern = place if any(sign in place for sign in _MAGIC) else ""
    base = place.rstrip("/")
    while any(sign in base for sign in _MAGIC):
        base = base.rpartition("/")[0]
    info = system.get_file_info(base)
    if info.type == FileType.File:
        return [base]
    found = []
    if info.type == FileType.Directory:
        recursive = not pattern or "**" in pattern or "/" in pattern[len(base) + 1 :]
        items = system.get_file_info(FileSelector(base, recursive=recursive))
        _refuse_table(url, [item.path[len(base) + 1 :] for item in items])
        for item in items:
            parts = item.path[len(base) + 1 :].split("/")
            if item.type == FileType.File and not _is_hidden(parts) and _is_known(Path(item.path)):
                found.append(item.path)
    if pattern:
        found = [path for path in found if fnmatchcase(path, pattern)]
    if not found:
        raise NotFound(
            f"No object matches {url}.",
            "There is none of a known kind at that place.",
            "Check bucket and prefix; names that begin with a dot or `_` are left out.",
        )
    _refuse_partitions(url, [part for path in found for part in path[len(base) :].split("/")[:-1]])
    return sorted(found)


def _etag(system: Any, path: str) -> str:
    """What changes with the content of an object."""
    with system.open_input_file(path) as file:
        facts = {_text(key): _text(value) for key, value in (file.metadata() or {}).items()}
        return f"{facts.get('ETag', '')}.{facts.get('Last-Modified', '')}.{file.size()}"


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
