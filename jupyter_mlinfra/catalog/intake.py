"""Rows on their way into a table: their columns, and their blocks in the types of the table."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from ..core.errors import BadRequest, Unprocessable
from ..core.frames import polars_frame
from .conform import Fit, Target, fit
from .diagnosis import refusal
from .dtypes import has_empty_struct, in_zone, refuse_duration, requested_dtype, storable
from .fitting import but, cut, failed_rows, typed, unfit_rows
from .guess import Guess, Guesses
from .kept import Kept
from .names import column_names
from .progress import Meter
from .quarantine import MOST, Broken, Quarantine, Unfit, header_line, too_many
from .reading import Doubt, Reading, say
from .sources import Source
from .spelling import PLAIN, described
from .uuids import text_type
from .widening import widest
from .wider import widened

if TYPE_CHECKING:
    import polars as pl

    from ..core.frames import Frame
    from .fitting import Failed

_BLOCK = 1 << 17


class Screen(Protocol):
    """What looks at rows on their way."""

    def begin(self, schema: Mapping[str, pl.DataType]) -> None:
        """The rows come from the beginning, with these columns."""

    def block(self, rows: pl.DataFrame) -> Sequence[Failed]:
        """Rows as the table would keep them; returns those that go to quarantine instead."""


class Rows(Protocol):
    """What a commit reads. Both methods can be called again, if another writer came first. screen:
    set before `frames` to look at the rows. quarantine: the rows that do not come in, after
    `frames`.
    """

    screen: Screen | None
    quarantine: Quarantine

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
    shown: the files as quarantine names them, by default by their names. strict: a doubt that stops
    and too many rows that do not fit are raised; otherwise `refused` holds them. meter: told of
    every block.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        reading: Reading,
        *,
        shown: Sequence[str] | None = None,
        strict: bool = True,
        meter: Meter | None = None,
    ) -> None:
        self._sources = sources
        self._meter = meter or Meter()
        self._shown = shown or [source.name for source in sources]
        self._reading = reading
        of_files = [word for source in sources for word in source.types.items()]
        self._types = {**dict(of_files), **reading.types}
        self._strict = strict
        self._guessed_for: Mapping[str, pl.DataType | None] = {}
        self.guesses: Mapping[str, Guess] = {}
        self.quarantine = Quarantine()
        self.screen: Screen | None = None
        self.refused: list[Unprocessable] = []
        self.read = 0
        self._kept = Kept()
        self._known: Collection[str] = ()
        self._empty: list[str] = []
        self._cut: Counter[str] = Counter()

    @property
    def doubts(self) -> list[Doubt]:
        """Doubts about the files, then about their columns; each once. After `frames`, also what
        could not be kept.
        """
        of_files = [
            doubt
            for source in self._sources
            for doubt in source.doubts
            if not doubt.column or doubt.column not in self._known
        ]
        of_columns = [guess.doubt for guess in self.guesses.values() if guess.doubt is not None]
        of_columns += [
            _no_fields_doubt(name)
            for source in self._sources
            for name, dtype in source.columns.items()
            if has_empty_struct(dtype)
        ]
        seen = [*map(_empty_doubt, self._empty), *map(_cut_doubt, *_columns_of(self._cut))]
        return list(dict.fromkeys([*of_files, *of_columns, *seen]))

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
        self._known = (existing or {}).keys()
        self._refuse_doubts()
        self._refuse_missing(existing)
        if unknown := [
            name
            for name in self._reading.types
            if all(name not in source.columns for source in self._sources)
        ]:
            raise BadRequest(
                f"A type is given for column {unknown[0]!r}, which no file has.",
                fix=f"Columns: {_listed(first.columns)}.",
            )
        kept = widened(existing or {}, self._sources, self._reading, self._kept)
        names = dict.fromkeys(name for source in self._sources for name in source.columns)
        new = [name for name in names if name not in kept]
        self._guess(kept, new)
        self._refuse_doubts()
        return {**kept, **{name: self._target(name) for name in new}}

    def _distinct_names(self) -> Sequence[str]:
        """The names of the files, with their folders where those are equal."""
        names = [source.name for source in self._sources]
        return names if len(set(names)) == len(names) else self._shown

    def _refuse_missing(self, existing: Mapping[str, Target] | None) -> None:
        """Raise Unprocessable for a file that lacks a column of the dataset or of another file,
        unless it may; one that needs a value never may.
        """
        existing = existing or {}
        names = self._distinct_names()
        files = list(zip(self._sources, names, strict=True))
        of_files = {name: file for source, file in reversed(files) for name in source.columns}
        for source, file in files:
            missing = [
                name
                for name in {**existing, **of_files}
                if name not in source.columns
                and (not self._reading.union or (name in existing and existing[name].required))
            ]
            if missing:
                is_old = missing[0] in existing
                owner = "The dataset" if is_old else of_files[missing[0]]
                fix = (
                    "Add the column, or rewrite the dataset with --replace (in Python"
                    " mode='replace')."
                    if is_old
                    else "Ingest the files into two datasets, or add the column."
                )
                union = f" To leave it empty there, say {say('union', value=True)}."
                raise Unprocessable(
                    f"{file} has no column {missing[0]!r}.",
                    f"{owner} has it; {file} has {_listed(source.columns)}.",
                    fix + ("" if self._reading.union else union),
                )

    def frames(self, targets: Mapping[str, Target]) -> Iterator[pl.DataFrame]:
        self.quarantine.clear()
        self._empty.clear()
        self._cut.clear()
        self.read = 0
        if self.screen is not None:
            self.screen.begin({name: target.dtype for name, target in targets.items()})
        self._meter.reads("reading")
        for source, shown in zip(self._sources, self._shown, strict=True):
            yield from self._frames_of(source, shown, targets)

    def _frames_of(
        self, source: Source, shown: str, targets: Mapping[str, Target]
    ) -> Iterator[pl.DataFrame]:
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
        unfit, failed = list[Unfit](), list[Unfit]()
        for frame in self._meter.reading(source, self._kept.frames_of(source)):
            fitting, bad = typed(frame, fits)
            if bad:
                unfit += unfit_rows(frame[bad], [read + row for row in bad], fits)
            whole = fitting.with_columns(absent)[list(targets)]
            if self.screen is not None and (found := self.screen.block(whole)):
                places = but(bad, frame.height).arg_true()[[item.place for item in found]]
                failed += failed_rows(frame[places], places + read, found)
                whole = whole.filter(but([item.place for item in found], whole.height))
            for rows in (unfit, failed):
                if len(rows) > MOST:
                    raise too_many(
                        source.name, f"row {rows[0].row + 1}", self.quarantine.told(rows[0])
                    )
            read += frame.height
            self._cut.update(cut(frame, fits))
            yield whole
        broken = sorted([*source.torn(), *source.broken(unfit)], key=lambda row: row.line)
        self._judge(source, broken, read + len(source.torn()), targets)
        broken = sorted([*broken, *source.broken(failed)], key=lambda row: row.line)
        dialect = source.dialect
        header = header_line(source.columns, dialect.sign) if broken and dialect else ""
        for row in broken:
            self.quarantine.add(replace(row, file=shown, header=header))
        self.read += read + len(source.torn())

    def _judge(
        self, source: Source, broken: Sequence[Broken], total: int, targets: Mapping[str, Target]
    ) -> None:
        """Set aside a few rows that do not fit; many mean that the file is read in the
        wrong way.
        """
        if not total:
            self._empty.append(source.name)
        unfit = len(broken)
        if unfit and (unfit == total or not self._reading.tolerates(unfit, total)):
            error = refusal(
                source,
                [self.quarantine.shown(row) for row in broken],
                total,
                self._reading,
                {name: target.dtype for name, target in targets.items()},
            )
            if self._strict:
                raise error
            self.refused.append(error)

    def _fit(self, source: Source, name: str, target: Target) -> Fit:
        if name not in self._types:
            refuse_duration(source.columns[name], name)
        spelling = self.guesses[name].spelling if name in self.guesses and source.spelled else PLAIN
        return fit(
            name,
            source.columns[name],
            target,
            spelled=source.spelled or name in source.types,
            zone=self._reading.time_zone,
            spelling=spelling,
            uuid=source.uuids.get(name, ""),
        )

    def _refuse_doubts(self) -> None:
        for doubt in self.doubts:
            if doubt.stops and self._strict:
                raise doubt.error()

    def _target(self, name: str) -> Target:
        word = self._types.get(name)
        if word:
            return Target(requested_dtype(name, word))
        if name in self.guesses:
            return Target(self.guesses[name].dtype)
        dtypes = [
            in_zone(storable(_shown_type(source, name), name), self._reading.time_zone)
            for source in self._sources
            if name in source.columns
        ]
        return Target(widest(dtypes[0], dtypes[1:]))

    def _first_source_with(self, name: str) -> Source:
        return next(source for source in self._sources if name in source.columns)

    def _guess(self, existing: Mapping[str, Target], new: Sequence[str]) -> None:
        """Guess the types of new text columns, and for all text columns how values are spelled."""
        import polars as pl

        asked = {
            name: requested_dtype(name, word)
            for name, word in self._types.items()
            if name not in existing
        }
        types = {
            **{name: target.dtype for name, target in existing.items()},
            **dict.fromkeys(new),
            **asked,
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
        self._meter.reads("finding types")
        for source in self._sources:
            texts = [name for name in columns if source.columns.get(name) == pl.String()]
            if not texts or not source.spelled:
                continue
            for frame in self._meter.reading(source, self._kept.frames_of(source)):
                guesses.observe(frame.select(texts))
                if guesses.plain():
                    break
        dialect = self._sources[0].dialect
        return dict(guesses.result(separator=dialect.separator if dialect else ","))


def _shown_type(source: Source, name: str) -> pl.DataType:
    """The type of a column; with that of text for UUIDs."""
    dtype = source.columns[name]
    return text_type(dtype, source.uuids[name]) if name in source.uuids else dtype


class FrameRows:
    """The rows of a frame: either all fit, or nothing is written. Rows that fail a rule which sets
    rows aside go to `quarantine`.
    """

    def __init__(self, frame: Frame) -> None:
        import polars as pl

        self.screen: Screen | None = None
        self.quarantine = Quarantine()
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
                "The frame has a column without a name, or one with a blank at an end, a line break"
                " within, or over 255 signs.",
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
        stored = {name: storable(dtype, name) for name, dtype in self._columns.items()}
        kept = {
            name: replace(target, dtype=widest(target.dtype, [stored[name]]))
            for name, target in (existing or {}).items()
        }
        return {**kept, **{name: Target(stored[name]) for name in stored if name not in kept}}

    def frames(self, targets: Mapping[str, Target]) -> Iterator[pl.DataFrame]:
        fits = [
            fit(name, self._columns[name], target, spelled=False, zone=None)
            for name, target in targets.items()
        ]
        self.quarantine.clear()
        if self.screen is not None:
            self.screen.begin({name: target.dtype for name, target in targets.items()})
        read = 0
        for frame in self._frame.collect_batches(chunk_size=_BLOCK, engine="streaming"):
            fitting, bad = typed(frame, fits)
            if bad:
                first = unfit_rows(frame[bad[:1]], [0], fits)[0]
                raise Unprocessable(
                    "The frame does not fit the dataset.",
                    f"A row has {first.reason}.",
                    "Fix the values, or rewrite the dataset with mode='replace'.",
                )
            yield self._screened(fitting, read)
            read += frame.height

    def _screened(self, rows: pl.DataFrame, before: int) -> pl.DataFrame:
        """The rows without those that fail a rule which sets rows aside."""
        import polars as pl

        found = [] if self.screen is None else self.screen.block(rows)
        if not found:
            return rows
        places = pl.Series([item.place for item in found], dtype=pl.UInt32)
        for row in failed_rows(rows[places], places + before, found):
            text = json.dumps(dict(row.values), default=str, ensure_ascii=False)
            self.quarantine.add(Broken("a frame", row.row + 1, row.reason, text, row.column))
        return rows.filter(but(places.to_list(), rows.height))


def _empty_doubt(name: str) -> Doubt:
    return Doubt(
        "types",
        f"{name} has a header and no rows.",
        f"The types of new columns can be given, for example {say('schema', 'id=i64')}.",
    )


def _cut_doubt(name: str, rows: int) -> Doubt:
    return Doubt(
        "types",
        f"Column {name!r} has parts of a microsecond in {rows:,} rows.",
        "They are cut off, since a dataset keeps microseconds; to keep them, give the column the"
        f" type {say('schema', f'{name}=str')}.",
    )


def _no_fields_doubt(name: str) -> Doubt:
    return Doubt(
        "types",
        f"Column {name!r} holds objects without fields; they are kept as the text {{}}.",
        "If later ones have fields, say in each ingest of JSON"
        f" {say('schema', f'{name}=str')}, which keeps all as JSON text.",
    )


def _columns_of(cut_rows: Mapping[str, int]) -> tuple[list[str], list[int]]:
    return list(cut_rows), list(cut_rows.values())


def _listed(names: Mapping[str, object]) -> str:
    shown = list(names)[:12]
    return ", ".join(shown) + (
        f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    )
