"""Labels as people have them: a CSV, Parquet or JSON file with `request_id`, `label`, `reward` or
both, and perhaps `row`; of several outputs `label.NAME` for each.
"""

from __future__ import annotations

import contextlib
import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import BadRequest, NotFound, Unprocessable
from ...core.frames import polars_frame
from ...core.value_names import value_name
from .by_output import by_place
from .classes import whole_name

if TYPE_CHECKING:
    import polars as pl

    from ...core.frames import Frame

NAMED = 20
"""So many reasons of labels that cannot be used are named, and unknown ids."""

MOST_ROW = 2**31 - 1

_READERS = (".csv", ".parquet", ".json", ".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """rows: place (in the file, from 1), request_id, row (None: every row of the request), label (a
    number, or null), text (the label: a text as it was given, a number by its name; null for a
    reward alone), named (labels of several outputs: name and value of each that was given, or
    null), reward (what the answer has brought, or null). A pair of id and row may be there more
    than once. read: rows of the file. refused: rows that cannot be used, as `REFUSED`. source: the
    file's name, or where they came from.
    """

    rows: pl.DataFrame
    read: int
    refused: pl.DataFrame
    source: str = ""


OF_LABELS = ("label", "text", "named", "reward")
"""What a label says."""

NAMED_LABEL = "label."
"""Begins the name of a column with the labels of one of several outputs."""

LISTED = ".labels"
"""Column with the labels of several outputs as a list of texts, null where nothing is said, instead
of a column for each.
"""

BROKEN = ".broken"
"""Why a row cannot be read, beside its values."""

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
            frame = _from_csv(path)
        elif kind == ".parquet":
            frame = pl.read_parquet(path)
        else:
            frame = _from_json(path, by_line=kind != ".json")
    except RecursionError as error:
        raise Unprocessable(
            f"{path.name} cannot be read.", "It is nested too deeply.", "Write the file again."
        ) from error
    except (OSError, ValueError, csv.Error, pl.exceptions.PolarsError) as error:
        raise Unprocessable(
            f"{path.name} cannot be read.", f"{str(error)[:200]}.", "Write the file again."
        ) from error
    return replace(read_frame(frame), source=path.name)


def _from_csv(path: Path) -> pl.DataFrame:
    """The columns as texts: one bad value must not decide how the others are read. A line with too
    many values, as of a decimal comma without quotes, has the reason in `BROKEN`.
    """
    import polars as pl

    try:
        return pl.read_csv(path, infer_schema=False)
    except pl.exceptions.ComputeError:
        frame = pl.read_csv(path, infer_schema=False, truncate_ragged_lines=True)
    width = len(frame.columns)
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        found = [(reader.line_num, _width(values)) for values in reader][1:]
    if len(found) != frame.height:
        raise ValueError("some lines have more values than there are columns")
    broken = [
        f"line {line} has {count} values for {width} columns: quote values with a comma"
        if count > width
        else None
        for line, count in found
    ]
    return frame.with_columns(pl.Series(BROKEN, broken, dtype=pl.String))


def _width(values: Sequence[str]) -> int:
    """How many values a line has, without empty ones at its end."""
    return max((place for place, value in enumerate(values, start=1) if value.strip()), default=0)


def _from_json(path: Path, *, by_line: bool) -> pl.DataFrame:
    """A list of objects, or one object a line; what is neither is a row without values."""
    text = path.read_text(encoding="utf-8-sig")
    if by_line:
        found: list[Any] = []
        # Not `splitlines`: JSON may have other ends of lines within a text.
        for line in text.removesuffix("\n").split("\n") if text else ():
            try:
                found.append(json.loads(line))
            except (ValueError, RecursionError):
                found.append(None)
    else:
        found = json.loads(text)
        if not isinstance(found, list):
            raise ValueError("it is not a list of objects")
    return frame_of(found)


def frame_of(found: Sequence[Any]) -> pl.DataFrame:
    """Labels as a frame of texts; what is not an object is a row without values."""
    import polars as pl

    rows = [item if isinstance(item, dict) else {} for item in found]
    there = dict.fromkeys(name for row in rows for name in row)
    known = ("request_id", "label", "reward", "row")
    names = [name for name in there if name in known or str(name).startswith(NAMED_LABEL)]
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
    """A plain value as text, a number by its name; none for what is nested."""
    if value is None or isinstance(value, dict | list):
        return None
    return value_name(value) if isinstance(value, int | float) else str(value)


def read_frame(data: Frame) -> Labels:
    """The labels of a frame with `request_id`, `label`, `reward` or both, and perhaps `row`. Labels
    are numbers, true and false, or names of classes; rewards, and the labels `label.NAME` of
    several outputs, are numbers.

    A row that cannot be used loses no other. Raises BadRequest without these columns.
    """
    import polars as pl

    frame = polars_frame(data, "The labels cannot be read.")
    _check_columns(frame.columns)
    frame = _plain(frame)
    judged = _parsed(frame).with_columns(_why().alias("why"))
    good = judged.filter(pl.col("why").is_null()).select(
        "place", "request_id", pl.col("row").cast(pl.Int32), *OF_LABELS
    )
    refused = judged.filter(pl.col("why").is_not_null()).with_columns(
        pl.coalesce("text", "bad_named", "reward_text").alias("text")
    )
    return Labels(rows=good, read=frame.height, refused=refused.select(REFUSED))


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Categories and bytes as texts. Raises BadRequest for a column that holds neither numbers nor
    texts.
    """
    import polars as pl

    ours = {"request_id", "row", "label", "reward"}
    names = [name for name in frame.columns if name in ours or name.startswith(NAMED_LABEL)]
    for name in names:
        kind = frame[name].dtype
        if kind.is_temporal() or kind.is_nested() or kind == pl.Object:
            raise BadRequest(
                f"The column {name} of the labels cannot be used.",
                f"Its values are {str(kind).split('(')[0].lower()}.",
                "Labels, rewards and rows are numbers or texts, and request ids are texts.",
            )
    texts = [name for name in names if frame[name].dtype in (pl.Categorical, pl.Enum, pl.Binary)]
    plain = frame.with_columns(_as_texts(frame[name]) for name in texts)
    why = frame[BROKEN] if BROKEN in frame.columns else pl.lit(None, pl.String)
    for name in texts:
        lost = frame[name].is_not_null() & plain[name].is_null()
        why = pl.coalesce(why, pl.when(lost).then(pl.lit(f"{name} is no text in UTF-8")))
    return plain.with_columns(why.alias(BROKEN))


def _as_texts(column: pl.Series) -> pl.Series:
    """Categories as their texts, bytes as the texts that they are in UTF-8."""
    import polars as pl

    try:
        return column.cast(pl.String)
    except pl.exceptions.ComputeError:
        return pl.Series(column.name, map(_decoded, column), dtype=pl.String)


def _decoded(value: bytes | None) -> str | None:
    with contextlib.suppress(UnicodeDecodeError):
        return None if value is None else value.decode()
    return None


def _check_columns(columns: Sequence[str]) -> None:
    """Raises BadRequest if a needed one is missing."""
    there = set(columns)
    usable = there & {"label", "reward"} or _outputs_in(columns)
    if missing := ({"request_id"} - there) or ({"label"} if not usable else ()):
        raise BadRequest(
            f"The labels have no column {min(missing)}.",
            f"There are: {', '.join(columns[:20])}.",
            "The columns are request_id, label or reward (of several outputs label.NAME) and, if"
            " requests have several rows, row.",
        )


def _parsed(frame: pl.DataFrame) -> pl.DataFrame:
    """The labels as in `Labels`, good and bad ones; every (whether they are of all rows of their
    request), reward_text (the reward as it was given), bad_named (see `_bad_named`).
    """
    import polars as pl

    frame = frame.with_columns(*_listed(frame))
    outputs = _outputs_in(frame.columns)
    row = pl.col("row") if "row" in frame.columns else pl.lit(None)
    number = {name: _number(frame, name) for name in ("label", "reward")}
    return frame.select(
        pl.int_range(1, pl.len() + 1).alias("place"),
        pl.col("request_id").cast(pl.String).str.strip_chars().alias("request_id"),
        row.cast(pl.Float64, strict=False).alias("row"),
        (row.is_null() | (row.cast(pl.String).str.strip_chars() == "")).alias("every"),
        *(pl.when(item.is_finite()).then(item).alias(name) for name, item in number.items()),
        _label_text(frame).alias("text"),
        _as_given(frame, "reward").alias("reward_text"),
        pl.coalesce(_named(frame, outputs), "named").alias("named"),
        pl.coalesce(_bad_named(frame, outputs), "bad_named").alias("bad_named"),
        BROKEN,
    )


def _why() -> pl.Expr:
    """Why a row cannot be used, whatever the deployment answers; null if it can."""
    import polars as pl

    a_row = pl.col("row").is_between(0, MOST_ROW) & (pl.col("row") == pl.col("row").floor())
    bad_reward = pl.col("reward_text").is_not_null() & pl.col("reward").is_null()
    return (
        pl.when(pl.col(BROKEN).is_not_null())
        .then(BROKEN)
        .when(pl.col("request_id").fill_null("") == "")
        .then(pl.lit("no request_id"))
        .when(bad_reward)
        .then(pl.format("the reward is no number: {}", "reward_text"))
        .when(pl.col("bad_named").is_not_null())
        .then(pl.format("the label of an output is no number: {}", "bad_named"))
        .when(pl.all_horizontal(pl.col("text", "named", "reward").is_null()))
        .then(pl.lit("no label"))
        .when(~pl.col("every") & ~a_row.fill_null(value=False))
        .then(pl.lit("row is no number of a row"))
    )


def _outputs_in(columns: Sequence[str]) -> list[str]:
    """The outputs that have a column of labels."""
    return [
        name.removeprefix(NAMED_LABEL)
        for name in columns
        if name.startswith(NAMED_LABEL) and name != NAMED_LABEL
    ]


def _listed(frame: pl.DataFrame) -> Sequence[pl.Series | pl.Expr]:
    """named and bad_named, see `_named` and `_bad_named`, of the labels in `LISTED`: each output is
    named by its place.
    """
    import polars as pl

    nothing = {"named": named_type(), "bad_named": pl.String()}
    if LISTED not in frame.columns:
        return [pl.lit(None, kind).alias(name) for name, kind in nothing.items()]
    each = frame.select(
        pl.int_range(pl.len()).alias("at"),
        pl.col(LISTED).alias("label"),
        pl.int_ranges(pl.col(LISTED).list.len()).alias("place"),
    ).explode("label", "place")
    value, given = _number(each, "label"), _as_given(each, "label")
    name = pl.format(by_place("{}"), "place")
    pair = pl.struct(name.alias("name"), value.alias("value"))
    known = value.is_finite().fill_null(value=False)
    found = each.group_by("at", maintain_order=True).agg(
        pair.filter(known).alias("named"),
        given.filter(given.is_not_null() & ~known).first().alias("bad_named"),
    )
    named = pl.when(pl.col("named").list.len() > 0).then("named").alias("named")
    return found.select(named, "bad_named").get_columns()


def _named(frame: pl.DataFrame, outputs: Sequence[str]) -> pl.Expr:
    """Name and value of each output that has a label; null if none has one."""
    import polars as pl

    if not outputs:
        return pl.lit(None, named_type())
    pairs = []
    for name in outputs:
        value = _number(frame, f"{NAMED_LABEL}{name}")
        pair = pl.struct(pl.lit(name).alias("name"), value.alias("value"))
        pairs.append(pl.when(value.is_finite()).then(pair))
    found = pl.concat_list(pairs).list.drop_nulls()
    return pl.when(found.list.len() > 0).then(found)


def _bad_named(frame: pl.DataFrame, outputs: Sequence[str]) -> pl.Expr:
    """The first label of an output that is no number."""
    import polars as pl

    bad = [pl.lit(None, pl.String)]
    for name in outputs:
        column = f"{NAMED_LABEL}{name}"
        number = _number(frame, column).is_finite().fill_null(value=False)
        bad.append(pl.when(~number).then(_as_given(frame, column)))
    return pl.coalesce(bad)


def named_type() -> pl.DataType:
    """The type of labels of several outputs."""
    import polars as pl

    return pl.List(pl.Struct({"name": pl.String, "value": pl.Float64}))


def _as_given(frame: pl.DataFrame, name: str) -> pl.Expr:
    """A column as texts; null where nothing was given."""
    import polars as pl

    if name not in frame.columns:
        return pl.lit(None, pl.String)
    text = pl.col(name).cast(pl.String).str.strip_chars()
    return pl.when(text != "").then(text)


def _label_text(frame: pl.DataFrame) -> pl.Expr:
    """A text as it was given: 01, 1e3 and True may be names of classes. A number by its name."""
    import polars as pl

    given = _as_given(frame, "label")
    kind = frame["label"].dtype if "label" in frame.columns else pl.String()
    inexact = kind.is_float() or kind.is_decimal() or kind == pl.Boolean
    return pl.coalesce(whole_name(_number(frame, "label")), given) if inexact else given


def _number(frame: pl.DataFrame, name: str) -> pl.Expr:
    import polars as pl

    if name not in frame.columns:
        return pl.lit(None, pl.Float64)
    column = pl.col(name)
    if frame[name].dtype != pl.String:
        return column.cast(pl.Float64, strict=False)
    text = column.str.strip_chars().str.to_lowercase()
    words = {"true": "1", "false": "0"}
    return text.replace(words).cast(pl.Float64, strict=False)
