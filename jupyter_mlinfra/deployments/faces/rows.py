"""One row of a list, for each record."""

from __future__ import annotations

from datetime import UTC

from ...faces.rows import Row, row
from ...faces.words import NONE, beginning, moment, number, plain, share
from ..access.records import AccessKey, AuditEntry
from ..comparing import AnswerComparison
from ..delivery.spec import StepCheck
from ..kubernetes.records import RegionState
from ..latencies import VersionLatency
from ..payload_log.frames import is_output
from ..requests import LoggedRequest
from ..spec import Change, DeployedVersion, Deployment, KnownRow
from ..version_verdicts import ArmOutcomes


@row(Change, noun="change")
def change(item: Change) -> Row:
    traffic = ", ".join(f"{version} {percent} %" for version, percent in item.traffic.items())
    return {
        "change": str(item.id),
        "at": moment(item.at),
        "by": item.user,
        "verb": item.verb,
        "what": beginning(item.text),
        "traffic": plain(traffic),
        "reason": beginning(item.reason),
    }


@row(DeployedVersion)
def deployed_version(item: DeployedVersion) -> Row:
    old = f"its figures are of {moment(item.stale_since)}" if item.stale_since else ""
    return {
        "version": item.version,
        "model": item.model,
        "state": plain(item.state),
        "traffic": f"copies of {item.shadow} %" if item.shadow else f"{item.traffic} %",
        "requests/s": number(item.requests_per_second),
        "p50 ms": number(item.p50_ms),
        "p95 ms": number(item.p95_ms),
        "errors": share(item.error_fraction),
        "refused": share(item.refused_fraction),
        "reason": beginning("; ".join(filter(None, (item.reason, old)))),
    }


@row(Deployment)
def deployment(item: Deployment) -> Row:
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


@row(RegionState, noun="region")
def region(item: RegionState) -> Row:
    return {
        "cluster": item.context or "the current context",
        "outcome": plain(item.outcome),
        "kinds": ", ".join(item.kinds),
        "at": moment(item.at),
        "by": item.user,
        "reason": beginning(item.reason),
    }


@row(KnownRow, noun="row")
def known_row(item: KnownRow) -> Row:
    values = ", ".join(f"{name} {value}" for name, value in item.row.items())
    return {
        "from": item.origin,
        "at": moment(item.at),
        "request": item.id,
        "values": beginning(values),
    }


@row(StepCheck, noun="check")
def check(item: StepCheck) -> Row:
    outcome = {True: "kept", False: "breached", None: "waits"}[item.passed]
    return {
        "check": item.name,
        "measured": beginning(item.measured),
        "limit": item.limit,
        "outcome": outcome,
    }


@row(AnswerComparison, noun="comparison")
def comparison(item: AnswerComparison) -> Row:
    return {
        "version": item.version,
        "by": item.kind,
        "rows": f"{item.rows:,}",
        "agreement": plain(None if item.agreement is None else f"{item.agreement:.1%}"),
        "score shift": plain(None if item.score_shift is None else f"{item.score_shift:+.4g}"),
        "refused": f"{item.refused:,}",
        "at": moment(item.at),
        "user": item.user,
    }


@row(AccessKey, noun="key")
def access_key(item: AccessKey) -> Row:
    return {
        "key": item.id,
        "name": item.name,
        "state": plain(item.state),
        "expires": moment(item.expires_at) if item.expires_at else "never",
        "created": moment(item.created_at),
        "by": item.created_by,
    }


@row(AuditEntry, noun="entry")
def audit_entry(item: AuditEntry) -> Row:
    return {
        "at": moment(item.at),
        "by": item.user,
        "on": item.on,
        "deployment": item.deployment,
        "verb": item.verb,
        "what": beginning(item.text),
        "reason": beginning(item.reason),
    }


@row(LoggedRequest, noun="request")
def logged_request(item: LoggedRequest) -> Row:
    answer = ", ".join(
        plain(value) if is_output(name) else f"{name} {plain(value)}"
        for name, value in item.answer.items()
    )
    return {
        "arrived": arrival(item),
        "request": item.id,
        "row": str(item.row),
        "version": item.version,
        "status": str(item.status),
        "ms": f"{item.latency_ms:.1f}",
        "answer": beginning(answer),
        "label": plain(item.label),
        "reason": beginning(item.why),
    }


def arrival(item: LoggedRequest) -> str:
    """As `deployments request --at` takes it: to the millisecond, in UTC."""
    return item.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@row(VersionLatency, noun="version")
def version_latency(item: VersionLatency) -> Row:
    whole = item.whole
    times = {
        name: plain(None if value is None else f"{value:.1f}")
        for name, value in (
            ("p50 ms", whole.p50_ms),
            ("p95 ms", whole.p95_ms),
            ("p99 ms", whole.p99_ms),
        )
    }
    return {
        "version": item.version,
        "requests": f"{whole.requests:,}",
        "errors": f"{whole.errors:,}",
        **times,
    }


@row(ArmOutcomes, noun="version")
def arm_outcomes(item: ArmOutcomes) -> Row:
    return {
        "version": item.version,
        "outcomes": f"{item.n:,}",
        "mean": f"{item.mean:.4g}" if item.n else NONE,
        "expected share": f"{item.share:.1%}",
    }
