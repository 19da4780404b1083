"""One row of a list, for each record."""

from __future__ import annotations

from ...faces.rows import Row, row
from ...faces.words import NONE, beginning, moment, plain, span, state
from ..spec import BackfillDate, Pipeline, PipelineRun, Step, StepRun


@row(BackfillDate)
def backfill_date(item: BackfillDate) -> Row:
    return {
        "date": item.date,
        "done": "yes" if item.done else "no",
        "run": item.run or NONE,
        "state": plain(item.state or None),
        "to run": plain(item.steps),
        "cached": plain(item.cached),
    }


@row(Pipeline)
def pipeline(item: Pipeline) -> Row:
    return {
        "pipeline": item.name,
        "steps": plain(item.steps),
        "newest runs": plain([state(run_state) for run_state in item.last]),
        "file": item.path,
        "note": beginning(item.problem or item.description),
    }


@row(PipelineRun)
def pipeline_run(item: PipelineRun) -> Row:
    states = [step.state for step in item.steps]
    steps = ", ".join(
        f"{states.count(step_state)} {state(step_state)}" for step_state in dict.fromkeys(states)
    )
    row = {
        "run": item.run,
        "pipeline": item.pipeline,
        "state": plain(item.state),
        "steps": steps,
        "started": moment(item.started_at),
        "by": plain(item.user),
    }
    more = {
        "only step": item.only,
        "date": item.date,
        "reason": beginning(item.reason, 100) if item.reason else "",
    }
    return row | {name: text for name, text in more.items() if text}


@row(Step)
def step(item: Step) -> Row:
    name = f"{item.name} ×{len(item.elements)}" if item.elements else item.name
    return {
        "step": name,
        "notebook": item.notebook,
        "after": plain(item.after),
        "in": plain(item.inputs),
        "out": plain(item.outputs),
    }


@row(StepRun)
def step_run(item: StepRun) -> Row:
    seconds = (
        (item.ended_at - item.started_at).total_seconds()
        if item.started_at and item.ended_at
        else None
    )
    return {
        "step": item.name,
        "state": plain(item.state),
        "took": span(seconds),
        "job": plain(item.job),
        "reason": beginning(item.reason, 100),
    }
