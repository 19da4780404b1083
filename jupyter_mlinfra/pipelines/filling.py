"""Carrying out a backfill: the remaining dates, oldest first, several at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

from ..core.errors import MLInfraError, raise_all
from .spec import Backfill, BackfillDate, PipelineRun, RunState

Act = Callable[[str, Callable[[], None]], PipelineRun]
"""Runs a date to its end; calls the function once the run has started."""


def fill(
    plan: Backfill,
    act: Act,
    told: Callable[[PipelineRun], None] | None,
    *,
    stop: Callable[[], None],
) -> Backfill:
    """Run each date that is not done, until one is cancelled; returns the plan with the outcome of
    each. Errors of dates that could not start are raised when all others have ended.

    Each starts after the previous one has started, so that the newest run is that of the last date.
    stop: ends the running dates; called if the caller is interrupted, and the interrupt is then
    raised.
    """
    ended: dict[str, PipelineRun] = {}
    failed: list[MLInfraError] = []
    stopped = Event()

    def one(day: str, begun: Event) -> None:
        try:
            if not stopped.is_set():
                ended[day] = act(day, begun.set)
        except MLInfraError as error:
            failed.append(error)
        else:
            if day in ended and ended[day].state is RunState.CANCELLED:
                stopped.set()
            if day in ended and told is not None:
                told(ended[day])
        finally:
            begun.set()

    left = [item.date for item in plan.dates if not item.done]
    try:
        if plan.parallel == 1:
            for day in left:
                one(day, Event())
        else:
            with ThreadPoolExecutor(plan.parallel) as pool:
                _side_by_side(pool, one, left, stopped, stop)
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
    one: Callable[[str, Event], None],
    left: Sequence[str],
    stopped: Event,
    stop: Callable[[], None],
) -> None:
    futures = []
    try:
        for day in left:
            begun = Event()
            futures.append(pool.submit(one, day, begun))
            begun.wait()
        for future in futures:
            future.result()
    except BaseException:
        stopped.set()
        stop()
        raise
