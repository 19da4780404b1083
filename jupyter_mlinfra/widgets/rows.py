"""One row of a list, for each record: the columns that its list has in every interface."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..core.records import Number
from ..core.refs import named
from ..jobs import needs_of
from .words import (
    NONE,
    assigned,
    beginning,
    datum,
    moment,
    number,
    plain,
    share,
    size,
    span,
    state,
    stored,
)

Row = Mapping[str, str]

METRICS = 5
"""The most metric columns in a list; a run may have hundreds."""


def dataset(item: Any) -> Row:
    return {
        "dataset": item.name,
        "rows": number(item.rows),
        "columns": plain(item.columns),
        "size": size(item.bytes),
        "updated": moment(item.updated_at),
        "owner": plain(item.owner),
        "tags": plain(item.tags),
    }


def snapshot(item: Any) -> Row:
    return {
        "snapshot": item.id,
        "at": moment(item.at),
        "operation": item.operation,
        "rows": number(item.rows),
        "added": plain(item.added),
        "removed": plain(item.removed),
        "written by": plain(item.written_by),
    }


def column(item: Any) -> Row:
    return {
        "column": item.name,
        "type": item.type,
        "required": plain(item.required),
        "used by": plain(item.used_by),
        "note": beginning(item.doc),
    }


def column_profile(item: Any) -> Row:
    return {
        "column": item.name,
        "type": item.type,
        "missing": share(item.missing),
        "distinct": number(item.distinct),
        "min": beginning(datum(item.min), 24),
        "mean": beginning(number(item.mean), 24),
        "max": beginning(datum(item.max), 24),
        "top": beginning(number(item.top), 24),
    }


def edge(item: Any) -> Row:
    return {
        "from": item.input,
        "to": item.output,
        "by": plain(item.job),
        "at": item.at[:16].replace("T", " "),
    }


def view(item: Any) -> Row:
    return {
        "view": item.name,
        "entities": plain(item.entities),
        "features": plain(item.features),
        "ttl": span(item.ttl_seconds),
        "online": state(item.freshness),
        "newest online": moment(item.online_at),
        "dataset": plain(item.dataset),
    }


def feature(item: Any) -> Row:
    return {
        "feature": f"{item.view}:{item.name}",
        "type": item.type,
        "fill": share(item.fill),
        "used by": plain(item.used_by),
        "note": beginning(item.description),
    }


def materialized(item: Any) -> Row:
    return {
        "view": item.view,
        "rows": plain(item.rows),
        "from": moment(item.start),
        "to": moment(item.end),
        "took": span(item.seconds),
    }


def online_row(item: Any) -> Row:
    values = {
        name: stored(value) if item.status[name] == "present" else f"({state(item.status[name])})"
        for name, value in item.values.items()
    }
    return {**{key: datum(value) for key, value in item.entity.items()}, **values}


def job(item: Any) -> Row:
    progress = share(item.progress) if item.progress is not None and item.state == "running" else ""
    return {
        "job": item.id,
        "name": f"{item.name} ({item.array.size})" if item.array is not None else item.name,
        "state": " ".join(filter(None, [item.state, progress])),
        "took": span(item.elapsed_seconds),
        "submitted": moment(item.submitted_at),
        "reason": beginning(item.reason),
        "runs": plain(
            Path(item.notebook).name if item.notebook else item.command[0] if item.command else None
        ),
        "cpus": plain(item.cpus),
        "gpus": plain(item.gpus),
    }


def queued_job(item: Any) -> Row:
    waits = item.job
    return {
        "#": plain(item.position),
        "job": waits.id,
        "name": waits.name,
        "user": waits.user,
        "gpus": plain(waits.gpus),
        "priority": plain(waits.priority),
        "waits for": beginning(waits.reason),
        "starts (est.)": moment(item.starts_at),
    }


def attempt(item: Any) -> Row:
    return {
        "attempt": plain(item.number),
        "began": moment(item.began_at, seconds=True),
        "ended": moment(item.ended_at, seconds=True),
        "exit code": plain(item.exit_code),
        "reason": beginning(item.reason),
    }


def left_out(item: Any) -> Row:
    return {"file": item.path, "size": size(item.size), "why": item.why}


def log_hit(item: Any) -> Row:
    return {"line": plain(item.line), "text": item.text}


def resource_point(item: Any) -> Row:
    return {
        "at": moment(item.at),
        "cpu": share(Number(value=item.cpu)),
        "memory (GiB)": plain(item.memory_gib),
        "gpus": plain([f"{gpu.id} {share(Number(value=gpu.load))}" for gpu in item.gpus]),
    }


def parameter(item: Any) -> Row:
    return {
        "parameter": item.name,
        "type": plain(item.type),
        "default": beginning(repr(item.default)),
    }


def job_parameter(item: Any) -> Row:
    return {
        "parameter": item.name,
        "type": plain(item.type),
        "value": beginning(repr(item.value)),
        "given": "yes" if item.given else "default",
    }


def backend(item: Any) -> Row:
    return {"backend": item.name, "usual": "yes" if item.usual else NONE}


def device(item: Any) -> Row:
    return {
        "device": item.id,
        "name": item.name,
        "holder": plain(item.holder),
        "load": share(item.load),
        "memory": share(item.memory),
    }


def pipeline(item: Any) -> Row:
    return {
        "pipeline": item.name,
        "steps": plain(item.steps),
        "newest runs": plain([state(each) for each in item.last]),
        "file": item.path,
        "note": beginning(item.problem or item.description),
    }


def pipeline_run(item: Any) -> Row:
    states = [step.state for step in item.steps]
    steps = ", ".join(f"{states.count(each)} {state(each)}" for each in dict.fromkeys(states))
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


def backfill_date(item: Any) -> Row:
    return {
        "date": item.date,
        "done": "yes" if item.done else "no",
        "run": item.run or NONE,
        "state": plain(item.state or None),
        "to run": plain(item.steps),
        "cached": plain(item.cached),
    }


def step_run(item: Any) -> Row:
    took = (
        (item.ended_at - item.started_at).total_seconds()
        if item.started_at and item.ended_at
        else None
    )
    return {
        "step": item.name,
        "state": plain(item.state),
        "took": span(took),
        "job": plain(item.job),
        "reason": beginning(item.reason, 100),
    }


def step(item: Any) -> Row:
    name = f"{item.name} ×{len(item.elements)}" if item.elements else item.name
    return {
        "step": name,
        "notebook": item.notebook,
        "after": plain(item.after),
        "in": plain(item.inputs),
        "out": plain(item.outputs),
    }


def schedule(item: Any) -> Row:
    last, job = item.last, item.job or {}
    return {
        "schedule": item.name,
        "state": plain(item.state),
        "cron": item.cron,
        "zone": item.tz,
        "next": (
            beginning(item.problem, 100)
            if item.problem
            else plain(item.next[0][:16].replace("T", " ") if item.next else None)
        ),
        "missed": plain(item.missed),
        "last": plain(
            f"{last.due[:16].replace('T', ' ')} {state(last.outcome or last.state)}"
            if last
            else None
        ),
        "starts": beginning(item.what),
        "parameters": beginning(assigned({**job.get("parameters", {}), **item.parameters}), 100),
        "needs": beginning(
            plain(
                {need.name: job[need.name] for need in needs_of() if job.get(need.name) is not None}
            ),
            100,
        ),
    }


def firing(item: Any) -> Row:
    due = item.due[:16].replace("T", " ")
    # It is due in the schedule's zone, and started in the reader's.
    two = due != moment(item.due_at)
    started = moment(item.started_at)
    if two and item.started_at is not None:
        started += f" {item.started_at.astimezone():%:z}"
    return {
        "due": f"{due} {item.due[19:]}".rstrip() if two else due,
        "state": plain(item.state),
        "cause": item.cause,
        "ended": state(item.outcome) if item.outcome else plain(None),
        "run": plain(item.run),
        "job": plain(item.job),
        "started": started,
        "reason": beginning(item.reason, 100),
    }


def due(item: Any) -> Row:
    return {"due": item.at, "note": plain(item.note or None)}


def experiment(item: Any) -> Row:
    return {"experiment": item.name, "runs": plain(item.runs), "updated": moment(item.updated_at)}


def run(item: Any, metrics: Sequence[str] = ()) -> Row:
    return {
        "run": item.id[:8],
        "name": item.name,
        "status": item.status,
        **{name: plain(item.metrics.get(name)) for name in metrics},
        "started": moment(item.started_at),
        "took": span(item.duration_seconds),
        "versions": plain([named(ref, "version") for ref in item.versions]),
    }


def difference(item: Any) -> Row:
    return {
        "kind": item.kind,
        "key": item.key,
        **{
            f"run {index + 1}": beginning(plain(value), 40)
            for index, value in enumerate(item.values)
        },
    }


def model(item: Any) -> Row:
    aliases = ", ".join(f"{alias} v{version}" for alias, version in item.aliases.items())
    return {
        "model": item.name,
        "versions": plain(item.versions),
        "aliases": plain(aliases),
        "updated": moment(item.updated_at),
        "note": beginning(item.description),
    }


def version(item: Any, metrics: Sequence[str] = ()) -> Row:
    return {
        "version": f"{item.model}/{item.version}",
        "aliases": plain(item.aliases),
        **{name: plain(item.metrics.get(name)) for name in metrics},
        "run": plain(item.run and item.run[:8]),
        "created": moment(item.created_at),
        "signature": plain(item.signature),
        "deployable": (
            beginning(f"no: {why}", 100) if (why := item.fault or item.unservable) else "yes"
        ),
    }


def deployment(item: Any) -> Row:
    traffic = ", ".join(
        f"{entry.version} {entry.traffic} %" for entry in item.versions if entry.traffic
    )
    return {
        "deployment": item.name,
        "state": plain(item.state),
        "traffic": plain(traffic),
        "target": item.target,
        "updated": moment(item.updated_at),
        "url": item.url,
    }


def deployed_version(item: Any) -> Row:
    return {
        "version": item.version,
        "model": item.model,
        "state": plain(item.state),
        "traffic": f"{item.traffic} %",
        "requests/s": number(item.requests_per_second),
        "p50 ms": number(item.p50_ms),
        "p95 ms": number(item.p95_ms),
        "errors": share(item.error_fraction),
        "reason": beginning(item.reason),
    }


def change(item: Any) -> Row:
    traffic = ", ".join(f"{version} {percent} %" for version, percent in item.traffic.items())
    return {
        "at": moment(item.at),
        "by": item.user,
        "verb": item.verb,
        "what": beginning(item.text),
        "traffic": plain(traffic),
        "reason": beginning(item.reason),
    }


def monitor(item: Any) -> Row:
    return {
        "monitor": item.name,
        "deployment": item.deployment,
        "state": plain(item.state),
        "requests": number(item.requests),
        "rows": number(item.rows),
        "worst": plain(item.worst),
        "PSI": number(item.worst_psi),
        "evaluated": moment(item.evaluated_at),
    }


def feature_drift(item: Any) -> Row:
    return {
        "feature": item.feature,
        "PSI": number(item.psi),
        "KS": number(item.ks),
        "missing then": share(item.missing_reference),
        "missing now": share(item.missing_window),
        "drifted": plain(item.drifted),
    }


def alert(item: Any) -> Row:
    return {
        "alert": f"{item.monitor}/{item.name}",
        "state": plain(item.state),
        "severity": item.severity,
        "value": number(item.value),
        "threshold": plain(item.threshold),
        "text": beginning(item.text, 100),
        "since": moment(item.since),
    }


def hit(item: Any) -> Row:
    return {"ref": item.ref, "name": item.name, "detail": beginning(item.detail)}


def target_check(item: Any) -> Row:
    return {
        "target": item.target,
        "limit": item.limit,
        "measured": item.measured,
        "verdict": item.verdict,
        "fix": plain(item.fix),
    }


ROWS: Mapping[str, Callable[[Any], Row]] = {
    "Alert": alert,
    "Backend": backend,
    "BackfillDate": backfill_date,
    "Change": change,
    "Column": column,
    "ColumnProfile": column_profile,
    "Dataset": dataset,
    "DeployedVersion": deployed_version,
    "Deployment": deployment,
    "Device": device,
    "Due": due,
    "Difference": difference,
    "Edge": edge,
    "Experiment": experiment,
    "Feature": feature,
    "FeatureDrift": feature_drift,
    "Firing": firing,
    "Hit": hit,
    "AttemptRecord": attempt,
    "Job": job,
    "JobParameter": job_parameter,
    "LeftOut": left_out,
    "LogHit": log_hit,
    "QueuedJob": queued_job,
    "ResourcePoint": resource_point,
    "Materialized": materialized,
    "Model": model,
    "Monitor": monitor,
    "OnlineRow": online_row,
    "Parameter": parameter,
    "Pipeline": pipeline,
    "PipelineRun": pipeline_run,
    "Run": run,
    "Schedule": schedule,
    "Snapshot": snapshot,
    "Step": step,
    "StepRun": step_run,
    "TargetCheck": target_check,
    "Version": version,
    "View": view,
}
"""By class name, which is unique among the records: a list need not import the domain that it came
from.
"""


def row_of(item: Any, metrics: Sequence[str] = ()) -> Row:
    """The row of a record, with these metrics where it has any; of another value, the value."""
    make: Callable[..., Row] | None = ROWS.get(type(item).__name__)
    if make is None:
        return {"value": plain(item)}
    return make(item, metrics) if make in (run, version) else make(item)


def rows_of(items: Iterable[Any], *, first: str = "") -> list[Row]:
    """Rows of one table: every row has the columns of all, in order of appearance. first: the
    metric that matters most.
    """
    items = list(items)
    metrics = metrics_of(items, first=first)[:METRICS]
    rows = [row_of(item, metrics) for item in items]
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [{name: row.get(name, plain(None)) for name in names} for row in rows]


def metrics_of(items: Sequence[Any], *, first: str = "") -> list[str]:
    """The metrics of runs or versions: `first` and its kin (test_… for test_auc), then those that
    most have.
    """
    counts = Counter(
        name for item in items if type(item).__name__ in ("Run", "Version") for name in item.metrics
    )
    kin = first.partition("_")[0]
    return sorted(
        counts, key=lambda name: (name != first, name.partition("_")[0] != kin, -counts[name], name)
    )
