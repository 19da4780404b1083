"""What a shadow answered to its copies, beside the answers that were given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import Unprocessable
from ...core.records import now
from ..comparing import AnswerComparison, compare, quantiles
from ..payload_log import reading
from ..payload_log.copied import copied_rows
from ..payload_log.frames import UNIQUE, is_output

if TYPE_CHECKING:
    import polars as pl

MOST_ROWS = 10_000
"""Of a shadow so many copied rows are compared, the newest ones."""


def read_copies(
    folder: Path, versions: Sequence[str], *, since: datetime, until: datetime
) -> pl.DataFrame:
    """What `shadow_comparison` compares, of several shadows at once. folder: of the payload log."""
    # One more, so that it is known whether there are others.
    return copied_rows(folder, versions, since=since, until=until, most=MOST_ROWS + 1)


def shadow_comparison(
    rows: pl.DataFrame,
    deployment: str,
    version: str,
    answers: str,
    *,
    since: datetime,
    until: datetime,
) -> AnswerComparison:
    """Compare by the ids that the gateway gave to each request and its copy. rows: of
    `read_copies`. If not all of them are compared, `since` of the result is when the first one that
    is arrived. Raises Unprocessable if no copy was answered in the window.
    """
    import polars as pl

    copies = reading.unique_rows(rows, shadow=True).filter(pl.col("version") == version)
    notes = []
    if copies.height > MOST_ROWS:
        copies = copies.tail(MOST_ROWS)
        since = copies["ts"][0]
        begun = f"{since:%Y-%m-%d %H:%M}"
        notes.append(f"The newest {MOST_ROWS:,} copied rows of the window, from {begun} UTC on.")
    key = [UNIQUE, "row"]
    given = reading.unique_rows(rows, shadow=False).filter(pl.col("status") == 200)
    both = copies.filter(pl.col("status") == 200).join(given, on=key, suffix=".given")
    refused = copies.filter(pl.col("status") != 200).join(given, on=key, how="semi").height
    if not both.height and not refused:
        raise Unprocessable(
            f"{version} of {deployment} has answered no copy.",
            f"None is logged since {since:%Y-%m-%d %H:%M} UTC.",
            f"mlinfra deployments shadow {deployment} {version}",
        )
    outputs = [name for name in both.columns if is_output(name)]
    own = [_answer(row) for row in both.select(outputs).iter_rows()]
    other = [_answer(r) for r in both.select(f"{name}.given" for name in outputs).iter_rows()]
    found = compare(other, own, answers)
    milliseconds = (both["latency_ms"].to_list(), both["latency_ms.given"].to_list())
    return AnswerComparison(
        kind="shadow",
        deployment=deployment,
        version=version,
        since=since,
        until=until,
        rows=both.height,
        given_by=dict(sorted(both["version.given"].value_counts().iter_rows())),
        **{name: getattr(found, name) for name in found.__slots__},
        latency=quantiles(milliseconds[0]) | quantiles(milliseconds[1], "given_"),
        latency_basis="in the models' processes, of the same requests",
        refused=refused,
        notes=notes,
        at=now(),
    )


def _answer(row: tuple[object, ...]) -> list[object]:
    """Without the columns that only wider answers have."""
    values = list(row)
    while len(values) > 1 and values[-1] is None:
        values.pop()
    return values
