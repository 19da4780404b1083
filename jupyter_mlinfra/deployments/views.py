"""Records of deployments as interfaces show them, from rows, live processes and the gateway's
figures.
"""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import zip_longest
from typing import Any
from urllib.parse import urlsplit

from ..core.records import Number, from_seconds
from .access.records import GatewayState
from .bodies import first_rows, seldon_body, shown_sample, with_params
from .gateway import open_inference_prefix, prefix
from .packaging import Bundle
from .rows import INTERRUPTED, DeploymentRow, VersionRow
from .settings import DeploymentSettings
from .snippets import page_code
from .spec import (
    AccessLimits,
    Change,
    DeployedVersion,
    Deployment,
    DeploymentDetail,
    VersionState,
)
from .state import deployment_state, roles
from .targets import Figures, present

_HAS_PROCESSES = (VersionState.STARTING, VersionState.TESTING, VersionState.READY)


def predictions_url(base_url: str, row: DeploymentRow) -> str:
    """The address of a deployment, as on a cluster behind Seldon's ingress."""
    return f"{base_url}{prefix(row.namespace, row.name)}api/v1.0/predictions"


def open_inference_url(predictions: str, deployment: str) -> str:
    """Where the same deployment is asked by the Open Inference Protocol."""
    base = predictions.partition("/seldon/")[0]
    return f"{base}{open_inference_prefix(deployment)}/infer"


def explain_url(predictions: str) -> str:
    """Where answers are explained, to those who hold the project's secret."""
    return predictions.removesuffix("predictions") + "explain"


def public_base(gateway: GatewayState) -> str:
    """Where other machines reach it: by this machine's name if it listens on all addresses."""
    host, _, port = gateway.public.rpartition(":")
    host = platform.node() if host in ("0.0.0.0", "[::]", "::") else host  # noqa: S104
    return f"{'https' if gateway.tls else 'http'}://{host}:{port}"


def feedback_url(predictions: str) -> str:
    """Where feedback goes."""
    return predictions.removesuffix("predictions") + "feedback"


def deployment(
    row: DeploymentRow,
    *,
    running: Mapping[tuple[str, str], int],
    figures: Mapping[tuple[str, str], Figures],
    base_url: str,
    gateway: GatewayState | None = None,
) -> Deployment:
    """One deployment. A version that should have processes and has none is shown as stopped, and
    one whose deploy ended before its tests did as failed: their states were recorded before a
    reboot.
    """
    states = {
        item.version: _state(item, running.get((row.name, item.version), 0))
        for item in row.versions
    }
    role_of = roles(row.traffic)
    versions = [
        _version(
            row,
            item,
            states[item.version],
            role_of[item.version],
            running.get((row.name, item.version), 0),
            figures.get((row.name, item.version)),
        )
        for item in row.versions
    ]
    url = predictions_url(base_url, row) if base_url else ""
    urls = (
        {"seldon": url, "v2": open_inference_url(url, row.name), "grpc": urlsplit(url).netloc}
        if url
        else {}
    )
    if url and gateway is not None and gateway.open:
        urls["public"] = predictions_url(public_base(gateway), row)
    return Deployment(
        ref=f"deployment:{row.name}",
        name=row.name,
        namespace=row.namespace,
        target=row.target,
        state=deployment_state(states, row.traffic, reachable=row.up),
        url=url,
        urls=urls,
        versions=versions,
        created_at=row.created_at,
        updated_at=row.updated_at,
        requests_by_minute=_by_minute(row, figures),
    )


def _by_minute(row: DeploymentRow, figures: Mapping[tuple[str, str], Figures]) -> Sequence[int]:
    """The requests of all versions together, without the copies that shadows get."""
    now = present(figures)
    counted = [
        now[row.name, item.version].by_minute
        for item in row.versions
        if not item.shadow and (row.name, item.version) in now
    ]
    from_the_last = zip_longest(*(reversed(minutes) for minutes in counted), fillvalue=0)
    return [sum(minutes) for minutes in from_the_last][::-1]


def up_since(record: Deployment) -> datetime | None:
    """When the oldest process of a version with traffic began."""
    import psutil

    begun = []
    for pid in (pid for version in record.versions if version.traffic for pid in version.pids):
        with contextlib.suppress(psutil.Error):
            begun.append(psutil.Process(pid).create_time())
    return from_seconds(min(begun)) if begun else None


def _state(item: VersionRow, live: int) -> VersionState:
    if item.interrupted:
        return VersionState.FAILED
    return (
        VersionState.STOPPED
        if item.state in _HAS_PROCESSES and item.proved and not live
        else item.state
    )


def _reason(item: VersionRow, state: VersionState) -> str:
    if item.interrupted:
        return INTERRUPTED
    lost_processes = state is VersionState.STOPPED and item.state is not VersionState.STOPPED
    return "It has no process; mlinfra up starts it." if lost_processes else item.reason


def _version(
    row: DeploymentRow,
    item: VersionRow,
    state: VersionState,
    role: str,
    live: int,
    figures: Figures | None,
) -> DeployedVersion:
    # A version that is down has no figures: the last ones are of other processes.
    current = figures if live and figures is not None and figures.seconds else None
    now = figures if live and figures is not None and not figures.stale_since else None
    return DeployedVersion(
        version=item.version,
        model=row.model,
        state=state,
        traffic=item.traffic,
        shadow=item.shadow,
        role="shadow" if item.shadow else role,
        reason=_reason(item, state),
        workers=live,
        runtime=item.runtime,
        requests_per_second=(
            Number(
                value=round(current.requests / current.seconds, 2),
                basis="approx",
                n=current.requests,
            )
            if current
            else None
        ),
        p50_ms=_milliseconds(current.p50_ms, current) if current else None,
        p95_ms=_milliseconds(current.p95_ms, current) if current else None,
        error_fraction=_fraction(current.errors, current) if current else None,
        refused_fraction=_fraction(current.refused, current) if current else None,
        memory_bytes=(now.memory_bytes or None) if now else None,
        pids=list(now.pids) if now else [],
        gpu_memory_bytes=now.gpu_memory_bytes if now else None,
        gpu_load=now.gpu_load if now else None,
        gpu_reason=now.gpu_reason if now else "",
        gates=item.gates,
        stale_since=from_seconds(current.stale_since) if current and current.stale_since else None,
    )


def _fraction(count: int, figures: Figures) -> Number | None:
    """A share of the requests; None without any."""
    requests = figures.requests
    return Number(value=count / requests, n=requests) if requests else None


def _milliseconds(value: float | None, figures: Figures) -> Number | None:
    """Envoy counts whole milliseconds in buckets."""
    return (
        None
        if value is None
        else Number(value=round(value, 1), basis="approx", n=figures.requests or None)
    )


def with_reason(record: Deployment, version: str, reason: str) -> Deployment:
    """The deployment with the reason of one version, unless it already has one."""
    versions = [
        replace(item, reason=item.reason or reason) if item.version == version else item
        for item in record.versions
    ]
    return replace(record, versions=versions)


def detail(
    record: Deployment,
    bundle: Bundle | None,
    history: Sequence[Change],
    header_file: str = "",
    gateway: GatewayState | None = None,
    masked: Sequence[str] = (),
) -> DeploymentDetail:
    """A deployment's page. header_file: holds the header that a request needs; empty if none is
    needed. masked: patterns of inputs whose values are not shown.
    """
    columns, params = (bundle.inputs, bundle.params) if bundle else ((), ())
    defaults = {item.name: item.default for item in params}
    sample = None
    if bundle:
        rows = first_rows(shown_sample(bundle.asked, masked), 1)
        sample = _readable(with_params(seldon_body(bundle, rows), defaults))
    return DeploymentDetail(
        deployment=record,
        history=history,
        signature=[
            {"name": column.name, "type": column.type, "required": not column.optional}
            for column in columns
        ],
        answers=bundle.answers if bundle else "",
        params=[
            {"name": item.name, "type": item.type, "list": item.is_list, "default": item.default}
            for item in params
        ],
        sample=sample,
        code=page_code(
            record.name,
            sample,
            url=record.url,
            header_file=header_file,
            public_url=record.urls.get("public", ""),
        ),
        gateway=gateway,
    )


def limits_of(name: str, settings: DeploymentSettings) -> AccessLimits:
    """What the gateway takes of the callers of a deployment."""
    return AccessLimits(
        rate=settings.rate_limits.get(name, settings.rate_limit),
        body_mib=settings.max_body_mib,
        connections=settings.max_connections,
        key_needed=settings.require_token or bool(settings.listen),
    )


def _readable(value: Any) -> Any:
    """A request to read and change: numbers that are not whole with six digits instead of
    seventeen.
    """
    if isinstance(value, Mapping):
        return {name: _readable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_readable(item) for item in value]
    fraction = isinstance(value, float) and not value.is_integer()
    return float(f"{value:.6g}") if fraction else value
