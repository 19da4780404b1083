"""Queries that end when nobody waits for them, or when they take too long."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from ...core.errors import Unavailable
from ...core.waiting import check_waiting

if TYPE_CHECKING:
    import polars as pl

_PAUSE = 0.05
"""Seconds between two looks whether somebody still waits."""


def collected(rows: pl.LazyFrame, *, seconds: float) -> pl.DataFrame:
    """The rows. Raises Unavailable after `seconds`, or when whoever asked has gone: the query then
    stops at its next batch, which a sort has only at its end.
    """
    running = _Running(rows)
    end = time.monotonic() + seconds
    try:
        while not running.ended.wait(_PAUSE):
            check_waiting()
            if time.monotonic() > end:
                raise Unavailable(
                    f"The query was stopped after {seconds:g} s.",
                    "It reads more rows than can be filtered or sorted in that time.",
                    "Filter more, sort or group by one column, raise `grid_seconds` of [catalog],"
                    " or run the code of the grid in a notebook.",
                )
    finally:
        running.stopped.set()
    if running.error is not None:
        raise running.error
    return running.found()


class _Running:
    """A query in a thread of its own, by the engine that needs the least memory."""

    def __init__(self, rows: pl.LazyFrame) -> None:
        self.ended, self.stopped = threading.Event(), threading.Event()
        self.error: BaseException | None = None
        self._schema: pl.Schema | None = None
        self._batches = list["pl.DataFrame"]()
        threading.Thread(target=self._run, args=(rows,), name="mlinfra-grid", daemon=True).start()

    def found(self) -> pl.DataFrame:
        import polars as pl

        return pl.concat(self._batches) if self._batches else pl.DataFrame(schema=self._schema)

    def _run(self, rows: pl.LazyFrame) -> None:
        try:
            self._schema = rows.collect_schema()  # here, for it may take long as well
            for batch in rows.collect_batches(engine="streaming"):
                if self.stopped.is_set():
                    return
                self._batches.append(batch)
        except BaseException as error:  # noqa: BLE001 (raised where the query was asked for)
            self.error = error
        finally:
            self.ended.set()
