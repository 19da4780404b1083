"""The card of each record."""

from __future__ import annotations

from ...faces.cards import Card, card, said
from ...faces.rows import rows_of
from ...faces.words import NONE, beginning, counted, moment, plain
from ..access.records import NewKey
from ..comparing import AnswerComparison
from ..delivery.spec import DeliveryPlan
from ..kubernetes.records import ImageContext, Manifests
from ..latencies import LatencySeries
from ..live_changes import LiveComparison
from ..requests import LoggedRequestDetail
from ..spec import (
    BatchSubmission,
    Deployment,
    DeploymentDetail,
    ExplainedAnswers,
    ExplainedRow,
    Prediction,
)
from ..version_verdicts import VersionVerdict
from .rows import arrival

MOST_SHOWN = 10
"""Contributions of a card, the largest first."""
MOST_INPUTS = 50
"""Inputs of a request on its card."""


@card(Deployment)
def _deployment(item: Deployment) -> Card:
    facts = {
        "state": plain(item.state),
        "url": item.url,
        "target": item.target,
        "updated": moment(item.updated_at),
    }
    return Card(title=item.name, ref=item.ref, facts=said(facts), rows=rows_of(item.versions))


@card(DeploymentDetail)
def _deployment_detail(item: DeploymentDetail) -> Card:
    card = _deployment(item.deployment)
    newest = item.history[0] if item.history else None
    engines = {
        f"engine of {version.version}": gate.measured
        for version in item.deployment.versions
        for gate in version.gates
        if gate.name == "engine"
    }
    last_change = f"{moment(newest.at)} {newest.user}: {newest.text}" if newest else NONE
    plan = {"plan": _planned(item.plan)} if item.plan else {}
    params = ", ".join(f"{param.get('name')}={param.get('default')!r}" for param in item.params)
    facts = {
        "answers": item.answers or NONE,
        "parameters": params,
        **engines,
        "last change": last_change,
        **plan,
    }
    facts |= {f"shadow {found.version}": _agrees(found) for found in item.shadows}
    if item.gateway is not None:
        gateway = item.gateway
        facts["gateway"] = f"{gateway.running} of {gateway.processes} processes run"
        if gateway.public:
            facts["other machines"] = f"{gateway.public}, {'open' if gateway.open else 'closed'}"
        if gateway.problems:
            facts["problem"] = " ".join(gateway.problems)
    return Card(
        title=card.title,
        ref=card.ref,
        facts={**card.facts, **said(facts)},
        rows=card.rows,
    )


def _agrees(found: AnswerComparison) -> str:
    """How often a shadow agrees with what was answered, in one line."""
    rows = f"{found.rows:,} rows since {moment(found.since)}"
    if found.agreement is None:
        return f"compared on {rows}"
    return f"agrees on {found.agreement:.1%} of {rows}"


def _planned(plan: DeliveryPlan) -> str:
    """Where it is, in one line."""
    steps = " → ".join(f"{step} %" for step in plan.steps)
    at = f"step {plan.step} of {len(plan.steps)}"
    said_so = f": {plan.waits_for}" if plan.waits_for else ""
    return f"{plan.version} {steps}, {at}, {plain(plan.state)}{said_so}"


@card(DeliveryPlan)
def _delivery_plan(item: DeliveryPlan) -> Card:
    facts = {
        "steps": ", ".join(f"{step} %" for step in item.steps),
        "at": f"step {item.step} of {len(item.steps)}, {item.percent} %",
        "state": plain(item.state),
        "next at": moment(item.next_at) if item.next_at else NONE,
        "why": item.waits_for,
        "against": item.against,
        "goal": f"{item.goal}, {item.better} is better" if item.goal else "",
        "begun": f"{moment(item.created_at)} by {item.user}",
    }
    return Card(
        title=f"{item.version} of {item.deployment}",
        ref=f"deployment:{item.deployment}",
        facts=said(facts),
        rows=rows_of(item.checks),
    )


@card(AnswerComparison)
def _comparison(item: AnswerComparison) -> Card:
    latency = ", ".join(
        f"{name.removesuffix('_ms').replace('_', ' ')} {plain(value)} ms"
        for name, value in item.latency.items()
        if value is not None
    )
    percent = {
        name: None if value is None else f"{value:.1%}"
        for name, value in (("agreement", item.agreement), ("identical", item.identical))
    }
    facts = {
        "rows": f"{item.rows:,}",
        "agreement": percent["agreement"] and f"{percent['agreement']} ({item.rule})",
        "identical": percent["identical"],
        "score shift": None if item.score_shift is None else f"{item.score_shift:+.4g}",
        "latency": f"{latency}, {item.latency_basis}" if latency else None,
        "refused": f"{item.refused:,}",
        "given by": ", ".join(f"{name} {plain(count)}" for name, count in item.given_by.items()),
        "window": f"{moment(item.since)} to {moment(item.until)}",
    }
    return Card(
        title=f"{item.kind} of {item.deployment} {item.version}",
        ref=f"deployment:{item.deployment}",
        facts=said({name: value for name, value in facts.items() if value}),
        note=" ".join(item.notes),
    )


@card(LiveComparison)
def _live_comparison(item: LiveComparison) -> Card:
    rows = [
        {
            "kind": row.kind,
            "name": row.key,
            item.live: beginning(plain(row.values[0]), 40),
            item.version: beginning(plain(row.values[1]), 40),
        }
        for row in item.rows
        if not row.same
    ]
    files = [line for line in item.code.splitlines() if line.startswith("diff --git ")]
    facts = {
        "live": f"{item.live}, {item.traffic} % of the traffic",
        "the same": counted(len(item.rows) - len(rows), "line"),
        "files that differ": ", ".join(line.rpartition(" b/")[2] for line in files) or NONE,
    }
    return Card(
        title=f"{item.version} beside what is live in {item.deployment}",
        ref=f"deployment:{item.deployment}",
        facts=said(facts),
        rows=rows,
        note=" ".join(item.notes),
    )


@card(Manifests)
def _manifests(item: Manifests) -> Card:
    if not item.path:
        return Card(title=item.yaml.rstrip("\n"))
    kinds = ", ".join(str(manifest.get("kind")) for manifest in item.manifests)
    facts = {"kinds": kinds, "namespace": item.namespace, "written to": item.path}
    return Card(title=item.deployment, facts=said(facts), note=f"kubectl apply -f {item.path}")


@card(ImageContext)
def _image_context(item: ImageContext) -> Card:
    facts = {
        "model": item.model,
        "written to": item.folder,
        "base": item.base,
        "packages": plain(item.packages),
        "size": f"{item.bytes / 1e6:.1f} MB",
    }
    return Card(
        title=f"image of {item.deployment} {item.version}",
        facts=said(facts),
        note=f"docker build -t REGISTRY/{item.deployment}:{item.tag} {item.folder}",
    )


@card(BatchSubmission)
def _batch_submission(item: BatchSubmission) -> Card:
    facts = {
        "job": item.job,
        "model": item.version,
        "from": item.source,
        "into": item.into,
        "rows": f"{item.rows:,}",
    }
    return Card(title=f"batch {item.version} into {item.into}", ref=f"job:{item.job}", facts=facts)


@card(Prediction)
def _prediction(item: Prediction) -> Card:
    facts = {
        "version": item.version,
        "answered in": f"{item.milliseconds:.1f} ms",
        "request": item.request_id,
    }
    # As errors count them.
    rows = [
        {"row": str(number), "prediction": plain(value)}
        for number, value in enumerate(item.predictions[:20], 1)
    ]
    hidden = len(item.predictions) - len(rows)
    return Card(
        title=counted(len(item.predictions), "prediction"),
        facts=facts,
        rows=rows,
        note=f"{hidden:,} more" if hidden else "",
    )


@card(ExplainedAnswers)
def _explanation(item: ExplainedAnswers) -> Card:
    facts = {
        "version": item.version,
        "method": item.method + ("" if item.exact else ", estimated"),
        "adds up to": item.scale,
        "background": f"{item.background} rows of the sample" if item.background else NONE,
    }
    # As errors count them.
    rows = [
        row
        for number, explained in enumerate(item.rows[:3], 1)
        for row in _contributions(item, explained, number)
    ]
    hidden = len(item.rows) - 3
    return Card(
        title=counted(len(item.rows), "explained answer"),
        facts=said(facts),
        rows=rows,
        note=f"{hidden:,} more" if hidden > 0 else "",
    )


def _contributions(item: ExplainedAnswers, row: ExplainedRow, number: int) -> list[dict[str, str]]:
    """The largest contributions to one answer, of its last output: of two classes, the second."""
    values = [value or 0.0 for value in row.contributions[-1]]
    largest = sorted(range(len(values)), key=lambda place: -abs(values[place]))[:MOST_SHOWN]
    return [
        {
            "row": str(number),
            "prediction": plain(row.prediction),
            "input": item.inputs[place],
            "value": plain(row.values[place]),
            "contribution": f"{values[place]:+.4g}",
        }
        for place in largest
    ]


@card(NewKey)
def _new_key(item: NewKey) -> Card:
    facts = {
        "key": item.key,
        "id": item.id,
        "name": item.name,
        "expires": moment(item.expires_at) if item.expires_at else "never",
    }
    return Card(
        title=f"key of {item.deployment}",
        facts=said(facts),
        note=" ".join(
            part
            for part in (
                item.pending,
                "Keep it now: it is not shown again. Send it as Authorization: Bearer KEY.",
            )
            if part
        ),
    )


@card(LoggedRequestDetail)
def _logged_request(item: LoggedRequestDetail) -> Card:
    request = item.request
    facts = {
        "arrived": arrival(request),
        "version": request.version,
        "status": str(request.status),
        "answered in": f"{request.latency_ms:.1f} ms",
        "answer": ", ".join(f"{name} {plain(value)}" for name, value in request.answer.items()),
        "label": plain(request.label),
        "reason": request.why,
        "again": item.code.get("cli", "") or item.not_repeatable,
    }
    features = list(request.features.items())
    rows = [{"input": name, "value": plain(value)} for name, value in features[:MOST_INPUTS]]
    hidden = request.inputs - len(rows)
    return Card(
        title=f"row {request.row} of request {request.id}",
        facts=said({name: value for name, value in facts.items() if value}),
        rows=rows,
        note=f"{hidden:,} more inputs" if hidden > 0 else "",
    )


@card(LatencySeries)
def _latency(item: LatencySeries) -> Card:
    cut = item.complete_since > item.since
    return Card(
        title="latency" if item.versions else "latency: no requests",
        facts={"window": f"{moment(item.since)} to {moment(item.until)}"},
        rows=rows_of(item.versions),
        note=f"Of a large log: only what came since {moment(item.complete_since)}." if cut else "",
    )


@card(VersionVerdict)
def _verdict(item: VersionVerdict) -> Card:
    difference = f"{item.difference:+.4g}" if item.difference is not None else ""
    if item.low is not None and item.high is not None:
        difference += f" [{item.low:+.4g}, {item.high:+.4g}]"
    facts = {
        "verdict": item.state,
        "by": item.measure,
        "why": item.why,
        "difference": difference,
        "would decide": f"about {item.needed:,} more outcomes" if item.needed else "",
        "since": moment(item.since),
    }
    return Card(
        title=f"{item.treatment.version} against {item.control.version} of {item.deployment}",
        ref=f"deployment:{item.deployment}",
        facts=said({name: value for name, value in facts.items() if value}),
        rows=rows_of([item.control, item.treatment]),
    )
