"""One run for each date of a range: which dates there are, which are done, and how much is left to
do.
"""

from __future__ import annotations

import calendar
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256
from typing import Any, Literal, get_args

from ..core.errors import BadRequest, NotFound, Unprocessable
from ..core.refs import reference
from .assess import Assessor
from .binding import lane
from .cache import Parts
from .definition import Definition, StepDefinition, placeholders
from .explaining import sorted_steps
from .rows import RunEntry
from .spec import Backfill, BackfillDate, RunState
from .store import RunStore

Every = Literal["day", "week", "month"]
MAX_DATES = 1000

Bind = Callable[[Mapping[str, Any]], Definition]
Look = Callable[[Definition], Assessor]


@dataclass(frozen=True, slots=True, kw_only=True)
class DateRange:
    """Which dates a backfill has: from `first` to `last`, both included. every: `day`, `week` or
    `month`.
    """

    first: str
    last: str
    every: str

    def dates(self) -> list[str]:
        """The dates, oldest first. Raises BadRequest for a range that cannot be used."""
        if self.every not in get_args(Every):
            raise BadRequest(
                f"{self.every!r} is not a step of a backfill.",
                f"There are: {', '.join(get_args(Every))}.",
                "For example --every week",
            )
        start, end = _date(self.first), _date(self.last)
        if end < start:
            raise BadRequest(
                f"{self.first} is after {self.last}.",
                "A backfill goes from an earlier date to a later one.",
                "Exchange them.",
            )
        dates: list[str] = []
        for day in _from(start, self.every):
            if day > end:
                break
            if len(dates) == MAX_DATES:
                raise BadRequest(
                    f"{self.first} to {self.last} are over {MAX_DATES:,} dates.",
                    "Each is a run of its own.",
                    "Give a shorter range, or --every month.",
                )
            dates.append(day.isoformat())
        return dates


def run_digest(bound: Definition, assessor: Assessor) -> str:
    """One digest of what a run is made from: code, parameters, environments and inputs of all
    steps, without what its own steps make.

    Empty if it takes a result that was made from something else than the present inputs. Raises as
    examining a step does.
    """
    external = {reference for _, reference in bound.external_inputs()}
    keys = []
    for step in bound.steps:
        parts = assessor.parts(step, without=set(step.inputs) - external)
        if assessor.takes_other(step, parts):
            return ""
        keys.append([step.name, list(step.outputs), parts.key])
    return sha256(json.dumps(keys).encode()).hexdigest()


@dataclass(slots=True)
class Forecast:
    """What the runs of a backfill would do, one after the other; each leaves the cache for the
    next.
    """

    definition: Definition
    store: RunStore
    bind: Bind
    look: Look
    _made: dict[tuple[str, str], str | None] = field(default_factory=dict)

    def of(self, values: Mapping[str, Any]) -> BackfillDate:
        """One date."""
        bound = self.bind(values)
        assessor = self.look(bound)
        day = self.definition.date_of(values)
        newest = self.store.newest_of(bound.name, day)
        done = (
            newest is not None
            and newest.run.state is RunState.SUCCEEDED
            and self._is_same(newest, bound, assessor)
        )
        ran = [] if done else self._ran(bound, assessor)
        cached = 0 if done else len(bound.steps) - len(ran)
        return BackfillDate(
            date=day,
            done=done,
            run=newest.run.run if newest else "",
            steps=len(ran),
            cached=cached,
            state=newest.run.state if newest else "",
        )

    def _is_same(self, run: RunEntry, bound: Definition, assessor: Assessor) -> bool:
        """Whether a run was made from the present inputs, and what only its own date makes still
        exists. A later date may have overwritten the rest.
        """
        made = {step.name: step.outputs for step in self.definition.steps}
        dated = [
            step
            for step in bound.steps
            if step.outputs
            and all(self.definition.date in placeholders(text) for text in made[step.file_name])
        ]
        return (
            bool(run.digest)
            and run.digest == _digest(bound, assessor)
            and all(map(assessor.stands, dated))
        )

    def _ran(self, bound: Definition, assessor: Assessor) -> list[str]:
        ran: list[str] = []
        for name in sorted_steps(bound):
            step = bound.step(name)
            parts = None if any(before in ran for before in step.after) else _parts(assessor, step)
            if not self._is_cached(step, parts, assessor):
                ran.append(name)
                self._made[name, step.slot] = parts.key if parts else None
        return ran

    def _is_cached(self, step: StepDefinition, parts: Parts | None, assessor: Assessor) -> bool:
        if parts is None:
            return False
        if (step.name, step.slot) in self._made:
            return step.cache and self._made[step.name, step.slot] == parts.key
        return assessor.look(step).made is not None


def summary(
    definition: Definition, dates: Sequence[BackfillDate], *, parallel: int, id: str = ""
) -> Backfill:
    """The plan as it is shown."""
    open_dates = [item for item in dates if not item.done]
    may_overlap = bool(lane(definition, "x"))
    note = ""
    if not may_overlap and len(open_dates) > 1:
        output = next(
            text
            for step in definition.steps
            for text in step.outputs
            if definition.date not in placeholders(text)
        )
        note = (
            f"One date at a time: each of them makes {output}. Several run at once if all names"
            f" under `out` hold {{{{ {definition.date} }}}}."
        )
    return Backfill(
        ref=reference("pipeline", definition.name),
        pipeline=definition.name,
        parameter=definition.date,
        dates=tuple(dates),
        runs=len(open_dates),
        steps=sum(item.steps for item in open_dates),
        cached=sum(item.cached for item in open_dates),
        parallel=max(1, min(parallel, len(open_dates))) if may_overlap else 1,
        note=note,
        id=id,
    )


def check_dated(definition: Definition) -> None:
    """Raise Unprocessable if all runs of a backfill would be the same."""
    if not definition.date:
        raise Unprocessable(
            f"Pipeline {definition.name} depends on no date.",
            "All runs of a backfill would be the same.",
            "Use {{ date }} under `params`, `in` or `out` of a step; `date_parameter: day` at the"
            " top names another parameter.",
        )


def _digest(bound: Definition, assessor: Assessor) -> str:
    """Empty when something is missing, as it may be of a step whose result was taken."""
    try:
        return run_digest(bound, assessor)
    except NotFound:
        return ""


def _parts(assessor: Assessor, step: StepDefinition) -> Parts | None:
    try:
        return assessor.parts(step)
    except NotFound:
        return None


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadRequest(
            f"{text!r} is not a date.",
            "A date is written as year-month-day.",
            "For example 2026-11-01",
        ) from None


def _from(start: date, every: str) -> Iterator[date]:
    """Months keep the day of the first date, or the last day they have: 31 January, 28 February, 31
    March.
    """
    number = 0
    while True:
        try:
            if every == "month":
                year, month = divmod(start.month - 1 + number, 12)
                yield date(
                    start.year + year,
                    month + 1,
                    min(start.day, calendar.monthrange(start.year + year, month + 1)[1]),
                )
            else:
                yield start + timedelta(days=number * (7 if every == "week" else 1))
        except (OverflowError, ValueError):  # the calendar ends
            return
        number += 1
