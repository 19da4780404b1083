"""Labels that were not joined: those that wait for their request, and those that were refused."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.files import write_atomic
from ..figures import LabelCounts
from .files import OF_LABELS, named_type

if TYPE_CHECKING:
    import polars as pl

    from ...core.project import Project

WAITS_SECONDS = 2 * 86_400.0
"""A label waits so long for a request that is not in the payload log yet."""

LATE_SECONDS = 6 * 3600.0
"""A request is in the log so long after its arrival, at the latest, for example after a full
disk.
"""

MOST_WAITING = 3_000_000
"""So many labels wait; further ones are refused."""

MOST_REFUSED = 100_000
"""So many refused labels are kept: the newest."""

_SAYS = ("request_id", "row", *OF_LABELS)
"""Labels with the same of these say the same."""

_LOOKED = "looked_through.txt"
"""What was in the log when it was last looked through for labels that wait: of this, nothing is
read again for them. Labels that came since were looked for when they came.
"""

_WAITING = "waiting_labels"
_REFUSED = "refused_labels"
REFUSED_FILE = f"{_REFUSED}.parquet"


class Unjoined:
    """Those of one monitor. Whoever writes holds its recording lock."""

    def __init__(self, project: Project, monitor: str) -> None:
        self._folder = project.folder("monitoring", "series", monitor)

    def wait(self, labels: pl.DataFrame) -> pl.DataFrame:
        """Let labels wait; of two that say the same, the later one. Returns those that are too many
        to wait, with `why`. labels: as `waiting`.
        """
        import polars as pl

        why = f"{MOST_WAITING:,} labels wait for their requests already: give it again later"
        too_many = labels.clear()
        if labels.height:
            waiting = self.waiting()
            both = pl.concat([waiting, labels.select(waiting.columns)])
            both = both.unique(_SAYS, keep="last", maintain_order=True)
            too_many = both.slice(MOST_WAITING)
            self._save(_WAITING, both.head(MOST_WAITING))
        return too_many.with_columns(pl.lit(why).alias("why"))

    def waiting(self) -> pl.DataFrame:
        """place, request_id, row, label, text, named, reward, source, at (seconds since 1970)."""
        import polars as pl

        return self._load(
            _WAITING,
            {
                "place": pl.Int64,
                "request_id": pl.String,
                "row": pl.Int32,
                "label": pl.Float64,
                "text": pl.String,
                "named": named_type(),
                "reward": pl.Float64,
                "source": pl.String,
                "at": pl.Float64,
            },
        )

    def stop_waiting(self, known: Collection[str], now: float) -> None:
        """Forget labels of requests that are known now; refuse those that have waited for too
        long. known: request ids.
        """
        import polars as pl

        rest = self.waiting().filter(~pl.col("request_id").is_in(list(known)))
        in_time = pl.col("at") >= now - WAITS_SECONDS
        days = f"{WAITS_SECONDS / 86_400:g} days"
        why = pl.lit(f"no request with this id was found in {days}")
        self.refuse(rest.filter(~in_time).with_columns(why.alias("why")), now)
        self._save(_WAITING, rest.filter(in_time))

    def looked_through(self) -> str:
        """The files of the log that need not be read for labels that wait, see `payloads_state`."""
        try:
            return self._folder.joinpath(_LOOKED).read_text()
        except OSError:
            return ""

    def note_looked_through(self, state: str, unread: Collection[str]) -> None:
        """state: see `payloads_state`. unread: names of files that could not be read."""
        lines = [line for line in state.splitlines() if line.partition(".")[0] not in unread]
        write_atomic(self._folder / _LOOKED, "\n".join(lines).encode())

    def refuse(self, rows: pl.DataFrame, at: float) -> None:
        """Keep refused labels. rows: with `REFUSED` and source."""
        import polars as pl

        if rows.height:
            new = rows.select(
                pl.lit(at).alias("at"),
                "source",
                pl.col("place").cast(pl.Int64),
                "request_id",
                pl.col("row").cast(pl.Float64),
                "text",
                "why",
            )
            key = ["source", "place", "request_id", "row", "text"]
            both = pl.concat([self.refused(), new]).unique(key, keep="last", maintain_order=True)
            self._save(_REFUSED, both.tail(MOST_REFUSED))

    def refused(self) -> pl.DataFrame:
        """at (seconds since 1970), source, place (row of the source, from 1), request_id, row, text
        (the label), why.
        """
        import polars as pl

        return self._load(
            _REFUSED,
            {
                "at": pl.Float64,
                "source": pl.String,
                "place": pl.Int64,
                "request_id": pl.String,
                "row": pl.Float64,
                "text": pl.String,
                "why": pl.String,
            },
        )

    def counts(self) -> LabelCounts:
        """How many there are."""
        return LabelCounts(refused=self._count(_REFUSED), waiting=self._count(_WAITING))

    def _count(self, name: str) -> int:
        import polars as pl

        with contextlib.suppress(OSError, pl.exceptions.PolarsError):
            return int(pl.scan_parquet(self._path(name)).select(pl.len()).collect().item())
        return 0

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.parquet"

    def _load(
        self, name: str, schema: Mapping[str, type[pl.DataType] | pl.DataType]
    ) -> pl.DataFrame:
        import polars as pl

        with contextlib.suppress(OSError, pl.exceptions.PolarsError):
            # A file of an earlier version has fewer columns.
            found = pl.concat(
                [pl.DataFrame(schema=schema), pl.read_parquet(self._path(name))], how="diagonal"
            )
            return found.select(list(schema))
        return pl.DataFrame(schema=schema)

    def _save(self, name: str, rows: pl.DataFrame) -> None:
        memory = io.BytesIO()
        rows.write_parquet(memory)
        write_atomic(self._path(name), memory.getvalue())
