"""Which files a folder means, and which objects of an S3 store an address: one, those below a
prefix, or those that match a pattern.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ..core.errors import BadRequest, NotFound
from .addresses import base_of, is_pattern
from .hive import is_value
from .other_kinds import fix_for
from .sink_log import committed
from .sources import kind_of, paths_of
from .stores.refusals import no_bucket
from .tablefiles import (
    DELTA_LOG,
    ICEBERG_ENDING,
    METADATA,
    PARQUET,
    data_folders,
    of_table,
    refuse_table,
)


def is_hidden(parts: Sequence[str]) -> bool:
    """Whether a file is left out where its folder or prefix is meant."""
    return any(part.startswith((".", "_")) and not is_value(part) for part in parts)


def is_known(path: Path) -> bool:
    """Whether its name is that of a file of a kind that can be ingested."""
    try:
        kind_of(path)
    except BadRequest:
        return False
    return True


def in_folder(folder: Path, shown: str, left_out: list[str]) -> list[Path]:
    """The files below a folder, by name, but those that are hidden. shown: how it was named.
    left_out: is told of those of no kind that can be ingested, and those that a stream of Spark did
    not commit.

    Raises NotFound if there are none, BadRequest for those of a table.
    """
    below = sorted(folder.rglob("*"))
    refuse_table(shown, [path.relative_to(folder).as_posix() for path in below])
    seen = [
        path for path in below if path.is_file() and not is_hidden(path.relative_to(folder).parts)
    ]
    names = committed(folder)
    kept = [path for path in seen if is_known(path) and (names is None or path.name in names)]
    if not kept:
        others = f": it has {len(seen):,} of other kinds, such as {seen[0].name}" if seen else ""
        raise NotFound(
            f"{shown} has no files that can be ingested.",
            f"It is a folder without any of a known kind{others}.",
            fix_for(path.name for path in seen)
            or "Look at it; names that begin with a dot or `_` are left out, and an archive has to"
            " be named itself.",
        )
    read = set(kept)
    left_out += [path.relative_to(folder).as_posix() for path in seen if path not in read]
    return kept


def files_at(place: str, root: Path) -> list[Path]:
    """The files of this machine that a path means: those below a folder, else as `paths_of`."""
    # not Path.is_dir, which raises for a name that is too long
    inside = in_folder(Path(place), place, []) if os.path.isdir(place) else [place]
    return paths_of(inside, root)


def looked(system: Any, place: str) -> Any:
    """What is at a place, as PyArrow's `FileInfo`. An answer to HEAD has no reason: if it is
    refused, a list of the place tells it.
    """
    from pyarrow.fs import FileSelector

    try:
        return system.get_file_info(place)
    except OSError:
        system.get_file_info(FileSelector(place, allow_not_found=True))
        raise


def listed(system: Any, url: str, left_out: list[str]) -> list[Any]:
    """The objects that an address means, as PyArrow's `FileInfo`, by name. left_out: is told of
    those of no kind that can be ingested.

    Raises NotFound if there are none, or no such bucket, BadRequest for those of a table.
    """
    from pyarrow.fs import FileType

    scheme, _, place = url.partition("://")
    base = place.rstrip("/")
    info = looked(system, base)
    if info.type != FileType.File and is_pattern(base):
        base = base_of(place)
        info = looked(system, base)
    if info.type == FileType.File:
        _refuse_in_table(system, url, base.rpartition("/")[0], [base])
        return [info]
    found = _below(system, url, base) if info.type == FileType.Directory else []
    others = [f"{scheme}://{item.path}" for item in found if not is_known(Path(item.path))]
    left_out += others
    found = [item for item in found if is_known(Path(item.path))]
    if not found:
        if looked(system, place.partition("/")[0]).type == FileType.NotFound:
            raise no_bucket(url)
        raise NotFound(
            f"No object matches {url}.",
            "There is none of a known kind at that place.",
            fix_for(others)
            or "Check bucket and prefix; names that begin with a dot or `_` are left out.",
        )
    paths = [item.path for item in found]
    _refuse_in_table(system, url, base, paths)
    return found


def _below(system: Any, url: str, base: str) -> list[Any]:
    """The objects below a prefix that are not hidden; of a pattern those that match."""
    from pyarrow.fs import FileSelector, FileType

    pattern = url.partition("://")[2]
    pattern = pattern if is_pattern(pattern) else ""
    recursive = not pattern or "**" in pattern or "/" in pattern[len(base) + 1 :]
    items = system.get_file_info(FileSelector(base, recursive=recursive))
    names = {item.path: item.path[len(base) + 1 :] for item in items}
    refuse_table(url, names.values())
    found = [
        item
        for item in items
        if item.type == FileType.File
        and not is_hidden(names[item.path].split("/"))
        and (not pattern or fnmatchcase(item.path, pattern))
    ]
    return sorted(found, key=lambda item: str(item.path))


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


def etag(system: Any, path: str) -> str:
    """What changes with the content of an object."""
    with system.open_input_file(path) as file:
        facts = {_text(key): _text(value) for key, value in (file.metadata() or {}).items()}
        return f"{facts.get('ETag', '')}.{facts.get('Last-Modified', '')}.{file.size()}"


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
