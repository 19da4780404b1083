"""The card of a record: a title, the facts worth reading, a small table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core.refs import reference
from .rows import METRICS, ROWS, Row, metrics_of, row_of, rows_of
from .words import (
    NONE,
    assigned,
    beginning,
    counted,
    moment,
    number,
    plain,
    share,
    size,
    span,
    state,
    stored,
    took,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a record shows. ref: empty for a list. note: what is left out, and how to get it."""

    title: str
    ref: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    rows: Sequence[Row] = ()
    note: str = ""


def card_of(value: Any, *, first: str = "") -> Card | None:
    """The card of a record, a page or a list of records; None for anything else. first: the metric
    that matters most in a list of runs.
    """
    name = type(value).__name__
    if name == "Page":
        return _page(value, first)
    if name == "ModelDetail":
        return _model_detail(value, first)
    if name in CARDS:
        return CARDS[name](value)
    if name in ROWS:
        return _from_row(value)
    if isinstance(value, list) and value and type(value[0]).__name__ in ROWS:
        return Card(
            title=counted(len(value), _noun(value[0])),
            rows=rows_of(value, first=first),
            note=_left_out(value, first),
        )
    return None


def _page(page: Any, first: str = "") -> Card:
    if not page.items:
        return Card(
            title="Nothing found." if page.total == 0 else "Nothing on this page.", note=page.note
        )
    total = counted(page.total, _noun(page.items[0]))
    shown = (total if page.shown == page.total else f"{page.shown:,} of {total}") + (
        " or more" if page.more else ""
    )
    notes = [
        f"{shown}; more with cursor {page.cursor}" if page.cursor else "",
        _left_out(page.items, first),
        page.note,
    ]
    return Card(
        title=shown, rows=rows_of(page.items, first=first), note="; ".join(filter(None, notes))
    )


def _noun(item: Any) -> str:
    """What a list is of, by its first column."""
    noun = next(iter(row_of(item)))
    return {
        "Hit": "object",
        "Change": "change",
        "Due": "due time",
        "Firing": "firing",
        "OnlineRow": "entity",
        "Edge": "edge",
    }.get(type(item).__name__, noun)


def _left_out(items: Sequence[Any], first: str) -> str:
    """The metrics for which the table has no column."""
    left = metrics_of(items, first=first)[METRICS:]
    return f"{counted(len(left), 'more metric')}: {beginning(', '.join(left), 100)}" if left else ""


def _from_row(value: Any) -> Card:
    facts = dict(row_of(value))
    title = facts.pop(next(iter(facts)))
    return Card(title=title, ref=getattr(value, "ref", ""), facts=_said(facts))


def _said(facts: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in facts.items() if text != NONE}


def _dataset_detail(item: Any) -> Card:
    data = item.dataset
    facts = {
        "rows": number(data.rows),
        "size": size(data.bytes),
        "snapshot": plain(data.snapshot),
        "updated": moment(data.updated_at),
        "snapshots": plain(item.snapshots),
        "newer": plain(item.newer or None),
        "owner": plain(data.owner),
        "tags": plain(data.tags),
        "description": beginning(data.description, 200),
    }
    return Card(title=data.name, ref=data.ref, facts=_said(facts), rows=rows_of(item.schema))


def _profile(item: Any) -> Card:
    facts = {
        "rows": number(item.rows),
        "tier": item.tier,
        "snapshot": plain(item.snapshot),
        "took": span(item.seconds),
    }
    return Card(
        title=f"profile of {item.ref.partition(':')[2]}",
        ref=item.ref,
        facts=_said(facts),
        rows=rows_of(item.columns),
    )


def _row_block(item: Any) -> Card:
    names = [column.name for column in item.columns]
    rows = [
        dict(zip(names, (beginning(stored(value), 40) for value in values), strict=True))
        for values in zip(*item.data, strict=True)
    ]
    last = item.start + item.shown
    return Card(
        title=f"rows {item.start + 1:,}–{last:,} of {item.total:,}" if item.shown else "no rows",
        rows=rows,
    )


def _ingest(item: Any) -> Card:
    facts = {
        "rows written": plain(item.rows_written),
        "quarantined": plain(item.quarantined),
        "skipped": beginning(", ".join(item.skipped), 200) or NONE,
        "columns": plain(item.columns),
        "read as": "; ".join(item.spelled),
        "snapshot": item.snapshot,
        "quarantine": plain(item.quarantine),
    }
    # The first line says what was left out, because nobody reads on after a success.
    title = f"{item.dataset}: {item.summary}" if item.quarantined or item.skipped else item.dataset
    return Card(
        title=title,
        ref=reference("dataset", item.dataset),
        facts=_said(facts),
        note="\n".join(item.notes),
    )


def _inspection(item: Any) -> Card:
    first = item.files[0]
    said = {
        "encoding": first.encoding,
        "separator": _sign(first.separator),
        "quote": _sign(first.quote),
        "comment": first.comment,
        "skip": first.skip,
    }
    shown = {name: value for name, value in said.items() if value} | (
        {} if first.header is None else {"header": "yes" if first.header else "no"}
    )
    cut = [
        f"{name} {value}{' (guessed)' if name in first.guessed else ''}"
        for name, value in shown.items()
    ]
    facts = {
        "read as": ", ".join(cut) or first.kind,
        "rows looked at": f"{plain(item.rows)}{'' if item.whole else ', the beginning'}",
        "do not fit": (
            f"{plain(item.bad)}, the first in line {item.broken[0].line} of {item.broken[0].file}:"
            f" {item.broken[0].reason}"
            if item.broken
            else NONE
        ),
        "would be refused": item.refused or NONE,
        "in it already": (
            plain([file.path for file in item.files if file.snapshot])
            if any(file.snapshot for file in item.files)
            else NONE
        ),
    }
    rows = [
        {
            "column": column.name,
            "type": column.type,
            "how": "of the dataset" if column.in_dataset else "guessed" if column.guessed else "",
            "spelled": _spelled(column),
            "examples": beginning(
                " · ".join(NONE if value is None else str(value) for value in values[:3]), 60
            ),
        }
        for column, values in zip(item.columns, item.data, strict=True)
    ]
    title = first.path if len(item.files) == 1 else counted(len(item.files), "file")
    return Card(
        title=title,
        facts=_said(facts),
        rows=rows,
        note="\n".join(f"{doubt.what} {doubt.fix}" for doubt in item.doubts),
    )


def _sign(sign: str | None) -> str:
    """A character made visible."""
    return {None: "", "\t": "tab", " ": "space", "": "none"}.get(sign, sign or "")


def _spelled(column: Any) -> str:
    marks = (
        f"decimal {column.decimal} thousands {_sign(column.thousands)}"
        if (column.decimal, column.thousands) != (".", "")
        else ""
    )
    return " ".join(filter(None, [marks, column.date_format]))


def _verification(item: Any) -> Card:
    facts = {
        "snapshot": item.snapshot or NONE,
        "files": plain(item.files),
        "checked": plain(item.checked),
        "damaged": plain(len(item.damaged)),
        "not checked": plain(item.files - item.checked or None),
    }
    rows = [{"file": damage.file, "why": damage.why} for damage in item.damaged]
    return Card(
        title=item.dataset,
        ref=reference("dataset", item.dataset),
        facts=_said(facts),
        rows=rows,
        note=item.note,
    )


def _view_detail(item: Any) -> Card:
    facts = dict(row_of(item.view)) | {
        "rows": number(item.rows),
        "keys": plain(item.join_keys),
        "time": item.timestamp_column,
    }
    facts.pop("view")
    return Card(
        title=item.view.name, ref=item.view.ref, facts=_said(facts), rows=rows_of(item.features)
    )


def _applied(item: Any) -> Card:
    facts = {
        name: plain(getattr(item, name)) for name in ("created", "updated", "deleted", "unchanged")
    }
    return Card(title="views", facts=_said(facts))


def _job(item: Any) -> Card:
    facts = {
        "state": plain(item.state),
        "reason": plain(item.reason),
        "exit code": plain(item.exit_code),
        "progress": (
            " ".join(filter(None, [share(item.progress), item.progress_text]))
            if item.progress is not None
            else NONE
        ),
        "took": span(item.elapsed_seconds),
        "notebook": plain(item.notebook),
        "command": plain(" ".join(item.command)) if item.command else NONE,
        "parameters": assigned(item.parameters),
        "output": plain(item.output),
        "cpus": plain(item.cpus),
        "gpus": plain(item.gpu_ids or item.gpus or None),
        "priority": plain(item.priority),
        "attempt": f"{item.attempt} of {item.retries + 1}" if item.retries else NONE,
        "submitted": f"{moment(item.submitted_at)} by {item.user}",
        "labels": plain(item.labels),
        "after": plain([f"job:{job}" for job in item.after]),
        "elements": (
            plain(
                [
                    f"{plain(count)} {state(name)}"
                    for name, count in item.array.states.items()
                    if count
                ]
            )
            if item.array is not None
            else NONE
        ),
    }
    return Card(title=item.name, ref=item.ref, facts=_said(facts))


def _estimate(item: Any) -> Card:
    facts = {
        "starts": f"{moment(item.starts_at)} (est.)" if item.starts_at is not None else NONE,
        "takes": (
            f"{took(item.seconds)} ({item.like} like it)" if item.seconds is not None else NONE
        ),
        "costs": plain(item.cost),
        "refused": item.refused,
    }
    return Card(title="estimate", facts=_said(facts))


def _resources(item: Any) -> Card:
    facts = {
        "cpus": plain(item.cpus),
        "memory asked for": (
            f"{plain(item.memory_limit_gib)} GiB" if item.memory_limit_gib is not None else NONE
        ),
    }
    return Card(title="resources", facts=_said(facts), rows=rows_of(item.points))


def _log(item: Any) -> Card:
    return Card(title=item.text.rstrip("\n") or item.note)


def _log_hits(item: Any) -> Card:
    if not item.items:
        return Card(
            title=(
                "Nothing found."
                if not item.more
                else f"Nothing found so far; more with cursor {item.cursor}"
            )
        )
    found = f"{item.shown:,} of {'at least ' if item.more else ''}{counted(item.total, 'line')}"
    return Card(
        title=found,
        rows=rows_of(item.items),
        note=f"more with cursor {item.cursor}" if item.cursor else "",
    )


def _code_snapshot(item: Any) -> Card:
    facts = {
        "files": plain(item.files),
        "size": size(item.size),
        "commit": item.commit or NONE,
        "uncommitted": plain(item.uncommitted),
        "left out": plain(len(item.left_out)),
    }
    return Card(title=f"code {item.id}", facts=_said(facts), rows=rows_of(item.left_out))


def _code_preview(item: Any) -> Card:
    facts = {
        "files": plain(item.files),
        "size": size(item.size),
        "commit": item.commit or NONE,
        "uncommitted": plain(item.uncommitted.total),
        "left out": plain(item.left_out.total),
    }
    rows = [
        {"file": path, "size": NONE, "why": "It is not committed."}
        for path in item.uncommitted.items
    ] + [*rows_of(item.left_out.items)]
    cut = item.uncommitted.total + item.left_out.total - len(rows)
    return Card(
        title="code of now",
        facts=_said(facts),
        rows=rows,
        note=f"{cut:,} more; ask with a higher limit" if cut else "",
    )


def _code_diff(item: Any) -> Card:
    cut = f"{item.shown:,} of {item.total:,} bytes are shown" if item.shown < item.total else ""
    return Card(
        title=item.text.rstrip("\n")
        or ("It does not differ from the commit." if item.commit else "It is of no commit."),
        note=cut,
    )


def _compute(item: Any) -> Card:
    facts = {
        "cpus": f"{item.cpus_used} of {item.cpus} in use",
        "load": share(item.load),
        "memory": share(item.memory),
        "disk": share(item.disk),
        "running": plain(item.running),
        "waiting": plain(item.waiting),
    }
    return Card(title=f"{item.backend} compute", facts=facts, rows=rows_of(item.devices))


def _supervisor(item: Any) -> Card:
    facts = {
        "pid": str(item.pid) if item.pid is not None else "none runs; the next submit starts one",
        "since": moment(item.started_at),
        "running": plain(item.running),
        "waiting": plain(item.waiting),
        "slots": f"{item.cpus} CPU, {item.gpus} GPU" if item.pid is not None else NONE,
    }
    return Card(title="supervisor", facts=_said(facts))


def _pipeline_detail(item: Any) -> Card:
    newest = plain([state(each) for each in item.pipeline.last])
    facts = {
        "file": item.pipeline.path,
        "newest runs": newest,
        "description": beginning(item.pipeline.description, 200),
    }
    return Card(
        title=item.pipeline.name,
        ref=item.pipeline.ref,
        facts=_said(facts),
        rows=rows_of(item.graph),
    )


def _pipeline_run(item: Any) -> Card:
    took = (item.ended_at - item.started_at).total_seconds() if item.ended_at else None
    facts = {
        "state": plain(item.state),
        "run": item.run,
        "date": plain(item.date or None),
        "repairs": plain(item.repairs or None),
        "only step": plain(item.only or None),
        "took": span(took),
        "parameters": assigned(item.parameters),
        "reason": plain(item.reason),
    }
    return Card(
        title=item.pipeline,
        ref=reference("pipeline", item.pipeline),
        facts=_said(facts),
        rows=rows_of(item.steps),
    )


def _explanation(item: Any) -> Card:
    changed = plain(item.changed) if item.changed else "nothing: it would be taken from the cache"
    return Card(
        title=f"{item.pipeline}/{item.step}",
        ref=item.ref,
        facts={"changed": changed},
        note="" if item.detail == changed else item.detail,
    )


def _backfill(item: Any) -> Card:
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


def _exported(item: Any) -> Card:
    if not item.path:
        return Card(title=item.text.rstrip("\n"))
    return Card(
        title=item.pipeline,
        facts={"for": item.target, "written to": item.path},
        note="\n".join(item.notes),
    )


def _proposal(item: Any) -> Card:
    return (
        Card(title=item.path, facts={"written": "yes"})
        if item.saved
        else Card(title=f"# {item.path}\n{item.text.rstrip()}")
    )


def _run(item: Any) -> Card:
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
    return Card(title=item.name, ref=item.ref, facts=_said(facts), rows=rows)


def _comparison(item: Any) -> Card:
    facts = {f"run {index + 1}": f"{run.name} {run.id[:8]}" for index, run in enumerate(item.runs)}
    same = sum(row.same for row in item.rows)
    note = f"{same:,} of {len(item.rows):,} rows are the same in all runs" if same else ""
    return Card(
        title=counted(len(item.runs), "run"),
        facts=facts,
        rows=rows_of([row for row in item.rows if not row.same]),
        note=note,
    )


def _curve(item: Any) -> Card:
    facts = {
        "points": plain(item.total),
        "first": plain(item.mean[0] if item.mean else None),
        "last": plain(item.mean[-1] if item.mean else None),
    }
    return Card(title=item.metric, ref=f"run:{item.run}", facts=_said(facts))


def _model_detail(item: Any, first: str = "") -> Card:
    facts = dict(row_of(item.model))
    facts.pop("model")
    rows = rows_of(item.versions, first=first)
    return Card(
        title=item.model.name,
        ref=item.model.ref,
        facts=_said(facts),
        rows=rows,
        note=_left_out(item.versions, first),
    )


def _version(item: Any) -> Card:
    card = _from_row(item)
    rows = [{"metric": name, "value": plain(value)} for name, value in sorted(item.metrics.items())]
    return Card(title=card.title, ref=card.ref, facts=card.facts, rows=rows)


def _deployment(item: Any) -> Card:
    facts = {
        "state": plain(item.state),
        "url": item.url,
        "target": item.target,
        "updated": moment(item.updated_at),
    }
    return Card(title=item.name, ref=item.ref, facts=_said(facts), rows=rows_of(item.versions))


def _deployment_detail(item: Any) -> Card:
    card = _deployment(item.deployment)
    newest = item.history[0] if item.history else None
    last = f"{moment(newest.at)} {newest.user}: {newest.text}" if newest else NONE
    return Card(
        title=card.title,
        ref=card.ref,
        facts={**card.facts, **_said({"answers": item.answers or NONE, "last change": last})},
        rows=card.rows,
    )


def _prediction(item: Any) -> Card:
    facts = {
        "version": item.version,
        "answered in": f"{item.milliseconds:.1f} ms",
        "request": item.request_id,
    }
    # As errors count them.
    rows = [
        {"row": str(place), "prediction": plain(value)}
        for place, value in enumerate(item.predictions[:20], 1)
    ]
    left = len(item.predictions) - len(rows)
    return Card(
        title=counted(len(item.predictions), "prediction"),
        facts=facts,
        rows=rows,
        note=f"{left:,} more" if left else "",
    )


def _monitor_status(item: Any) -> Card:
    facts = {
        "state": plain(item.monitor.state),
        "requests": number(item.monitor.requests),
        "rows": number(item.monitor.rows),
        "window": (
            f"{moment(item.window_start)} to {moment(item.window_end)}"
            if item.window_start
            else NONE
        ),
        "reference": plain(item.reference),
        "versions": plain(item.versions),
        "p50 ms": number(item.p50_ms),
        "p95 ms": number(item.p95_ms),
        "errors": share(item.error_fraction),
        "refused": share(item.refused_fraction),
        "score PSI": number(item.score.psi) if item.score else NONE,
        "not logged": plain(item.dropped or None),
        "not compared": item.trouble or NONE,
        **{
            f"alert {alert.name}": f"{alert.state}: {alert.text}"
            for alert in item.alerts
            if alert.state != "ok"
        },
    }
    shown = item.drift[:20]
    note = (
        f"{len(shown)} of {counted(item.features, 'feature')}, those that moved most"
        if item.features > len(shown)
        else ""
    )
    return Card(
        title=item.monitor.name,
        ref=item.monitor.ref,
        facts=_said(facts),
        rows=rows_of(shown),
        note=note,
    )


CARDS: Mapping[str, Callable[[Any], Card]] = {
    "AppliedViews": _applied,
    "Backfill": _backfill,
    "CodeDiff": _code_diff,
    "CodePreview": _code_preview,
    "CodeSnapshot": _code_snapshot,
    "Comparison": _comparison,
    "Compute": _compute,
    "Curve": _curve,
    "DatasetDetail": _dataset_detail,
    "Deployment": _deployment,
    "DeploymentDetail": _deployment_detail,
    "Explanation": _explanation,
    "Exported": _exported,
    "IngestReport": _ingest,
    "Inspection": _inspection,
    "Estimate": _estimate,
    "Job": _job,
    "Resources": _resources,
    "LogChunk": _log,
    "LogHits": _log_hits,
    "ModelDetail": _model_detail,
    "MonitorStatus": _monitor_status,
    "Page": _page,
    "PipelineDetail": _pipeline_detail,
    "PipelineRun": _pipeline_run,
    "Prediction": _prediction,
    "Profile": _profile,
    "Proposal": _proposal,
    "RowBlock": _row_block,
    "Run": _run,
    "Supervisor": _supervisor,
    "Verification": _verification,
    "Version": _version,
    "ViewDetail": _view_detail,
}
