"""The card of each record."""

from __future__ import annotations

from ...faces.cards import Card, card, said
from ...faces.rows import rows_of
from ...faces.words import NONE, assigned, counted, moment, plain, share, size, span, state, took
from ..spec import (
    CodeDiff,
    CodePreview,
    CodeSnapshot,
    Compute,
    Estimate,
    Job,
    LogChunk,
    LogHits,
    Resources,
    Supervisor,
)


@card(CodeDiff)
def _code_diff(item: CodeDiff) -> Card:
    cut = f"{item.shown:,} of {item.total:,} bytes are shown" if item.shown < item.total else ""
    return Card(
        title=item.text.rstrip("\n")
        or ("It does not differ from the commit." if item.commit else "It is of no commit."),
        note=cut,
    )


@card(CodePreview)
def _code_preview(item: CodePreview) -> Card:
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
        facts=said(facts),
        rows=rows,
        note=f"{cut:,} more; ask with a higher limit" if cut else "",
    )


@card(CodeSnapshot)
def _code_snapshot(item: CodeSnapshot) -> Card:
    facts = {
        "files": plain(item.files),
        "size": size(item.size),
        "commit": item.commit or NONE,
        "uncommitted": plain(item.uncommitted),
        "left out": plain(len(item.left_out)),
    }
    return Card(title=f"code {item.id}", facts=said(facts), rows=rows_of(item.left_out))


@card(Compute)
def _compute(item: Compute) -> Card:
    facts = {
        "cpus": f"{item.cpus_used} of {item.cpus} in use",
        "load": share(item.load),
        "memory": share(item.memory),
        "disk": share(item.disk),
        "running": plain(item.running),
        "waiting": plain(item.waiting),
    }
    return Card(title=f"{item.backend} compute", facts=facts, rows=rows_of(item.devices))


@card(Estimate)
def _estimate(item: Estimate) -> Card:
    facts = {
        "starts": f"{moment(item.starts_at)} (est.)" if item.starts_at is not None else NONE,
        "takes": (
            f"{took(item.seconds)} ({item.like} like it)" if item.seconds is not None else NONE
        ),
        "costs": plain(item.cost),
        "refused": item.refused,
    }
    return Card(title="estimate", facts=said(facts))


@card(Job)
def _job(item: Job) -> Card:
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
    return Card(title=item.name, ref=item.ref, facts=said(facts))


@card(Resources)
def _resources(item: Resources) -> Card:
    facts = {
        "cpus": plain(item.cpus),
        "memory asked for": (
            f"{plain(item.memory_limit_gib)} GiB" if item.memory_limit_gib is not None else NONE
        ),
    }
    return Card(title="resources", facts=said(facts), rows=rows_of(item.points))


@card(LogChunk)
def _log(item: LogChunk) -> Card:
    return Card(title=item.text.rstrip("\n") or item.note)


@card(LogHits)
def _log_hits(item: LogHits) -> Card:
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


@card(Supervisor)
def _supervisor(item: Supervisor) -> Card:
    facts = {
        "pid": str(item.pid) if item.pid is not None else "none runs; the next submit starts one",
        "since": moment(item.started_at),
        "running": plain(item.running),
        "waiting": plain(item.waiting),
        "slots": f"{item.cpus} CPU, {item.gpus} GPU" if item.pid is not None else NONE,
    }
    return Card(title="supervisor", facts=said(facts))
