"""Rows on their way into a table: their columns, and their blocks in the types of the table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from ..core.errors import BadRequest, Unprocessable
from ..core.frames import polars_frame
from .conform import Fit, Target, fit
from .diagnosis import refusal
from .dtypes import requested_dtype, short_dtype, storable
from .guess import Guess, Guesses
from .names import column_names
from .quarantine import MOST, Broken, Quarantine, Unfit, too_many
from .reading import Doubt, Reading
from .rows import with_odd_times_as_text
from .sources import Source
from .spelling import PLAIN, described

if TYPE_CHECKING:
    import polars as pl

    from ..core.frames import Frame

_BAD = "\0bad"  # no column can have this name
_BLOCK = 1 << 17
_FEW_ROWS = 10
"""How many rows of a small file may be set aside, as long as they are not most of it."""


class Rows(Protocol):
    """What a commit reads. Both methods can be called again, if another writer came first."""

    def plan(self, existing: Mapping[str, Target] | None) -> Mapping[str, Target]:
        """The columns of the table afterwards, in order. existing: its present ones; None if it has
        none or they are to be replaced.
        """

    def frames(self, targets: Mapping[str, Target]) -> Iterator[pl.DataFrame]:
        """The rows with exactly these columns and types. Raises Unprocessable rather than change a
        value.
        """


class FileRows:
    """The rows of files; what does not fit goes to `quarantine`.

    doubts: guesses that may be wrong, after `plan`. read: rows that were read, after `frames`.
    strict: a doubt that stops and too many rows that do not fit are raised; otherwise `refused`
    holds them.
    """

    def __init__(self, sources: Sequence[Source], reading: Reading, *, strict: bool = True) -> None:
        self._sources = sources
        self._reading = reading
        self._strict = strict
        self._guessed_for: Mapping[str, pl.DataType | None] = {}
        self.guesses: Mapping[str, Guess] = {}
        self.quarantine = Quarantine()
        self.refused: list[Unprocessable] = []
        self.read = 0

    @property
    def doubts(self) -> list[Doubt]:
        """Doubts about the files, then about their columns; each once."""
        of_files = [doubt for source in self._sources for doubt in source.doubts]
        of_columns = [guess.doubt for guess in self.guesses.values() if guess.doubt is not None]
        return list(dict.fromkeys([*of_files, *of_columns]))

    @property
    def spelled(self) -> list[str]:
        """A line for each spelling but the plain one, with its columns; after `plan`."""
        columns: dict[str, list[str]] = {}
        for name, guess in self.guesses.items():
            if description := described(guess.spelling):
                columns.setdefault(description, []).append(name)
        return [f"{description}: {', '.join(names)}" for description, names in columns.items()]

    def plan(self, existing: Mapping[str, Target] | None) -> Mapping[str, Target]:
        first = self._sources[0]
        self._refuse_doubts()
        for source in self._sources:
            missing = [name for name in existing or first.columns if name not in source.columns]
            if missing:
                owner = "The dataset" if existing else first.name
                fix = (
                    "Add the column, or rewrite the dataset with --replace (in Python"
                    " mode='replace')."
                    if existing
                    else "Ingest the files into two datasets, or add the column."
                )
                raise Unprocessable(
                    f"{source.name} has no column {missing[0]!r}.",
                    f"{owner} has it; {source.name} has {_listed(source.columns)}.",
                    fix,
                )
        if unknown := [
            name
            for name in self._reading.types
            if all(name not in source.columns for source in self._sources)
        ]:
            raise BadRequest(
                f"A type is given for column {unknown[0]!r}, which no file has.",
                fix=f"Columns: {_listed(first.columns)}.",
            )
        new = [
            name
            for source in self._sources
            for name in source.columns
            if name not in (existing or {})
        ]
        self._guess(existing or {}, list(dict.fromkeys(new)))
        self._refuse_doubts()
        return {**(existing or {}), **{name: self._target(name) for name in dict.fromkeys(new)}}

    def frames(self, targets: Mapping[str, Target]) -> Iterator[pl.DataFrame]:
        self.quarantine.rows.clear()
        self.read = 0
        for source in self._sources:
            yield from self._frames_of(source, targets)

    def _frames_of(self, source: Source, targets: Mapping[str, Target]) -> Iterator[pl.DataFrame]:
        import polars as pl

        fits = [
            self._fit(source, name, target)
            for name, target in targets.items()
            if name in source.columns
        ]
        absent = [
            pl.lit(None, dtype=target.dtype).alias(name)
            for name, target in targets.items()
            if name not in source.columns
        ]
        read = 0
        unfit: list[Unfit] = []
        for frame in source.frames():
            typed = _typed(frame, fits).with_columns(absent)
            unfit_indices = typed[_BAD].arg_true()
            unfit += (
                _unfit_rows(frame[unfit_indices], [read + row for row in unfit_indices], fits)
                if len(unfit_indices)
                else []
            )
            if len(unfit) > MOST:
                raise too_many(source.name, f"row {unfit[0].row + 1}", unfit[0].reason)
            read += frame.height
            fit = typed.filter(~pl.col(_BAD)) if len(unfit_indices) else typed
            yield fit[list(targets)]
        broken = sorted([*source.torn(), *source.broken(unfit)], key=lambda row: row.line)
        self._judge(source, broken, read + len(source.torn()), targets)
        for row in broken:
            self.quarantine.add(row)
        self.read += read + len(source.torn())

    def _judge(
        self, source: Source, broken: Sequence[Broken], total: int, targets: Mapping[str, Target]
    ) -> None:
        """Set aside a few rows that do not fit; many mean that the file is read in the
        wrong way.
        """
        if not total:
            raise Unprocessable(
                f"{source.name} is empty.",
                "It has no rows.",
                "Fetch the file again; nothing was committed.",
            )
        unfit = len(broken)
        tolerated = unfit <= self._reading.max_bad * total or (
            unfit <= _FEW_ROWS and 2 * unfit <= total and self._reading.max_bad > 0
        )
        if unfit and (unfit == total or not tolerated):
            error = refusal(
                source,
                broken,
                total,
                self._reading,
                {name: target.dtype for name, target in targets.items()},
            )
            if self._strict:
                raise error
            self.refused.append(error)

    def _fit(self, source: Source, name: str, target: Target) -> Fit:
        spelling = self.guesses[name].spelling if name in self.guesses and source.spelled else PLAIN
        return fit(
            name,
            source.columns[name],
            target,
            spelled=source.spelled,
            zone=self._reading.time_zone,
            spelling=spelling,
        )

    def _refuse_doubts(self) -> None:
        for doubt in self.doubts:
            if doubt.stops and self._strict:
                raise doubt.error()

    def _target(self, name: str) -> Target:
        requested = self._reading.types.get(name)
        if requested:
            return Target(requested_dtype(name, requested))
        source = self._first_source_with(name)
        return Target(
            self.guesses[name].dtype
            if name in self.guesses
            else storable(source.columns[name], name)
        )

    def _first_source_with(self, name: str) -> Source:
        return next(source for source in self._sources if name in source.columns)

    def _guess(self, existing: Mapping[str, Target], new: Sequence[str]) -> None:
        """Guess the types of new text columns, and for all text columns how values are spelled."""
        import polars as pl

        requested = {
            name: requested_dtype(name, word)
            for name, word in self._reading.types.items()
            if name not in existing
        }
        types = {
            **{name: target.dtype for name, target in existing.items()},
            **dict.fromkeys(new),
            **requested,
        }
        columns: dict[str, pl.DataType | None] = {}
        for name, dtype in types.items():
            texts = [
                source
                for source in self._sources
                if source.spelled and source.columns.get(name) == pl.String()
            ]
            if texts and (dtype is None or dtype.is_numeric() or dtype.is_temporal()):
                columns[name] = dtype
        if columns == self._guessed_for:
            return
        json_columns = {name for name in columns if self._first_source_with(name).times_only}
        self.guesses = {}
        for times_only in (False, True):
            self.guesses |= self._guess_columns(
                {
                    name: dtype
                    for name, dtype in columns.items()
                    if (name in json_columns) == times_only
                },
                times_only=times_only,
            )
        self._guessed_for = columns

    def _guess_columns(
        self, columns: Mapping[str, pl.DataType | None], *, times_only: bool
    ) -> dict[str, Guess]:
        import polars as pl

        if not columns:
            return {}
        guesses = Guesses(columns, self._reading, times_only=times_only)
        for source in self._sources:
            texts = [name for name in columns if source.columns.get(name) == pl.String()]
            if not texts or not source.spelled:
                continue
            for frame in source.frames():
                guesses.observe(frame.select(texts))
                if guesses.plain():
                    break
        dialect = self._sources[0].dialect
        return dict(guesses.result(separator=dialect.separator if dialect else ","))


class FrameRows:
    """The rows of a frame: either all fit, or nothing is written."""

    def __init__(self, frame: Frame) -> None:
        import polars as pl

        self._frame = (
            frame  # it may be larger than memory
            if isinstance(frame, pl.LazyFrame)
            else polars_frame(frame, "The frame cannot be written.").lazy()
        )
        schema = self._frame.collect_schema()
        if not schema:
            raise Unprocessable("The frame has no columns.", fix="Give it at least one.")
        if list(schema) != column_names(list(schema), "The frame"):
            raise Unprocessable(
                "The frame has a column without a name, or one with a blank at an end or a line"
                " break within.",
                fix="Rename the column.",
            )
        self._columns = schema

    def plan(self, existing: Mapping[str, Target] | None) -> Mapping[str, Target]:
        missing = [name for name in existing or {} if name not in self._columns]
        if missing:
            fix = "Add the column, or rewrite the dataset with mode='replace'."
            raise Unprocessable(
                f"The frame has no column {missing[0]!r}.",
                f"The dataset has it; the frame has {_listed(self._columns)}.",
                fix,
            )
        new = {
            name: Target(storable(dtype, name))
            for name, dtype in self._columns.items()
            if name not in (existing or {})
        }
        return {**(existing or {}), **new}

    def frames(self, targets: Mapping[str, Target]) -> Iterator[pl.DataFrame]:
        fits = [
            fit(name, self._columns[name], target, spelled=False, zone=None)
            for name, target in targets.items()
        ]
        for frame in self._frame.collect_batches(chunk_size=_BLOCK, engine="streaming"):
            typed = _typed(frame, fits)
            unfit_indices = typed[_BAD].arg_true()
            if len(unfit_indices):
                first = _unfit_rows(frame[unfit_indices[:1]], [0], fits)[0]
                raise Unprocessable(
                    "The frame does not fit the dataset.",
                    f"A row has {first.reason}.",
                    "Fix the values, or rewrite the dataset with mode='replace'.",
                )
            yield typed.drop(_BAD)


def _typed(frame: pl.DataFrame, fits: Sequence[Fit]) -> pl.DataFrame:
    """The values in their types, and `_BAD` where a row lost one. Only doubtful rows take the slow
    way.
    """
    import polars as pl

    quick = (
        frame.lazy()
        .select(
            [
                *(item.quick for item in fits),
                pl.any_horizontal([item.doubt for item in fits]).alias(_BAD),
            ]
        )
        .collect()
    )
    doubtful = quick[_BAD].arg_true()
    if not len(doubtful):
        return quick
    exact = (
        frame[doubtful]
        .lazy()
        .select(
            [
                *(item.typed for item in fits),
                pl.any_horizontal([item.bad for item in fits]).alias(_BAD),
            ]
        )
        .collect()
    )
    position = "\0place"
    parts = [
        quick.with_row_index(position).filter(~pl.col(_BAD)),
        exact.with_columns(doubtful.cast(pl.UInt32).alias(position)).select(
            position, *exact.columns
        ),
    ]
    return pl.concat(parts).sort(position).drop(position)


def _unfit_rows(rows: pl.DataFrame, numbers: Sequence[int], fits: Sequence[Fit]) -> list[Unfit]:
    """Number, reason and values of rows with at least one bad value each; the reason names the
    first one.
    """
    flags = rows.select([item.bad.alias(str(index)) for index, item in enumerate(fits)]).rows()
    unfit: list[Unfit] = []
    for number, is_unfit, values in zip(
        numbers, flags, with_odd_times_as_text(rows).iter_rows(named=True), strict=True
    ):
        column = fits[is_unfit.index(True)]
        value = values[column.name]
        reason = (
            f"{value!r:.100} in column {column.name!r}, which is {short_dtype(column.target.dtype)}"
        )
        unfit.append(
            Unfit(
                number,
                (
                    reason
                    if value is not None
                    else f"no value in column {column.name!r}, which needs one"
                ),
                values,
                column.name,
            )
        )
    return unfit


def _listed(names: Mapping[str, object]) -> str:
    shown = list(names)[:12]
    return ", ".join(shown) + (
        f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    )
