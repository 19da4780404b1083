"""The card of each record."""

from __future__ import annotations

from ...faces.cards import Card, card, from_row, left_out, said
from ...faces.rows import row_of, rows_of
from ...faces.words import beginning, counted, moment, plain, span
from ..spec import Comparison, Curve, ModelDetail, Run, Version


@card(Comparison)
def _comparison(item: Comparison) -> Card:
    facts = {f"run {index + 1}": f"{run.name} {run.id[:8]}" for index, run in enumerate(item.runs)}
    same = sum(row.same for row in item.rows)
    note = f"{same:,} of {len(item.rows):,} rows are the same in all runs" if same else ""
    return Card(
        title=counted(len(item.runs), "run"),
        facts=facts,
        rows=rows_of([row for row in item.rows if not row.same]),
        note=note,
    )


@card(Curve)
def _curve(item: Curve) -> Card:
    facts = {
        "points": plain(item.total),
        "first": plain(item.mean[0] if item.mean else None),
        "last": plain(item.mean[-1] if item.mean else None),
    }
    return Card(title=item.metric, ref=f"run:{item.run}", facts=said(facts))


@card(ModelDetail, measured=True)
def _model_detail(item: ModelDetail, first: str = "") -> Card:
    facts = dict(row_of(item.model))
    facts.pop("model")
    rows = rows_of(item.versions, first=first)
    return Card(
        title=item.model.name,
        ref=item.model.ref,
        facts=said(facts),
        rows=rows,
        note=left_out(item.versions, first),
    )


@card(Run)
def _run(item: Run) -> Card:
    facts = {
        "experiment": item.experiment,
        "status": item.status,
        "started": moment(item.started_at),
        "took": span(item.duration_seconds),
        "by": plain(item.user),
        "notebook": plain(item.notebook),
        "job": plain(item.job),
        "datasets": plain(item.datasets),
        "versions": plain(item.versions),
    }
    rows = [
        {"kind": "metric", "name": name, "value": plain(value)}
        for name, value in sorted(item.metrics.items())
    ]
    rows += [
        {"kind": "param", "name": name, "value": beginning(value)}
        for name, value in sorted(item.params.items())
    ]
    return Card(title=item.name, ref=item.ref, facts=said(facts), rows=rows)


@card(Version)
def _version(item: Version) -> Card:
    card = from_row(item)
    rows = [{"metric": name, "value": plain(value)} for name, value in sorted(item.metrics.items())]
    return Card(title=card.title, ref=card.ref, facts=card.facts, rows=rows)
