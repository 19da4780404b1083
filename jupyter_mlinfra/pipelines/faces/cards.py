"""The card of each record."""

from __future__ import annotations

from ...core.refs import reference
from ...faces.cards import Card, card, said
from ...faces.rows import rows_of
from ...faces.words import assigned, beginning, counted, plain, span, state
from ..spec import Backfill, Explanation, Exported, PipelineDetail, PipelineRun, Proposal


@card(Backfill)
def _backfill(item: Backfill) -> Card:
    facts = {
        "runs": f"{plain(item.runs)} of {counted(len(item.dates), 'date')}",
        "steps": f"{plain(item.steps)} to run, {plain(item.cached)} from the cache",
        "at once": plain(item.parallel),
    }
    return Card(
        title=f"backfill of {item.pipeline}",
        ref=item.ref,
        facts=facts,
        rows=rows_of(item.dates),
        note=item.note,
    )


@card(Explanation)
def _explanation(item: Explanation) -> Card:
    changed = plain(item.changed) if item.changed else "nothing: it would be taken from the cache"
    return Card(
        title=f"{item.pipeline}/{item.step}",
        ref=item.ref,
        facts={"changed": changed},
        note="" if item.detail == changed else item.detail,
    )


@card(Exported)
def _exported(item: Exported) -> Card:
    if not item.path:
        return Card(title=item.text.rstrip("\n"))
    return Card(
        title=item.pipeline,
        facts={"for": item.target, "written to": item.path},
        note="\n".join(item.notes),
    )


@card(PipelineDetail)
def _pipeline_detail(item: PipelineDetail) -> Card:
    newest = plain([state(run_state) for run_state in item.pipeline.last])
    facts = {
        "file": item.pipeline.path,
        "newest runs": newest,
        "description": beginning(item.pipeline.description, 200),
    }
    return Card(
        title=item.pipeline.name,
        ref=item.pipeline.ref,
        facts=said(facts),
        rows=rows_of(item.graph),
    )


@card(PipelineRun)
def _pipeline_run(item: PipelineRun) -> Card:
    seconds = (item.ended_at - item.started_at).total_seconds() if item.ended_at else None
    facts = {
        "state": plain(item.state),
        "run": item.run,
        "date": plain(item.date or None),
        "repairs": plain(item.repairs or None),
        "only step": plain(item.only or None),
        "took": span(seconds),
        "parameters": assigned(item.parameters),
        "reason": plain(item.reason),
    }
    return Card(
        title=item.pipeline,
        ref=reference("pipeline", item.pipeline),
        facts=said(facts),
        rows=rows_of(item.steps),
    )


@card(Proposal)
def _proposal(item: Proposal) -> Card:
    return (
        Card(title=item.path, facts={"written": "yes"})
        if item.saved
        else Card(title=f"# {item.path}\n{item.text.rstrip()}")
    )
