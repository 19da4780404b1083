"""Parquet files: one, all of a folder, those that a pattern names, or those below an address. The
columns of all files count, and those that only the names of folders hold (`day=2026-01-01/…`).
"""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from ...core.errors import NotFound
from ...core.parquets import ENDINGS, marked, parquet_rows, rows_at
from .spec import SourceSpec
from .storage import is_remote, options_of

if TYPE_CHECKING:
    import polars as pl

_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_PLACE = "\0place"


def scan(source: SourceSpec, repo: Path | None, snapshot: str | None) -> pl.LazyFrame:
    """The rows of the file or files. Raises NotFound if there are none, Unprocessable if no type
    holds the values of a column in all of them.
    """
    del snapshot  # a file has none
    if not is_remote(source.name):
        return _on_disk(*files_of(source, repo))
    path = source.name
    if not path.endswith(ENDINGS) and "*" not in path:
        path = f"{path.rstrip('/')}/**/*.parquet"
    return rows_at(path, options=options_of(source), hive="*" in path)


def _on_disk(top: Path, files: Sequence[Path]) -> pl.LazyFrame:
    """The rows of files in or below `top`: only names of folders below it are columns, whatever it
    lies in itself.
    """
    marks = {str(file): marked(file) for file in files}
    rows = parquet_rows(marks, naive_is_utc=True)
    named = _named_values(file.relative_to(top) for file in files)
    if not named:
        return rows
    divided = parquet_rows(marks, hive=True, naive_is_utc=True)
    above = _named_values([top.absolute() / "file"]).keys() - named
    if not above & set(rows.collect_schema()):
        return divided.drop(above, strict=False)
    # Polars would put the value of a folder above in the place of a column that the files have.
    types = divided.collect_schema()
    return _with_values(marks, {name: types[name] for name in named if name in types}, top)


def _with_values(
    marks: Mapping[str, str], types: Mapping[str, pl.DataType], top: Path
) -> pl.LazyFrame:
    """The rows with the columns that folders below `top` hold. types: of these columns."""
    import polars as pl

    rows = parquet_rows(marks, naive_is_utc=True, places=_PLACE)
    given = [_named_values([Path(file).relative_to(top)]) for file in marks]
    files = pl.Series(list(marks))
    columns = []
    for name, dtype in types.items():
        texts = pl.Series([values.get(name) for values in given], dtype=pl.String)
        read = (
            texts.str.strptime(dtype)
            if isinstance(dtype, pl.Date | pl.Datetime)
            else texts.cast(dtype)
        )
        found = pl.col(_PLACE).replace_strict(files, read, return_dtype=dtype)
        columns.append(found.alias(name))
    return rows.with_columns(columns).drop(_PLACE)


def _named_values(files: Iterable[Path]) -> dict[str, str | None]:
    """Names and values of the folders of files that are called `name=value`."""
    parts = (part for file in files for part in file.parts[:-1] if part.count("=") == 1)
    pairs = (part.split("=") for part in parts)
    return {name: None if value == _NO_VALUE else unquote(value) for name, value in pairs}


def state(source: SourceSpec, repo: Path | None) -> str | None:
    """Names, sizes and times of the files; None for files elsewhere."""
    if is_remote(source.name):
        return None
    top, files = files_of(source, repo)
    facts = [
        (str(file.relative_to(top)), stat.st_size, stat.st_mtime_ns)
        for file in files
        for stat in [file.stat()]
    ]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def files_of(source: SourceSpec, repo: Path | None) -> tuple[Path, Sequence[Path]]:
    """Files on disk in order, and the file or folder that they are in. Raises NotFound if there
    are none.
    """
    path = local_path(source, repo)
    if path.is_dir():
        if files := _of_folder(path):
            return path, files
        raise _missing(f"There is no Parquet file in {path}.")
    if path.exists():
        return path, [path]
    name = source.name.removeprefix("file://")
    if not glob.has_magic(name):
        raise _missing(f"There is no file {path}.")
    root = repo or Path.cwd()
    files = _matching(name, root)
    if not files and name != source.name:  # an address may write its signs as `%20`
        name = unquote(name)
        files = _matching(name, root)
    if not files:
        raise _missing(f"No file matches {path}.")
    fixed = next(part for part in Path(name).parents if not glob.has_magic(str(part)))
    return root / fixed, list(dict.fromkeys(files))


def is_one_file(source: SourceSpec, repo: Path | None) -> bool:
    """Whether it is a single file on disk."""
    return not is_remote(source.name) and local_path(source, repo).is_file()


def _matching(pattern: str, root: Path) -> list[Path]:
    found = [root / item for item in sorted(glob.glob(pattern, root_dir=root, recursive=True))]
    return [file for item in found for file in (_of_folder(item) if item.is_dir() else [item])]


def _of_folder(folder: Path) -> list[Path]:
    """Its Parquet files, also those of folders in it; drafts and notes (`_temporary`, `.crc`) are
    none.
    """
    files = (file for file in folder.rglob("*") if file.suffix in ENDINGS and file.is_file())
    return sorted(file for file in files if not any(map(_hides, file.relative_to(folder).parts)))


def _hides(part: str) -> bool:
    return part.startswith(("_", ".")) and "=" not in part


def _missing(what: str) -> NotFound:
    return NotFound(
        what, "A feature view reads it.", "Write the file, or correct `path` in the definition."
    )


def local_path(source: SourceSpec, repo: Path | None) -> Path:
    """Where a local file or folder is or would be. An address may write its signs as `%20`."""
    folder, name = repo or Path.cwd(), source.name.removeprefix("file://")
    path = folder / name
    return folder / unquote(name) if name != source.name and not path.exists() else path
