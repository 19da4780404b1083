"""Files in place whose folders are values of columns: `sales/year=2024/a.parquet`."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ...core import parquets
from ...core.errors import Unprocessable
from ...core.frames import exactly
from ..addresses import base_of, is_pattern
from ..formats.packed import split
from ..hive import Values, is_value, typed_values, values_of
from ..reading import Reading

if TYPE_CHECKING:
    import polars as pl

    from .placed import Found, Place

_READ_BY_POLARS = {
    "Int64": r"-?\d+",
    "Float64": r"-?\d+(\.\d+)?",
    "Date": r"\d{4}-\d\d-\d\d",
    "Boolean": r"true|false",
    "Datetime": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d",
    "String": r"(?s:.*)",
}
"""Words that Polars reads as an ingest does; it leaves out whole files by values of these types."""

_PLACE = "\0place"


def folder_values(location: str, files: Sequence[Found]) -> Mapping[str, Values]:
    """By file, the values that names of its folders hold: those below the folder that is meant, or
    below the first sign of a pattern. Raises Unprocessable if the files have not all the same ones.
    """
    base = _base(location, files)
    parts = {file.place: _folders(file.place, base) for file in files}
    found = {place: values_of(folders) for place, folders in parts.items()}
    first, *others = found.items()
    for place, values in others:
        if values.keys() != first[1].keys():
            raise Unprocessable(
                f"The files of {location} lie in folders of different columns.",
                f"{first[0]} has {_listed(first[1])}, {place} has {_listed(values)}.",
                "Move one of them, or register each folder by a name of its own.",
            )
    return found


def divided_rows(files: Sequence[Found], place: Place) -> pl.LazyFrame:
    """The rows of Parquet files, with the columns that names of folders hold, typed as words of a
    CSV are; see `core.parquets.parquet_rows`. A pattern of files that have such a column themselves
    is read without the folders.

    Raises Unprocessable for a file of a folder that has such a column with another value.
    """
    marks = {file.place: file.mark for file in files}
    values = folder_values(place.location, files)
    names = list(values[files[0].place])
    own = _own_columns(marks, names, place)
    if not names or (own and is_pattern(place.location)):
        return parquets.parquet_rows(marks, options=place.options, hive={})
    typed = _typed(values, names)
    for file in files:
        for name in set(own) & set(values[file.place]):
            _check_own(file, name, values[file.place][name], place)
    spelled = _spelled(place.location, files)
    if _hides(files[0].place, spelled.values(), marks, place):
        return _with_values(marks, values, typed, place)
    rows = parquets.parquet_rows(
        marks,
        options=place.options,
        hive={spelled[name]: _as_read(texts, of) for name, (texts, of) in typed.items()},
    )
    renamed = {word: name for name, word in spelled.items() if word != name}
    rows = rows.rename(renamed) if renamed else rows
    later = [
        _converted(name, texts, of)
        for name, (texts, of) in typed.items()
        if _as_read(texts, of) != of.dtype
    ]
    return rows.with_columns(later) if later else rows


def _base(location: str, files: Sequence[Found]) -> str:
    """What the folders that are columns are below of, with a slash at its end."""
    folder = f"{location.rstrip('/')}/"
    within = all(file.place.startswith(folder) for file in files)
    return folder if within else f"{base_of(location)}/"


def _folders(place: str, base: str) -> Sequence[str]:
    path = str(split(Path(place))[0]) if "://" not in place else place
    return path.removeprefix(base).split("/")[:-1] if path.startswith(base) else ()


def _listed(names: Collection[str]) -> str:
    return ", ".join(f"{name}=…" for name in names) or "none"


def _typed(
    values: Mapping[str, Values], names: Sequence[str]
) -> dict[str, tuple[pl.Series, pl.Series]]:
    """The different words of each column, and their values."""
    import polars as pl

    found = {}
    for name in names:
        words = pl.Series([value[name] for value in values.values()], dtype=pl.String)
        texts = words.unique(maintain_order=True)
        found[name] = (texts, typed_values(name, texts.to_list(), Reading()))
    return found


def _as_read(texts: pl.Series, values: pl.Series) -> pl.DataType:
    """The type as which Polars is to read the words."""
    import polars as pl

    form = _READ_BY_POLARS.get(str(values.dtype.base_type()))
    if form is None or getattr(values.dtype, "time_zone", None):
        return pl.String()
    plain = all(re.fullmatch(form, text) for text in texts.drop_nulls())
    return values.dtype if plain else pl.String()


def _converted(name: str, texts: pl.Series, values: pl.Series) -> pl.Expr:
    return exactly(name).replace_strict(texts, values, default=None, return_dtype=values.dtype)


def _spelled(location: str, files: Sequence[Found]) -> Mapping[str, str]:
    """How the folders write the name of each column. Raises Unprocessable for a folder that Polars
    does not take for a value.
    """
    found: dict[str, str] = {}
    base = _base(location, files)
    for part in {part for file in files for part in _folders(file.place, base) if is_value(part)}:
        word, _, value = part.partition("=")
        if "=" in value or is_pattern(part):
            raise Unprocessable(
                f"{location} has a folder {part}.",
                "Names of folders with `=` in the value, or with `*`, `?` or `[`, cannot be read in"
                " place.",
                "Write these signs as %3D, %2A, %3F and %5B, or ingest the folder.",
            )
        found[unquote(word)] = word
    return found


def _hides(file: str, below: Collection[str], marks: Mapping[str, str], place: Place) -> bool:
    """Whether Polars, which takes the folders above those that are meant for columns too, would put
    one in the place of a column of the files or of a folder below. below: as `_spelled` says.
    """
    words = [part.partition("=")[0] for part in file.split("/")[:-1] if part.count("=") == 1]
    above = set(words) - set(below)
    return len(set(words)) < len(words) or bool(_own_columns(marks, above, place))


def _with_values(
    marks: Mapping[str, str],
    values: Mapping[str, Values],
    typed: Mapping[str, tuple[pl.Series, pl.Series]],
    place: Place,
) -> pl.LazyFrame:
    """The rows with the values of the folders by the path of each file; a condition on them leaves
    out no files.
    """
    rows = parquets.parquet_rows(marks, options=place.options, places=_PLACE)
    columns = []
    for name, (texts, of) in typed.items():
        number = {text: row for row, text in enumerate(texts)}
        by_file = of.gather([number[values[file][name]] for file in marks])
        value = exactly(_PLACE).replace_strict(list(marks), by_file, return_dtype=of.dtype)
        columns.append(value.alias(name))
    return rows.with_columns(columns).drop(_PLACE)


def _own_columns(marks: Mapping[str, str], names: Collection[str], place: Place) -> list[str]:
    """Those columns of the folders that a file has itself."""
    if not names:
        return []
    schema = parquets.parquet_rows(marks, options=place.options, hive={}).collect_schema()
    return [name for name in names if name in schema]


def _check_own(file: Found, name: str, word: str | None, place: Place) -> None:
    """Raise Unprocessable if a file has a column with other values than its folder says."""
    options = tuple(sorted((place.options or {}).items()))
    other = _other_value(file.place, file.mark, name, word, options)
    if other is not None:
        raise Unprocessable(
            f"{file.place} has a column {name!r} with other values than its folder.",
            f"The folder says {name}={word}, a row of the file {other}.",
            "Take the column out of the files, or name them by a pattern, such as"
            " 'FOLDER/*/*.parquet', which reads them without the folders.",
        )


@lru_cache(maxsize=10_000)
def _other_value(
    file: str, mark: str, name: str, word: str | None, options: tuple[tuple[str, str], ...]
) -> str | None:
    """A value of a column that is not the one of the folder; None if there is none. mark: a file
    that was written again is looked at again.
    """
    import polars as pl

    del mark
    rows = pl.scan_parquet(
        file, glob=False, hive_partitioning=False, storage_options=dict(options) or None
    )
    if name not in rows.collect_schema():
        return None
    values = rows.select(exactly(name).unique().head(3)).collect().to_series()
    said = typed_values(name, [word], Reading()).cast(values.dtype, strict=False).item()
    found: list[Any] = [value for value in values if value != said]
    return str(found[0]) if found else None
