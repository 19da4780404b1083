"""One chunk of rows: asked whole, and in ever smaller parts where a row of it is refused, so that
such a row does not stop the others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import orjson

from ...core.errors import MLInfraError, Unavailable
from ...core.frames import exactly
from .answers import ERROR, predictions_of
from .bodies import Body, Ragged, body_of, inexact, with_plain_columns
from .columns import Feed
from .processes import Answer, Died

if TYPE_CHECKING:
    import polars as pl

REQUEST_BYTES = 8 << 20
"""Of the rows of one request, as they are in memory."""

_DEADLY_TRIES = 2
"""As often must a process die that works on one row alone before the row is taken for the reason:
once may have been a kill from outside.
"""

_REFUSED = (400, 413, 422, 500)
"""Statuses that are about the rows, or the model's failure with them."""

_DEADLY = "The model's process ends when it is asked this row."
_LONGEST = 500


class Asked(Protocol):
    """A serving process."""

    def ask(self, body: Body, *, alone: bool = False) -> Answer:
        """See `processes.ServingProcess`."""


class Scorer:
    """Predictions for chunks, from any of several threads. schema: columns of the predictions, as a
    first answer has shown them. binary: whether answers may come as bytes.
    """

    def __init__(
        self,
        feeds: Sequence[Feed],
        *,
        layout: str,
        schema: Mapping[str, pl.DataType],
        binary: bool,
    ) -> None:
        self._feeds, self._layout, self._binary = feeds, layout, binary
        self._schema = dict(schema)
        self._required = [feed for feed in feeds if not feed.input.optional]
        # By the first input without a value. All such rows are refused for the same reason.
        self._reasons: dict[str, str] = {}

    def score(self, chunk: pl.DataFrame, process: Asked) -> pl.DataFrame:
        """A row for each of `chunk`: its predictions, or nulls and the reason in `error`."""
        return self._score_unless(inexact(chunk, self._feeds), chunk, process)

    def _scored(self, chunk: pl.DataFrame, process: Asked) -> pl.DataFrame:
        import polars as pl

        frame = with_plain_columns(chunk, self._feeds)
        gap = self._first_gap(frame)
        complete = gap.is_null()
        if complete.all():
            return self._combined(self._parts(frame, process))
        place = "\0place"
        found = [
            self._combined(self._parts(part, process)).with_columns(rows.alias(place))
            for part, rows in self._groups(frame, gap)
            if part.height
        ]
        return pl.concat(found, how="vertical_relaxed").sort(place).drop(place)

    def score_unless(self, why: pl.Series, chunk: pl.DataFrame, process: Asked) -> pl.DataFrame:
        """The same, but rows for which `why` has a reason are not asked."""
        import polars as pl

        known = pl.select(pl.coalesce(why, inexact(chunk, self._feeds))).to_series()
        return self._score_unless(known, chunk, process)

    def _score_unless(self, why: pl.Series, chunk: pl.DataFrame, process: Asked) -> pl.DataFrame:
        import polars as pl

        asked = why.is_null()
        if asked.all():
            return self._scored(chunk, process)
        refused = self._combined([pl.DataFrame({ERROR: why.filter(~asked)})])
        if not asked.any():
            return refused
        place = "\0place"
        parts = [
            self._scored(chunk.filter(asked), process).with_columns(asked.arg_true().alias(place)),
            refused.with_columns((~asked).arg_true().alias(place)),
        ]
        return pl.concat(parts, how="vertical_relaxed").sort(place).drop(place)

    def _groups(self, frame: pl.DataFrame, gap: pl.Series) -> list[tuple[pl.DataFrame, pl.Series]]:
        """Rows that lack nothing, and those that lack each input first; with their places."""
        groups = []
        for name in gap.unique():
            rows = (gap.is_null() if name is None else (gap == name).fill_null(False)).arg_true()
            groups.append((frame[rows], rows))
        return groups

    def _first_gap(self, frame: pl.DataFrame) -> pl.Series:
        """The first input without a value that the signature wants, null where there is none."""
        import polars as pl

        gaps = [
            pl.when(exactly(feed.column).is_null()).then(pl.lit(feed.input.name))
            for feed in self._required
            if feed.column in frame.columns and frame[feed.column].null_count()
        ]
        if not gaps:
            return pl.Series([None], dtype=pl.String).new_from_index(0, frame.height)
        return frame.select(pl.coalesce(gaps).alias("gap"))["gap"]

    def _parts(
        self, frame: pl.DataFrame, process: Asked, *, alone: bool = False, deaths: int = 0
    ) -> list[pl.DataFrame]:
        """Predictions of rows that are asked together if possible, in order. alone: the process
        died while it worked on these rows, and perhaps on others.
        """
        if frame.height > 1 and frame.estimated_size() > REQUEST_BYTES:
            return self._halves(frame, process, alone=alone)
        gap = self._first_gap(frame.head(1))[0]
        if gap is not None and gap in self._reasons:
            return [self._refused(self._reasons[gap], frame.height)]
        try:
            answer = process.ask(self._body(frame), alone=alone)
        except Ragged:
            reason, status = "A tensor has a missing value, or lists of different lengths.", 400
        except Died:
            deaths += alone and frame.height == 1
            if not alone or (frame.height == 1 and deaths < _DEADLY_TRIES):
                return self._parts(frame, process, alone=True, deaths=deaths)
            reason, status = _DEADLY, 422
        else:
            if answer.status == 200:
                return [predictions_of(answer.body, answer.json_length, frame.height)]
            reason, status = _reason(answer.body), answer.status
        if status not in _REFUSED:
            raise Unavailable(
                "The serving process gave no answer.",
                f"HTTP {status}: {reason}",
                "Run the job again; what was scored is kept.",
            )
        if gap is not None and status == 400:
            self._reasons[gap] = reason
        elif frame.height > 1:
            return self._halves(frame, process, alone=alone)
        return [self._refused(reason, frame.height)]

    def _halves(self, frame: pl.DataFrame, process: Asked, *, alone: bool) -> list[pl.DataFrame]:
        middle = frame.height // 2
        return [
            *self._parts(frame[:middle], process, alone=alone),
            *self._parts(frame[middle:], process, alone=alone),
        ]

    def _body(self, frame: pl.DataFrame) -> Body:
        return body_of(frame, self._feeds, layout=self._layout, binary_answer=self._binary)

    def _refused(self, reason: str, rows: int) -> pl.DataFrame:
        import polars as pl

        return pl.DataFrame({ERROR: [reason]}, schema={ERROR: pl.String}).select(
            pl.col(ERROR).repeat_by(rows).explode()
        )

    def _combined(self, parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """All parts with the same columns: those of the schema, and `error`."""
        import polars as pl

        columns = {**self._schema, ERROR: pl.String()}
        for part in parts:
            if unknown := [name for name in part.columns if name not in columns]:
                raise MLInfraError(
                    "The model answers with other columns than for its sample.",
                    f"It gave {', '.join(unknown[:5])}; for the sample {', '.join(self._schema)}.",
                    "Log a model whose outputs are the same for every row.",
                )
        whole = [
            part.with_columns(
                pl.lit(None, dtype=dtype).alias(name)
                for name, dtype in columns.items()
                if name not in part.columns
            ).select(list(columns))
            for part in parts
        ]
        return pl.concat(whole, how="vertical_relaxed")


def _reason(body: bytes) -> str:
    """Why a request was not answered, without the number of the row: it is one of few."""
    try:
        message = orjson.loads(body)
        text = f"{message['what']} {message['why']}".strip()
    except (ValueError, TypeError, KeyError):
        text = body[:_LONGEST].decode(errors="replace")
    return re.sub(r" in row \d+", "", text)[:_LONGEST]
