"""Rows on their way into a table: which columns they bring, and block after block in the types of the table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from ..core.errors import BadRequest, Unprocessable
from .conform import Fit, Target, fit
from .dtypes import given_dtype, short_dtype, storable
from .guess import Guesses
from .names import column_names
from .quarantine import MOST, Quarantine, too_many
from .sources import Reading, Source

if TYPE_CHECKING:
    import polars as pl

_BAD = "\0bad"  # no column can have this name
_BLOCK = 1 << 17


class Rows(Protocol):
    """What a commit takes in. Both verbs can be asked for again, when another writer came first."""

    def plan(self, known: Mapping[str, Target] | None) -> Mapping[str, Target]:
        """The columns of the table afterwards, in order. known: those it has; None when it has none or they are to be replaced."""

    def frames(self, targets: Mapping[str, Target]) -> Iterator[pl.DataFrame]:
        """The rows with exactly these columns and types. Raises Unprocessable rather than bend a value."""


class FileRows:
    """The rows of files; what does not fit goes to `quarantine`."""

    def __init__(self, sources: Sequence[Source], reading: Reading) -> None:
        self._sources = sources
        self._reading = reading
        self.quarantine = Quarantine()

    def plan(self, known: Mapping[str, Target] | None) -> Mapping[str, Target]:
        first = self._sources[0]
        for source in self._sources:
            missing = [name for name in known or first.columns if name not in source.columns]
            if missing:
                other = "The dataset" if known else first.name
                fix = "Add the column, or write the dataset anew with mode='replace'." if known else "Ingest the files into two datasets, or add the column."
                raise Unprocessable(f"{source.name} has no column {missing[0]!r}.", f"{other} has it; {source.name} has {_listed(source.columns)}.", fix)
        if unknown := [name for name in self._reading.types if all(name not in source.columns for source in self._sources)]:
            raise BadRequest(f"A type is given for column {unknown[0]!r}, which no file has.", fix=f"Columns: {_listed(first.columns)}.")
        new = [name for source in self._sources for name in source.columns if name not in (known or {})]
        return {**(known or {}), **self._typed(list(dict.fromkeys(new)))}

    def frames(self, targets: Mapping[str, Target]) -> Iterator[pl.DataFrame]:
        self.quarantine.rows.clear()
        for source in self._sources:
            yield from self._of(source, targets)

    def _of(self, source: Source, targets: Mapping[str, Target]) -> Iterator[pl.DataFrame]:
        import polars as pl

        zone = self._reading.time_zone
        fits = [fit(name, source.columns[name], target, spelled=source.spelled, zone=zone) for name, target in targets.items() if name in source.columns]
        absent = [pl.lit(None, dtype=target.dtype).alias(name) for name, target in targets.items() if name not in source.columns]
        read = 0
        unfit: list[tuple[int, str, Mapping[str, object]]] = []
        for frame in source.frames():
            typed = _typed(frame, fits).with_columns(absent)
            bad = typed[_BAD].arg_true()
            unfit += _reasons(frame[bad], [read + row for row in bad], fits) if len(bad) else []
            if len(unfit) > MOST:
                raise too_many(source.name, f"row {unfit[0][0] + 1}", unfit[0][1])
            read += frame.height
            yield (typed.filter(~pl.col(_BAD)) if len(bad) else typed).select(list(targets))
        broken = sorted([*source.torn(), *source.broken(unfit)], key=lambda row: row.line)
        for row in broken:
            self.quarantine.add(row)
        if read == len(unfit) and broken:
            why = f"Line {broken[0].line}: {broken[0].reason}."
            raise Unprocessable(f"No row of {source.name} can be read.", why, "Check separator, encoding and types; nothing was committed.")
        if not read:
            raise Unprocessable(f"{source.name} is empty.", "It has no rows.", "Fetch the file again; nothing was committed.")

    def _typed(self, names: Sequence[str]) -> dict[str, Target]:
        import polars as pl

        holders = {name: next(source for source in self._sources if name in source.columns) for name in names}
        open_names = [name for name, source in holders.items() if source.spelled and source.columns[name] == pl.String() and name not in self._reading.types]
        guessed: dict[str, pl.DataType] = {}
        for times_only in (False, True):
            asked = [name for name in open_names if holders[name].times_only == times_only]
            guessed |= self._guessed(asked, times_only=times_only)
        found: dict[str, Target] = {}
        for name in names:
            given = self._reading.types.get(name)
            dtype = given_dtype(name, given) if given else guessed.get(name) or storable(holders[name].columns[name], name)
            found[name] = Target(dtype)
        return found

    def _guessed(self, names: Sequence[str], *, times_only: bool) -> Mapping[str, pl.DataType]:
        import polars as pl

        if not names:
            return {}
        guesses = Guesses(names, zone=self._reading.time_zone, times_only=times_only)
        for source in self._sources:
            texts = [name for name in names if source.columns.get(name) == pl.String()]
            if texts and source.spelled:
                for frame in source.frames():
                    guesses.observe(frame.select(texts))
        return guesses.result()


class FrameRows:
    """The rows of a Polars frame: all fit, or none is written."""

    def __init__(self, frame: pl.DataFrame | pl.LazyFrame) -> None:
        self._frame = frame.lazy()
        schema = self._frame.collect_schema()
        if not schema:
            raise Unprocessable("The frame has no columns.", fix="Give it at least one.")
        if list(schema) != column_names(list(schema), "The frame"):
            raise Unprocessable("The frame has a column without a name, or one that begins or ends with a blank.", fix="Rename the column.")
        self._columns = schema

    def plan(self, known: Mapping[str, Target] | None) -> Mapping[str, Target]:
        missing = [name for name in known or {} if name not in self._columns]
        if missing:
            fix = "Add the column, or write the dataset anew with mode='replace'."
            raise Unprocessable(f"The frame has no column {missing[0]!r}.", f"The dataset has it; the frame has {_listed(self._columns)}.", fix)
        new = {name: Target(storable(dtype, name)) for name, dtype in self._columns.items() if name not in (known or {})}
        return {**(known or {}), **new}

    def frames(self, targets: Mapping[str, Target]) -> Iterator[pl.DataFrame]:
        fits = [fit(name, self._columns[name], target, spelled=False, zone=None) for name, target in targets.items()]
        for frame in self._frame.collect_batches(chunk_size=_BLOCK, engine="streaming"):
            out = _typed(frame, fits)
            bad = out[_BAD].arg_true()
            if len(bad):
                _, reason, _ = _reasons(frame[bad[:1]], [0], fits)[0]
                raise Unprocessable(
                    "The frame does not fit the dataset.", f"A row has {reason}.", "Mend the values, or write the dataset anew with mode='replace'."
                )
            yield out.drop(_BAD)


def _typed(frame: pl.DataFrame, fits: Sequence[Fit]) -> pl.DataFrame:
    """The values in their types, and `_BAD`: where a row lost one. Only rows in doubt go the slow way."""
    import polars as pl

    quick = frame.lazy().select([*(item.quick for item in fits), pl.any_horizontal([item.doubt for item in fits]).alias(_BAD)]).collect()
    doubt = quick[_BAD].arg_true()
    if not len(doubt):
        return quick
    exact = frame[doubt].lazy().select([*(item.typed for item in fits), pl.any_horizontal([item.bad for item in fits]).alias(_BAD)]).collect()
    place = "\0place"
    both = [quick.with_row_index(place).filter(~pl.col(_BAD)), exact.with_columns(doubt.cast(pl.UInt32).alias(place)).select(place, *exact.columns)]
    return pl.concat(both).sort(place).drop(place)


def _reasons(rows: pl.DataFrame, numbers: Sequence[int], fits: Sequence[Fit]) -> list[tuple[int, str, Mapping[str, object]]]:
    """Number, reason and values of rows of which each has at least one bad value; the first one is named."""
    flags = rows.select([item.bad.alias(str(place)) for place, item in enumerate(fits)]).rows()
    found: list[tuple[int, str, Mapping[str, object]]] = []
    for number, flag, values in zip(numbers, flags, rows.iter_rows(named=True), strict=True):
        bad = fits[flag.index(True)]
        value = values[bad.name]
        reason = f"{value!r:.100} in column {bad.name!r}, which is {short_dtype(bad.target.dtype)}"
        found.append((number, reason if value is not None else f"no value in column {bad.name!r}, which needs one", values))
    return found


def _listed(names: Mapping[str, object]) -> str:
    shown = list(names)[:12]
    return ", ".join(shown) + (f" and {len(names) - len(shown)} more" if len(names) > len(shown) else "")
