"""What a shadow answered to its copies, beside the answers that were given."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from ...core.errors import Unprocessable
from ...core.records import now
from ..comparing import AnswerComparison, compare, quantiles
from ..payload_log import reading
from ..payload_log.frames import UNIQUE


def shadow_comparison(
    folder: Path,
    deployment: str,
    version: str,
    answers: str,
    *,
    since: datetime,
    until: datetime,
) -> AnswerComparison:
    """Compare by the ids that the gateway gave to each request and its copy. folder: of the payload
    log. Raises Unprocessable if no copy was answered in the window.
    """
    import polars as pl

    rows = reading.every_row(folder, since)
    rows = rows.filter(pl.col("ts") < until)
    copies = reading.unique_rows(rows, shadow=True).filter(pl.col("version") == version)
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
    outputs = [
        name
        for name in both.columns
        if name == "prediction" or (name.startswith("prediction_") and name[11:].isdecimal())
    ]
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
        at=now(),
    )


def _answer(row: tuple[object, ...]) -> list[object]:
    """Without the columns that only wider answers have."""
    values = list(row)
    while len(values) > 1 and values[-1] is None:
        values.pop()
    return values
