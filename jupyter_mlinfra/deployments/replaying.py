"""Replay: rows of the payload log are sent to a version that they never reached, and its answers
are compared with those that were given.

The rows go through the gateway as our own tests do: by the version's name, so it needs no traffic,
and marked, so they are neither logged nor counted.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from ..core.errors import MLInfraError, Unavailable, Unprocessable
from ..core.records import now
from . import client
from .comparing import AnswerComparison, compare, quantiles
from .gateway import REQUEST_SECONDS, Keys
from .logged import Input
from .packaging import Bundle
from .payload_log.frames import BASE_COLUMNS
from .runtime.table import LOGGED_TEXT
from .settings import DeploymentSettings
from .spec import Gate
from .targets.layout import payload_folder

if TYPE_CHECKING:
    import polars as pl

    from ..core.project import Project
    from .rows import DeploymentRow

BATCH = 100
"""Rows of one request; one that is refused is sent again row by row."""

TIMED_ROWS = 200
"""One-row requests whose time is taken, alternately of the version and of the one that serves."""

LEAST_SECONDS = 5.0
"""A request that was begun may take so long, whatever is left of the time."""

TEST_ROWS, TEST_SECONDS, TEST_TIMED = 500, 10.0, 50
NOTES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The version that rows are sent to. url: its predictions through the gateway. against: the
    version whose time is taken beside it; empty for none.
    """

    deployment: str
    version: str
    bundle: Bundle
    url: str
    keys: Keys
    against: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of one replay: rows that are sent at most, its time, and one-row requests that are timed."""

    rows: int
    seconds: float
    timed: int = TIMED_ROWS


@dataclass(slots=True)
class _Outcome:
    """What came back so far."""

    given: list[list[Any]] = field(default_factory=list)
    found: list[list[Any]] = field(default_factory=list)
    refused: int = 0
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        if text not in self.notes and len(self.notes) < NOTES:
            self.notes.append(text[:300])


def replay(
    folder: Path,
    subject: Subject,
    *,
    since: datetime,
    until: datetime,
    limits: Limits,
    on_progress: Callable[[str], None] = lambda _: None,
) -> AnswerComparison:
    """Send the answered rows of a window to a version. folder: of the payload log.

    Rows that the version answered itself are taken only if there are no others. Raises
    Unprocessable if there are none, or they cannot be made into requests again, Unavailable if the
    version does not answer at all.
    """
    rows, total = _logged(folder, subject.version, since, until, limits.rows)
    bodies, given, by = _questions(subject.bundle, rows)
    deadline = time.monotonic() + limits.seconds
    outcome, done = _Outcome(), 0
    for start in range(0, len(bodies), BATCH):
        if time.monotonic() > deadline:
            outcome.note(f"It was stopped after {limits.seconds:g} s.")
            break
        done = min(start + BATCH, len(bodies))
        _ask(subject, bodies[start:done], given[start:done], outcome, deadline)
        on_progress(f"replayed {done:,} of {len(bodies):,} rows")
    if not outcome.found:
        why = outcome.notes[0] if outcome.notes else "It was stopped before the first answer."
        raise Unavailable(
            f"{subject.version} of {subject.deployment} answered none of {done:,} logged rows.",
            why,
            f"mlinfra deployments show {subject.deployment}",
        )
    own, other = _timed(subject, bodies[: limits.timed], deadline)
    if total > rows.height:
        outcome.note(f"{rows.height:,} of {total:,} rows of the window, evenly taken.")
    if len(bodies) < rows.height:
        outcome.note(f"{rows.height - len(bodies):,} rows hold texts that were logged cut off.")
    answers = compare(outcome.given, outcome.found, subject.bundle.answers)
    return AnswerComparison(
        kind="replay",
        deployment=subject.deployment,
        version=subject.version,
        since=since,
        until=until,
        rows=len(outcome.found),
        given_by=_counts(by[:done]),
        **{name: getattr(answers, name) for name in answers.__slots__},
        latency=quantiles(own) | quantiles(other, "given_"),
        latency_basis=_basis(subject, len(own)),
        refused=outcome.refused,
        left_out=total - done,
        notes=tuple(outcome.notes),
        at=now(),
    )


def _basis(subject: Subject, count: int) -> str:
    beside = f", alternating with {subject.against}" if subject.against else ""
    return f"round trip of {count:,} one-row requests now{beside}"


def _logged(
    folder: Path, version: str, since: datetime, until: datetime, limit: int
) -> tuple[pl.DataFrame, int]:
    """Answered rows of a window, at most `limit`, evenly taken, oldest first; and how many there
    are. Raises Unprocessable without any.
    """
    others, other_count = _thinned(folder, since, until, limit, lambda v: v != version)
    if not other_count:
        others, other_count = _thinned(folder, since, until, limit, lambda v: v == version)
    if others is None or not other_count:
        raise Unprocessable(
            "There is nothing to replay.",
            f"No answered request was logged from {since:%Y-%m-%d %H:%M} to {until:%H:%M} UTC.",
            "Name a longer window, for example --window 7d.",
        )
    return others.sort("ts"), other_count


def _thinned(
    folder: Path,
    since: datetime,
    until: datetime,
    limit: int,
    wanted: Callable[[str], bool],
) -> tuple[pl.DataFrame | None, int]:
    """Every n-th row, so that at most `limit` are left; twice as many are in memory at a time."""
    import polars as pl

    from .payload_log.parts import parts

    kept: list[pl.DataFrame] = []
    total, every = 0, 1
    for part in parts(folder, since, until):
        rows = part.rows.filter(pl.col("status") == 200)
        names = [name for name in rows["version"].unique() if wanted(str(name))]
        rows = rows.filter(pl.col("version").is_in(names))
        start = -total % every
        total += rows.height
        kept.append(rows.gather_every(every, start) if start < rows.height else rows.clear())
        while sum(frame.height for frame in kept) > 2 * limit:
            kept = [pl.concat(kept, how="diagonal_relaxed").gather_every(2)]
            every *= 2
    if not kept:
        return None, 0
    rows = pl.concat(kept, how="diagonal_relaxed")
    return rows.gather_every(math.ceil(rows.height / limit)) if rows.height > limit else rows, total


def _questions(
    bundle: Bundle, rows: pl.DataFrame
) -> tuple[list[dict[str, Any]], list[list[Any]], list[str]]:
    """Logged rows as they are asked again, the answers that they got, and who gave them."""
    if bundle.layout != "columns":
        raise Unprocessable(
            "These rows cannot be replayed.",
            "The log holds tensors as they are summarised, not as they were asked.",
            "Compare the version as a shadow: mlinfra deployments shadow NAME VERSION",
        )
    places = {item.name: _place(rows, item) for item in bundle.inputs}
    absent = [item.name for item in bundle.inputs if not places[item.name] and not item.optional]
    if absent:
        raise Unprocessable(
            "These rows cannot be replayed.",
            f"The log has no input {absent[0]}, which this version needs.",
            "Name a window in which requests had it.",
        )
    outputs = [name for name in rows.columns if name.startswith("prediction")]
    outputs = [name for name in outputs if name == "prediction" or name[11:].isdecimal()]
    inputs = [(item, places[item.name]) for item in bundle.inputs if places[item.name]]
    bodies, given, by = [], [], []
    for row in rows.iter_rows(named=True):
        if any(
            isinstance(row[place], str) and len(row[place]) >= LOGGED_TEXT for _, place in inputs
        ):
            continue
        bodies.append({item.name: _value(item, row[place]) for item, place in inputs})
        answer = [row[name] for name in outputs]
        while len(answer) > 1 and answer[-1] is None:
            answer.pop()
        given.append(answer)
        by.append(str(row["version"]))
    return bodies, given, by


def _place(rows: pl.DataFrame, item: Input) -> str:
    """The column of the log that holds an input; empty if none does."""
    reserved = item.name in BASE_COLUMNS or f"input.{item.name}" in rows.columns
    name = f"input.{item.name}" if reserved else item.name
    return name if name in rows.columns else ""


def _value(item: Input, value: Any) -> Any:
    """A logged value as JSON has it in a request."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if item.type == "boolean":
        return bool(value)
    if item.type in ("integer", "long"):
        return int(value)
    if item.type == "datetime":
        return value.isoformat()
    if item.type in ("array", "object", "map", "any") and isinstance(value, str):
        return orjson.loads(value)
    return value


def _ask(
    subject: Subject,
    rows: Sequence[Mapping[str, Any]],
    given: Sequence[list[Any]],
    outcome: _Outcome,
    deadline: float,
) -> None:
    """Ask for a batch; if it is refused, row by row."""
    try:
        found = _answers(subject, rows, deadline)
    except MLInfraError as error:
        if len(rows) == 1:
            outcome.refused += 1
            outcome.note(f"{error.what} {error.why}".strip())
            return
        for row, answer in zip(rows, given, strict=True):
            if time.monotonic() > deadline:
                return
            _ask(subject, [row], [answer], outcome, deadline)
        return
    outcome.given += given
    outcome.found += found


def _answers(
    subject: Subject, rows: Sequence[Mapping[str, Any]], deadline: float
) -> list[list[Any]]:
    """One answer a row, each a list. Raises what a refused request stands for."""
    answer = _post(subject, rows, subject.version, deadline)
    found = client.prediction(answer, version=subject.version).predictions
    if len(found) != len(rows):
        raise Unprocessable(
            f"{subject.version} gave {len(found)} answers to {len(rows)} rows.",
            "",
            "Compare it as a shadow.",
        )
    return [list(item) if isinstance(item, list) else [item] for item in found]


def _post(
    subject: Subject, rows: Sequence[Mapping[str, Any]], version: str, deadline: float
) -> client.Answer:
    left = max(LEAST_SECONDS, deadline - time.monotonic())
    return client.post(
        subject.url,
        orjson.dumps(client.request_body(list(rows)) if _flat(rows) else _nested(rows)),
        keys=subject.keys,
        version=version,
        probe=True,
        timeout=min(REQUEST_SECONDS + 5.0, left),
    )


def _flat(rows: Sequence[Mapping[str, Any]]) -> bool:
    return not any(isinstance(value, list | dict) for row in rows[:1] for value in row.values())


def _nested(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    names = list(rows[0])
    return {"data": {"names": names, "ndarray": [[row[name] for name in names] for row in rows]}}


def _timed(
    subject: Subject, rows: Sequence[Mapping[str, Any]], deadline: float
) -> tuple[list[float], list[float]]:
    """Milliseconds of one-row requests to the version, and to the one that serves; alternating, so
    that both meet the same machine.
    """
    taken: dict[str, list[float]] = {subject.version: [], subject.against: []}
    for row in rows:
        for version, times in taken.items():
            if not version or time.monotonic() > deadline:
                continue
            try:
                answer = _post(subject, [row], version, deadline)
            except MLInfraError:
                continue
            if answer.status == 200 and answer.version == version:
                times.append(answer.milliseconds)
    return taken[subject.version], taken[subject.against] if subject.against else []


def _counts(names: Sequence[str]) -> dict[str, int]:
    return {name: names.count(name) for name in sorted(set(names))}


def window(length: timedelta) -> tuple[datetime, datetime]:
    """The beginning and the end of a window that ends now."""
    until = datetime.now(UTC)
    return until - length, until


def tested(
    project: Project,
    row: DeploymentRow,
    *,
    version: str,
    bundle: Bundle,
    url: str,
    keys: Keys,
) -> Gate | None:
    """The test before traffic *replay*: a logged window of what serves now. None if nothing is
    logged, or cannot be replayed by this version.
    """
    settings = project.settings.of(DeploymentSettings)
    live = {name: share for name, share in row.traffic.items() if share and name != version}
    if not live or not settings.replay_test_hours:
        return None
    since, until = window(timedelta(hours=settings.replay_test_hours))
    limit = _limit(settings)
    subject = Subject(
        deployment=row.name,
        version=version,
        bundle=bundle,
        url=url,
        keys=keys,
        against=max(live, key=lambda name: live[name]),
    )
    try:
        found = replay(
            payload_folder(project, row.name),
            subject,
            since=since,
            until=until,
            limits=Limits(rows=TEST_ROWS, seconds=TEST_SECONDS, timed=TEST_TIMED),
        )
    except Unprocessable:
        return None
    except MLInfraError as error:
        return Gate(name="replay", limit=limit, measured=str(error)[:500], passed=False)
    return Gate(name="replay", limit=limit, measured=_said(found), passed=_passes(found, settings))


def _limit(settings: DeploymentSettings) -> str:
    parts = ["every logged row is answered"]
    if settings.replay_agreement:
        parts.append(f"agreement at least {settings.replay_agreement:.1%}")
    if settings.replay_shift:
        parts.append(f"score shift at most {settings.replay_shift:g} standard deviations")
    return ", ".join(parts)


def _passes(found: AnswerComparison, settings: DeploymentSettings) -> bool:
    shift = abs(found.score_shift or 0.0)
    return (
        not found.refused
        and (found.agreement or 0.0) >= settings.replay_agreement
        and (not settings.replay_shift or shift <= settings.replay_shift * (found.spread or 0.0))
    )


def _said(found: AnswerComparison) -> str:
    parts = [
        f"agreement {found.agreement:.1%}" if found.agreement is not None else "",
        f"score shift {found.score_shift:+.3g}" if found.score_shift is not None else "",
        _times(found.latency),
        f"{found.refused:,} refused: {' '.join(found.notes)}" if found.refused else "",
    ]
    return f"{found.rows:,} rows: " + ", ".join(part for part in parts if part)


def _times(latency: Mapping[str, float | None]) -> str:
    own, given = latency.get("p95_ms"), latency.get("given_p95_ms")
    if own is None:
        return ""
    return f"p95 {own:.1f} ms" + (f" (now {given:.1f} ms)" if given is not None else "")
