"""The records of deployments: versions, traffic, tests and history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from ..core.records import Number
from .access.records import GatewayState
from .comparing import AnswerComparison
from .delivery.spec import DeliveryPlan

TargetName = Literal["local", "kubernetes"]
"""Where a deploy ends: at the gateway here, or in clusters after its tests here."""


class VersionState(StrEnum):
    """The state of a version of a deployment.

    building: its environment. starting: its processes. testing: before traffic. ready: answers.
    failed: see reason. draining: takes no new request. stopped: no process.
    """

    BUILDING = "building"
    STARTING = "starting"
    TESTING = "testing"
    READY = "ready"
    FAILED = "failed"
    DRAINING = "draining"
    STOPPED = "stopped"


class DeploymentState(StrEnum):
    """healthy: all versions with traffic are ready. degraded: some. down: none, or stopped."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One test before traffic: its limit, what was measured, and whether it passed. passed: None if
    nothing could be measured, for the reason in `measured`; that does not keep it from traffic.
    log: the last lines that a failed step printed, without secrets; empty if there are none.
    """

    name: str
    limit: str
    measured: str
    passed: bool | None
    log: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedVersion:
    """One version of a deployment. version: `v3` for `models:/name/3`. traffic: percent. shadow:
    percent of the requests of which it gets a copy, whose answers nobody gets. role: `stable`,
    `canary`, `shadow` or `standby`. runtime: what carries its processes.

    requests, p50_ms, p95_ms, errors (5xx), refused (4xx): of the gateway's last window; None before
    the first request. stale_since: when they were measured, if that is too long ago to tell of now.
    memory_bytes, pids: of its serving processes; pages that they share count once.
    gpu_memory_bytes: of GPUs, by these processes. gpu_load: 0 to 1, of the GPUs that they compute
    on, whoever else does. gpu_reason: why one of both is None.
    """

    version: str
    model: str
    state: VersionState
    traffic: int
    shadow: int
    role: str
    reason: str
    workers: int
    runtime: str
    requests_per_second: Number | None
    p50_ms: Number | None
    p95_ms: Number | None
    error_fraction: Number | None
    refused_fraction: Number | None
    memory_bytes: int | None
    pids: Sequence[int]
    gates: Sequence[Gate]
    stale_since: datetime | None = None
    gpu_memory_bytes: int | None = None
    gpu_load: float | None = None
    gpu_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One deployment. url: ends in `/api/v1.0/predictions`. urls: the same by protocol, `seldon`
    and `v2`, and for other machines `public`; empty while there is no gateway. requests_by_minute:
    of the last 60 minutes, the present one last; fewer since its gateway was first looked at.
    """

    ref: str
    name: str
    namespace: str
    target: str
    state: DeploymentState
    url: str
    urls: Mapping[str, str]
    versions: Sequence[DeployedVersion]
    created_at: datetime
    updated_at: datetime
    requests_by_minute: Sequence[int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One entry of the history. traffic: after it. verb: deploy, traffic, promote, rollback,
    remove, undo, shadow, step (of a plan), pause, resume, keeper.
    """

    id: int
    at: datetime
    user: str
    verb: str
    text: str
    reason: str
    traffic: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessLimits:
    """What the gateway takes of callers, by the settings. rate: requests a second, at each of its
    two processes; 0: any number. body_mib: of a request. connections: of other machines at once, at
    each of the two. key_needed: whether callers on this machine need a key too.
    """

    rate: float
    body_mib: float
    connections: int
    key_needed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentDetail:
    """A deployment's page; history newest first. sample: a request body that it accepts.

    answers: `classes`, `probabilities` or `values` of the version with most traffic; empty before
    the first one is packaged. plan: the last one, active or ended. replays: the last ones, newest
    first. gateway: how it is; None while nothing is up. limits: what it takes of callers. shadows:
    what each one's copies say, only where that was asked for, because it reads the payload log.
    params: that a request may have beside its rows: name, type, list and default of each.
    up_since: when the oldest process of a version with traffic began; None without one here.
    """

    deployment: Deployment
    history: Sequence[Change]
    signature: Sequence[Mapping[str, Any]]
    answers: str
    sample: Mapping[str, Any] | None
    code: Mapping[str, str]
    plan: DeliveryPlan | None = None
    replays: Sequence[AnswerComparison] = ()
    gateway: GatewayState | None = None
    limits: AccessLimits | None = None
    shadows: Sequence[AnswerComparison] = ()
    params: Sequence[Mapping[str, Any]] = ()
    up_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """An answer: predictions in the order of the rows, the version that made them, and the time of
    the round trip.
    """

    version: str
    predictions: Sequence[Any]
    names: Sequence[str]
    request_id: str
    milliseconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedRow:
    """Why one row got its answer. values: of the inputs, as the model had them. prediction: its
    answer.

    contributions, errors: by output and input; errors are standard errors, None if the
    contributions are exact. base, total: by output; base and contributions add up to total.
    """

    values: Sequence[Any]
    prediction: Any
    contributions: Sequence[Sequence[float | None]]
    errors: Sequence[Sequence[float | None]] | None
    base: Sequence[float | None]
    total: Sequence[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedAnswers:
    """What each input contributed to the answers of some rows. method: how that was found. scale:
    of what the contributions add up to, `raw margin` or `answer`.

    inputs, outputs: their names; a single output has none. background: rows of the model's sample
    that stand for an input that is left out; orders: of the inputs that were tried for each row;
    both are 0 if the model's library computes contributions itself.
    """

    version: str
    method: str
    exact: bool
    scale: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    background: int
    orders: int
    rows: Sequence[ExplainedRow]
    milliseconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRow:
    """A row to try a deployment with: of the model's sample, or of a request that was logged."""

    origin: Literal["sample", "logged"]
    row: Mapping[str, Any]
    at: datetime | None = None
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSubmission:
    """A job that scores a dataset. rows: of the source. source: with the snapshot that is scored.
    into: the dataset that gets the predictions. version: `flights/3`.
    """

    job: str
    rows: int
    source: str
    into: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A deployment under a steady load of one-row requests. rate: answered a second. failed: not
    answered with 200.

    Latencies count from the moment at which a request was due, so that a stall also delays the
    requests behind it. client_slow: the measuring process could not send the requests when they
    were due, so a low rate and high latencies may be its own fault.
    """

    seconds: float
    rate: float
    requests: int
    failed: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    client_slow: bool
