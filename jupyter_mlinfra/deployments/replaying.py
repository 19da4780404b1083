"""Replay: rows of the payload log are sent to a version that they never reached, and its answers
are compared with those that were given.

The rows go through the gateway as our own tests do: by the version's name, so it needs no traffic,
and marked, so they are neither logged nor counted.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import takewhile
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
from .payload_log.frames import BASE_COLUMNS, is_output
from .runtime.guard import ENDS
from .runtime.table import LOGGED_TEXT

if TYPE_CHECKING:
    import polars as pl

BATCH = 100
"""Rows of one request at most. The first has one row, and each may have `GROWTH` times as many as
the one before, as long as it should be answered within `REQUEST_AIM_SECONDS`. One that is refused
is sent again row by row.
"""

GROWTH, REQUEST_AIM_SECONDS = 4, 1.0

TIMED_ROWS = 200
"""One-row requests whose time is taken, alternately of the version and of the one that serves."""

LEAST_SECONDS = 5.0
"""A request that was begun may take so long, whatever is left of the time."""

NOTES = 5


class Deadly(Unavailable):
    """A row ends the process of the model that is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The version that rows are sent to. url: its predictions through the gateway. against: the
    version whose time is taken beside it; empty for none. may_die: whether a row that ends its
    process is one that it does not answer, as others are; else it is the last one that is sent.
    hides_values: whether notes leave out why a row is refused, which may repeat a value of it.
    """

    deployment: str
    version: str
    bundle: Bundle
    url: str
    keys: Keys
    against: str = ""
    may_die: bool = True
    hides_values: bool = False


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
    by: list[str] = field(default_factory=list)
    refused: int = 0
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        if text not in self.notes and len(self.notes) < NOTES:
            self.notes.append(text[:300])

    @property
    def done(self) -> int:
        """Rows that were answered or refused."""
        return len(self.found) + self.refused


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """A logged row as it is asked again, with its parameters, the answer that it got, and who gave
    it.
    """

    body: Mapping[str, Any]
    params: Mapping[str, Any]
    given: list[Any]
    by: str


def replay(
    folder: Path,
    subject: Subject,
    *,
    since: datetime,
    until: datetime,
    limits: Limits,
    sent: Mapping[str, Sequence[Input]] | None = None,
    on_progress: Callable[[str], None] = lambda _: None,
) -> AnswerComparison:
    """Send the answered rows of a window to a version. folder: of the payload log.

    sent: versions, with the inputs that their clients send: rows of these versions alone are taken,
    and asked as they came, with inputs and parameters that the version may refuse. None: the rows
    of any, asked with the inputs and parameters that it takes; those that it answered itself only
    if there are no others.

    Raises Unprocessable if there are none, or they cannot be made into requests again, Unavailable
    if the version does not answer at all, Deadly if it must not die and does.
    """
    rows, total = _logged(folder, subject.version, since, until, limits.rows, sent)
    questions = _questions(subject.bundle, rows, sent)
    deadline = time.monotonic() + limits.seconds
    outcome = _Outcome()
    _send(subject, questions, outcome, deadline, on_progress)
    if outcome.done < len(questions):
        outcome.notes.append(f"It was stopped after {limits.seconds:g} s.")
    if not outcome.found:
        raise _no_answer(subject, len(questions), outcome)
    timed = questions[: limits.timed]
    own, other = _timed(subject, timed, deadline)
    if total > rows.height:
        outcome.notes.append(f"{rows.height:,} of {total:,} rows of the window, evenly taken.")
    if len(questions) < rows.height:
        cut = rows.height - len(questions)
        outcome.notes.append(f"{cut:,} rows hold texts that were logged cut off.")
    answers = compare(outcome.given, outcome.found, subject.bundle.answers)
    return AnswerComparison(
        kind="replay",
        deployment=subject.deployment,
        version=subject.version,
        since=since,
        until=until,
        rows=len(outcome.found),
        given_by=_counts(outcome.by),
        **{name: getattr(answers, name) for name in answers.__slots__},
        latency=quantiles(own) | quantiles(other, "given_"),
        latency_basis=_basis(subject, len(own)),
        refused=outcome.refused,
        left_out=total - outcome.done,
        notes=tuple(outcome.notes),
        at=now(),
    )


def _no_answer(subject: Subject, count: int, outcome: _Outcome) -> Unavailable:
    return Unavailable(
        f"{subject.version} of {subject.deployment} answered none of {count:,} logged rows.",
        outcome.notes[0],
        f"mlinfra deployments show {subject.deployment}",
    )


def _basis(subject: Subject, count: int) -> str:
    beside = f", alternating with {subject.against}" if subject.against else ""
    return f"round trip of {count:,} one-row requests now{beside}"


def _logged(
    folder: Path,
    version: str,
    since: datetime,
    until: datetime,
    limit: int,
    answered_by: Collection[str] | None,
) -> tuple[pl.DataFrame, int]:
    """Answered rows of a window, at most `limit`, evenly taken, oldest first; and how many there
    are. answered_by: these versions; None: any, but the version itself only if no other has
    answered. Raises Unprocessable without any.
    """

    def wanted(name: str) -> bool:
        return name != version if answered_by is None else name in answered_by

    others, other_count = _thinned(folder, since, until, limit, wanted)
    if not other_count and answered_by is None:
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
    bundle: Bundle, rows: pl.DataFrame, sent: Mapping[str, Sequence[Input]] | None
) -> list[_Question]:
    """Logged rows that can be asked again. Raises Unprocessable if none can."""
    as_they_came = sent is not None
    if sent is None:
        _check_askable(bundle, rows)
        sent = dict.fromkeys(rows["version"].unique(), bundle.inputs)
    outputs = [name for name in rows.columns if is_output(name)]
    inputs = {
        version: [(item, place) for item in items if (place := _place(rows, item))]
        for version, items in sent.items()
    }
    taken = {item.name for item in bundle.inputs}
    known = None if as_they_came else {item.name for item in bundle.params}
    questions = []
    for row in rows.iter_rows(named=True):
        asked = inputs[row["version"]]
        if any(
            isinstance(row[place], str) and len(row[place]) >= LOGGED_TEXT for _, place in asked
        ):
            continue
        answer = [row[name] for name in outputs]
        while len(answer) > 1 and answer[-1] is None:
            answer.pop()
        body = {
            item.name: _value(item, row[place])
            for item, place in asked
            # The log does not tell null from an input that was left out, as it may have been.
            if row[place] is not None or item.name in taken
        }
        params = _params(row["params"], known)
        questions.append(_Question(body=body, params=params, given=answer, by=str(row["version"])))
    if not questions:
        raise Unprocessable(
            "These rows cannot be replayed.",
            "All of them hold texts that were logged cut off.",
            "Compare the version as a shadow: mlinfra deployments shadow NAME VERSION",
        )
    return questions


def _params(text: str | None, known: Collection[str] | None) -> Mapping[str, Any]:
    """The parameters of a logged row. known: those that are asked for; None for all."""
    found: Mapping[str, Any] = orjson.loads(text) if text else {}
    return {name: value for name, value in found.items() if known is None or name in known}


def _check_askable(bundle: Bundle, rows: pl.DataFrame) -> None:
    """Raises Unprocessable for rows that lack what a version takes."""
    if bundle.layout != "columns":
        raise Unprocessable(
            "These rows cannot be replayed.",
            "The log holds tensors as they are summarised, not as they were asked.",
            "Compare the version as a shadow: mlinfra deployments shadow NAME VERSION",
        )
    absent = [item.name for item in bundle.inputs if not item.optional and not _place(rows, item)]
    if absent:
        raise Unprocessable(
            "These rows cannot be replayed.",
            f"The log has no input {absent[0]}, which this version needs.",
            "Name a window in which requests had it.",
        )


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


def _send(
    subject: Subject,
    questions: Sequence[_Question],
    outcome: _Outcome,
    deadline: float,
    on_progress: Callable[[str], None],
) -> None:
    """Ask all of them until the deadline, in requests that grow as fast as the version answers."""
    start, size = 0, 1
    while start < len(questions) and time.monotonic() <= deadline:
        asked = _alike(questions[start : start + size])
        begun = time.monotonic()
        whole = _ask(subject, asked, outcome, deadline)
        size = next_size(len(asked), time.monotonic() - begun) if whole else 1
        start += len(asked)
        on_progress(f"replayed {start:,} of {len(questions):,} rows")


def _alike(questions: Sequence[_Question]) -> list[_Question]:
    """Those at the beginning that have the same inputs and the same parameters, so that one request
    can carry them.
    """
    first = questions[0]
    return list(
        takewhile(
            lambda item: item.body.keys() == first.body.keys() and item.params == first.params,
            questions,
        )
    )


def next_size(rows: int, seconds: float) -> int:
    """Rows of the next request, when one of `rows` was answered in `seconds`."""
    affordable = int(REQUEST_AIM_SECONDS * rows / max(seconds, 1e-9))
    return max(1, min(affordable, GROWTH * rows, BATCH))


def _ask(
    subject: Subject, questions: Sequence[_Question], outcome: _Outcome, deadline: float
) -> bool:
    """Ask for a batch; if it is refused, row by row. Returns whether it was answered as a whole."""
    try:
        found = _answers(subject, questions, deadline)
    except MLInfraError as error:
        if ENDS in error.what and not subject.may_die:
            raise Deadly(_ended(len(questions)), error.why, error.fix) from error
        if len(questions) > 1:
            for question in questions:
                if time.monotonic() <= deadline:
                    _ask(subject, [question], outcome, deadline)
        elif not _cut_off(error, deadline):
            outcome.refused += 1
            outcome.note(
                error.what if subject.hides_values else f"{error.what} {error.why}".strip()
            )
        return False
    outcome.given += [question.given for question in questions]
    outcome.by += [question.by for question in questions]
    outcome.found += found
    return True


def _ended(rows: int) -> str:
    one = "A logged row" if rows == 1 else f"One of {rows:,} logged rows"
    return f"{one} ends the model's process (exit or crash)."


def _cut_off(error: MLInfraError, deadline: float) -> bool:
    """Whether nobody waited any longer for the answer, because the time of the replay is over."""
    import httpx

    return isinstance(error.__cause__, httpx.TimeoutException) and time.monotonic() > deadline


def _answers(subject: Subject, rows: Sequence[_Question], deadline: float) -> list[list[Any]]:
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
    subject: Subject, questions: Sequence[_Question], version: str, deadline: float
) -> client.Answer:
    from .bodies import with_params

    rows = [question.body for question in questions]
    body = client.request_body(rows) if _flat(rows) else _nested(rows)
    left = max(LEAST_SECONDS, deadline - time.monotonic())
    return client.post(
        subject.url,
        orjson.dumps(with_params(body, questions[0].params)),
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
    subject: Subject, rows: Sequence[_Question], deadline: float
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
