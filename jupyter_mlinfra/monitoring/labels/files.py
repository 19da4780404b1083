"""Labels as people have them: a CSV, Parquet or JSON file with `request_id`, `label` and perhaps
`row`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import BadRequest, NotFound, Unprocessable
from ...core.frames import polars_frame

if TYPE_CHECKING:
    import polars as pl

    from ...core.frames import Frame

NAMED = 20
MOST_ROW = 2**31 - 1
"""Rows that cannot be used are counted, and at most this many are named."""

_READERS = (".csv", ".parquet", ".json", ".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """rows: place (in the file, from 1), request_id, row (None: every row of the request), label (a
    number, or null), text (the label as it was given; whole numbers without a point); each pair of
    id and row once, the last one wins. read: rows of the file. refused: rows that cannot be used,
    as `REFUSED`. source: the file's name, or where they came from.
    """

    rows: pl.DataFrame
    read: int
    refused: pl.DataFrame
    source: str = ""


REFUSED = ("place", "request_id", "row", "text", "why")
"""Columns of labels that cannot be used, with the reason."""


def read_file(path: Path) -> Labels:
    """The labels of a file. Raises NotFound, BadRequest for another kind of file or one without the
    columns, Unprocessable for one that cannot be read.
    """
    import polars as pl

    if not path.is_file():
        raise NotFound(f"There is no file {path}.", "", "Give a CSV, Parquet or JSON file.")
    kind = path.suffix.lower()
    if kind not in _READERS:
        raise BadRequest(
            f"{path.name} cannot hold labels.",
            f"Files that end in {', '.join(_READERS)} can be read.",
            "Write it as CSV with the columns request_id and label.",
        )
    try:
        if kind == ".csv":
            # As texts: one bad value must not decide how the others are read.
            frame = pl.read_csv(path, infer_schema=False, truncate_ragged_lines=True)
        elif kind == ".parquet":
            frame = pl.read_parquet(path)
        else:
            frame = _from_json(path, by_line=kind != ".json")
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise Unprocessable(
            f"{path.name} cannot be read.", f"{str(error)[:200]}.", "Write the file again."
        ) from error
    return replace(read_frame(frame), source=path.name)


def of_waiting(rows: pl.DataFrame, source: str) -> Labels:
    """Labels that have waited for their requests."""
    kept = rows.select("place", "request_id", "row", "label", "text")
    return Labels(rows=kept, read=rows.height, refused=_nothing(), source=source)


def _nothing() -> pl.DataFrame:
    import polars as pl

    types = (pl.Int64, pl.String, pl.Float64, pl.String, pl.String)
    return pl.DataFrame(schema=dict(zip(REFUSED, types, strict=True)))


def _from_json(path: Path, *, by_line: bool) -> pl.DataFrame:
    """A list of objects, or one object a line; what is neither is a row without values."""
    if by_line:
        found: list[Any] = []
        for line in path.read_text().splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                found.append(None)
    else:
        found = json.loads(path.read_text())
        if not isinstance(found, list):
            raise ValueError("it is not a list of objects")
    return frame_of(found)


def frame_of(found: Sequence[Any]) -> pl.DataFrame:
    """Labels as a frame of texts; what is not an object is a row without values."""
    import polars as pl

    rows = [item if isinstance(item, dict) else {} for item in found]
    names = [name for name in ("request_id", "label", "row") if any(name in row for row in rows)]
    return pl.DataFrame(
        {
            name: pl.Series(
                [_text(row.get(name)) for row in rows],
                dtype=pl.String,
            )
            for name in names
        }
    )


def _text(value: Any) -> str | None:
    """A plain value as text; none for what is nested."""
    return None if value is None or isinstance(value, dict | list) else str(value)


def read_frame(data: Frame) -> Labels:
    """The labels of a frame with `request_id`, `label` and perhaps `row`. Labels are numbers, true
    and false, or names of classes.

    A row that cannot be used loses no other. Raises BadRequest without the two columns.
    """
    import polars as pl

    frame = polars_frame(data, "The labels cannot be read.")
    if missing := {"request_id", "label"} - set(frame.columns):
        raise BadRequest(
            f"The labels have no column {min(missing)}.",
            f"There are: {', '.join(frame.columns[:20])}.",
            "The columns are request_id, label and, if requests have several rows, row.",
        )
    row = pl.col("row") if "row" in frame.columns else pl.lit(None)
    parsed = frame.select(
        pl.int_range(1, pl.len() + 1).alias("place"),
        pl.col("request_id").cast(pl.String).str.strip_chars().alias("request_id"),
        row.cast(pl.Float64, strict=False).alias("row"),
        (row.is_null() | (row.cast(pl.String).str.strip_chars() == "")).alias("every"),
        _number(frame["label"].dtype).alias("label"),
        pl.col("label").cast(pl.String).str.strip_chars().alias("text"),
    ).with_columns(
        pl.when(pl.col("label").is_finite()).then(pl.col("label")).alias("label"),
    )
    whole = pl.col("label").is_not_null() & (pl.col("label") == pl.col("label").round())
    parsed = parsed.with_columns(
        pl.when(whole)
        .then(pl.col("label").cast(pl.Int64, strict=False).cast(pl.String))
        .otherwise(pl.col("text"))
        .alias("text")
    )
    judged = parsed.with_columns(_why().alias("why"))
    good = judged.filter(pl.col("why").is_null()).select(
        "place", "request_id", pl.col("row").cast(pl.Int32), "label", "text"
    )
    return Labels(
        rows=good.unique(["request_id", "row"], keep="last", maintain_order=True),
        read=frame.height,
        refused=judged.filter(pl.col("why").is_not_null()).select(REFUSED),
    )


def _why() -> pl.Expr:
    """Why a row cannot be used, whatever the deployment answers; null if it can."""
    import polars as pl

    a_row = pl.col("row").is_between(0, MOST_ROW) & (pl.col("row") == pl.col("row").floor())
    return (
        pl.when(pl.col("request_id").fill_null("") == "")
        .then(pl.lit("no request_id"))
        .when(pl.col("text").fill_null("") == "")
        .then(pl.lit("no label"))
        .when(~pl.col("every") & ~a_row.fill_null(value=False))
        .then(pl.lit("row is no number of a row"))
    )


def _number(dtype: pl.DataType) -> pl.Expr:
    import polars as pl

    label = pl.col("label")
    if dtype != pl.String:
        return label.cast(pl.Float64, strict=False)
    text = label.str.strip_chars().str.to_lowercase()
    words = {"true": "1", "false": "0"}
    return text.replace(words).cast(pl.Float64, strict=False)
