"""Carrying out a backfill: the remaining dates, oldest first, several at a time."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import asdict, replace
from threading import Event
from typing import TYPE_CHECKING, Any

from ..core.errors import MLInfraError, raise_all, tried
from .backfill import DateRange, Forecast, check_dated, summary
from .definition import Definition
from .launching import Launcher
from .rows import RunRequest
from .spec import Backfill, BackfillDate, PipelineRun, RunState
from .stopping import RunStopper
from .store import RunStore

if TYPE_CHECKING:
    from ..core.project import Project

_SPELL = 0.5
"""Seconds of a wait, at most: Ctrl-C that comes while a thread begins to wait does not wake it."""

RunDate = Callable[[str, Callable[[], None]], PipelineRun]
"""Runs a date to its end; calls the function once the run has started."""


class Backfills:
    """Plans and carries out the backfills of one project."""

    def __init__(
        self, project: Project, store: RunStore, launcher: Launcher, stopper: RunStopper
    ) -> None:
        self._project, self._store = project, store
        self._launcher, self._stopper = launcher, stopper

    def run(
        self,
        name: str,
        definition: Definition,
        dates: DateRange,
        *,
        parameters: Mapping[str, Any],
        parallel: int,
        dry_run: bool,
        wait: bool,
        on_run: Callable[[PipelineRun], None] | None,
        id: str,
    ) -> Backfill:
        """See `Pipelines.backfill`. definition: of the pipeline with this name or path."""
        check_dated(definition)
        values = {
            day: definition.values({**parameters, definition.date: day}) for day in dates.dates()
        }
        forecast = Forecast(
            definition,
            self._store,
            lambda values: self._launcher.bind(definition, values),
            self._launcher.assessor,
        )
        forecasts = [forecast.of(values_of_day) for values_of_day in values.values()]
        if dry_run or all(item.done for item in forecasts):
            return summary(definition, forecasts, parallel=parallel)
        plan = summary(definition, forecasts, parallel=parallel, id=id or secrets.token_hex(4))
        if not wait:
            options = {"parameters": parameters, "parallel": parallel, "id": plan.id}
            self._spawn({"name": name, **asdict(dates), **options}, plan.id)
            return plan

        def run_date(day: str, on_begin: Callable[[], None]) -> PipelineRun:
            return self._launcher.launch(
                definition,
                self._launcher.bind(definition, values[day]),
                values[day],
                RunRequest(backfill=plan.id),
                force=False,
                wait=True,
                on_step=None,
                on_begin=on_begin,
            )

        return fill(plan, run_date, on_run, stop=lambda: self._stopper.cancel_backfill(plan))

    def _spawn(self, options: Mapping[str, Any], id: str) -> None:
        """Let a separate process carry it out, see `driver`."""
        self._launcher.spawn(
            ["--backfill", json.dumps(options)],
            log=self._project.home / "runs" / f"backfill-{id}.log",
        )


def fill(
    plan: Backfill,
    run_date: RunDate,
    on_run: Callable[[PipelineRun], None] | None,
    *,
    stop: Callable[[], None],
) -> Backfill:
    """Run each date that is not done, until one is cancelled; returns the plan with the outcome of
    each. Errors of dates that could not start are raised when all others have ended.

    Each starts after the previous one has started, so that the newest run is that of the last date.
    stop: ends the running dates; called if the caller is interrupted, and the interrupt is then
    raised, with a note that names what could not be ended.
    """
    ended: dict[str, PipelineRun] = {}
    failed: list[MLInfraError] = []
    stopped = Event()

    def run(day: str, started: Event) -> None:
        try:
            if not stopped.is_set():
                ended[day] = run_date(day, started.set)
        except MLInfraError as error:
            failed.append(error)
        else:
            if day in ended and ended[day].state is RunState.CANCELLED:
                stopped.set()
            if day in ended and on_run is not None:
                on_run(ended[day])
        finally:
            started.set()

    days = [item.date for item in plan.dates if not item.done]
    try:
        if plan.parallel == 1:
            for day in days:
                run(day, Event())
        else:
            with ThreadPoolExecutor(plan.parallel) as pool:
                _side_by_side(pool, run, days, stopped, stop)
    finally:
        stopped.set()
    raise_all(failed, "Not every date could be run; all others were.")
    return replace(
        plan,
        dates=tuple(
            _ended(item, ended[item.date]) if item.date in ended else item for item in plan.dates
        ),
    )


def _ended(item: BackfillDate, run: PipelineRun) -> BackfillDate:
    return replace(item, run=run.run, state=run.state, done=run.state is RunState.SUCCEEDED)


def _side_by_side(
    pool: ThreadPoolExecutor,
    run: Callable[[str, Event], None],
    days: Sequence[str],
    stopped: Event,
    stop: Callable[[], None],
) -> None:
    futures = []
    try:
        for day in days:
            started = Event()
            futures.append(pool.submit(run, day, started))
            while not started.wait(_SPELL):
                pass
        running = set(futures)
        while running:
            done, running = wait(running, _SPELL, FIRST_EXCEPTION)
            for future in done:
                future.result()
    except BaseException as interrupt:
        stopped.set()
        for error in tried(stop):
            interrupt.add_note(str(error))
        raise
