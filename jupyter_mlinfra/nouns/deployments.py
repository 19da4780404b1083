"""`ml.deployment`."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from ..core.records import now
from ..faces.parse import duration, span
from ..widgets.reprs import Facts, Records
from ..workbench import Workbench, current
from .monitoring import MonitorHandle
from .shown import Shown

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path

    import pandas as pd
    import polars as pl

    from ..deployments import (
        AccessKey,
        AnswerComparison,
        AuditEntry,
        DeliveryPlan,
        ImageContext,
        LatencySeries,
        LiveComparison,
        LoggedRequest,
        LoggedRequestDetail,
        ManifestKind,
        Manifests,
        NewKey,
        RegionState,
        VersionVerdict,
    )
    from ..deployments.spec import (
        Change,
        Deployment,
        DeploymentDetail,
        ExplainedAnswers,
        Prediction,
    )


def deployment(name: str) -> DeploymentHandle:
    """A deployment by name; `ml.model(…).deploy(name)` creates one."""
    return DeploymentHandle(current(), name)


@dataclass(frozen=True)
class DeploymentHandle(Shown):
    """One deployment. A version is named like its model version (`flights/3`), or by its number
    (`v3`).
    """

    workbench: Workbench = field(repr=False)
    name: str

    @property
    def record(self) -> DeploymentDetail:
        """Its versions, traffic and history."""
        return self.workbench.deployments.show(self.name)

    def predict(
        self,
        rows: pl.DataFrame | pd.DataFrame | Sequence[Any],
        *,
        version: str | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Prediction:
        """Request predictions through the gateway; the answer names the version that made them.
        rows: a frame, mappings, or the values of a model of one input, such as texts. params: of
        the model's signature, such as {"threshold": 0.3}; it has defaults.
        """
        return self.workbench.deployments.predict(self.name, rows, version=version, params=params)

    def explain(
        self, rows: pl.DataFrame | Sequence[Mapping[str, Any]], *, version: str | None = None
    ) -> ExplainedAnswers:
        """What each input contributed to the answers to some rows: exact for XGBoost and LightGBM,
        else Shapley values against the model's sample.
        """
        return self.workbench.deployments.explain(self.name, rows, version=version)

    def feedback(self, request_id: str, *, reward: float = 0.0, truth: Any = None) -> None:
        """Report what an earlier answer was worth, or what would have been correct. request_id: of
        the prediction.
        """
        self.workbench.deployments.feedback(self.name, request_id, reward=reward, truth=truth)

    def traffic(self, shares: Mapping[str, int], *, reason: str = "") -> Deployment:
        """Share the requests: percentages by version that add up to 100; versions that are not
        named get none. No request is lost.
        """
        return self.workbench.deployments.traffic(self.name, shares, reason=reason)

    def promote(self, version: str | None = None, *, reason: str = "") -> Deployment:
        """Give a version all of the traffic, by default the canary; the others stay warm for a
        rollback.
        """
        return self.workbench.deployments.promote(self.name, version, reason=reason)

    def rollback(self, *, reason: str = "") -> Deployment:
        """Restore the traffic before the present one, at once if its versions are warm; a second
        rollback goes further back.
        """
        return self.workbench.deployments.rollback(self.name, reason=reason)

    def remove(self, version: str, *, reason: str = "") -> Deployment:
        """Drain and end a version without traffic, and remove it. Raises Conflict for a version
        that has traffic.
        """
        return self.workbench.deployments.remove(self.name, version, reason=reason)

    def compare(self, version: str) -> LiveComparison:
        """A version of a model (`flights/2`) beside the one that is live: what a deploy would
        change.
        """
        return self.workbench.deployments.compare(self.name, version)

    def shadow(self, version: str, *, percent: int = 100, reason: str = "") -> Deployment:
        """Give a version copies of so many percent of the requests; its answers are logged, and
        nobody gets them. 0: no more.
        """
        return self.workbench.deployments.shadow(self.name, version, percent=percent, reason=reason)

    def shadow_report(self, version: str, *, window: str = "24h") -> AnswerComparison:
        """A shadow's answers beside those that were given."""
        return self.workbench.deployments.shadow_report(self.name, version, window=duration(window))

    def replay(
        self,
        version: str,
        *,
        window: str = "24h",
        rows: int | None = None,
        on_progress: Callable[[str], None] | None = None,
    ) -> AnswerComparison:
        """Send the logged requests of a window to a version, which gets no traffic for it, and
        compare with the answers that were given: agreement, score shift, latency.
        """
        return self.workbench.deployments.replay(
            self.name, version, window=duration(window), rows=rows, on_progress=on_progress
        )

    def replays(self) -> Sequence[AnswerComparison]:
        """The last results of `replay`, newest first."""
        return Records(self.workbench.deployments.replays(self.name))

    def undo(self, change: int, *, reason: str = "") -> Deployment:
        """Restore the traffic that a change of `history` found. change: its `id`."""
        return self.workbench.deployments.undo(self.name, change, reason=reason)

    @property
    def plan(self) -> DeliveryPlan | None:
        """The last plan of `deploy(steps=…)`; None if there was none."""
        return self.workbench.deployments.plan(self.name)

    def pause(self, *, reason: str = "") -> DeliveryPlan:
        """Hold the plan; a breach rolls it back nevertheless."""
        return self.workbench.deployments.pause(self.name, reason=reason)

    def resume(self, *, reason: str = "") -> DeliveryPlan:
        """Let the plan go on; its present step begins again."""
        return self.workbench.deployments.resume(self.name, reason=reason)

    def history(self) -> Sequence[Change]:
        """Its newest changes, newest first."""
        return Records(self.workbench.deployments.history(self.name).items)

    def manifest(self, kind: ManifestKind, **options: Any) -> Manifests:
        """Its present traffic as manifests for Kubernetes. options: as of the command line, such as
        `image="registry.example.com/team/flights"` or `model_uri="s3://models/flights/{version}"`.
        """
        from ..deployments import ManifestOptions

        return self.workbench.deployments.manifest(
            self.name, kind=kind, options=ManifestOptions(**options)
        )

    def apply(
        self, kind: ManifestKind, *, contexts: Sequence[str] = (), **options: Any
    ) -> Sequence[RegionState]:
        """Roll it out to the clusters of some contexts, one after the other; options as of
        `manifest`.
        """
        from ..deployments import ManifestOptions

        chosen = ManifestOptions(**options)
        found = self.workbench.deployments.apply(
            self.name, kind=kind, options=chosen, contexts=contexts
        )
        return Records(found)

    def revert(self, *, contexts: Sequence[str] = ()) -> Sequence[RegionState]:
        """Give clusters the last ready state before their present one."""
        return Records(self.workbench.deployments.revert(self.name, contexts=contexts))

    def image(self, version: str, into: str | Path) -> ImageContext:
        """Write the build context of an image that serves one version into a new folder."""
        return self.workbench.deployments.image(self.name, version, into=into)

    @property
    def keys(self) -> KeyRing:
        """Its keys: `.create("app")`, `.rotate(…)`, `.revoke(…)`."""
        return KeyRing(self.workbench, self.name)

    def audit(self) -> Sequence[AuditEntry]:
        """Who changed what, newest first."""
        return Records(self.workbench.deployments.audit(self.name).items)

    def requests(
        self,
        *,
        version: str = "",
        outcome: Literal["answered", "refused", "failed"] | None = None,
        since: str | None = None,
        until: str | None = None,
        shadow: bool = False,
        limit: int = 50,
    ) -> Sequence[LoggedRequest]:
        """The newest rows of the payload log, newest first. since, until: how long ago they
        arrived, such as `"24h"`. shadow: the copies that shadows answered instead.
        """
        found = self.workbench.deployments.requests(
            self.name,
            version=version,
            outcome=outcome,
            since=span(since),
            until=span(until),
            shadow=shadow,
            limit=limit,
        )
        return Records(found.items)

    def request(
        self,
        id: str,
        *,
        at: datetime | str | None = None,
        row: int = 0,
        shadow: bool = False,
        version: str = "",
    ) -> LoggedRequestDetail:
        """One row of a logged request: all inputs, its label, and how it is sent again. at: its
        arrival, as `requests` says it; by default that of the newest with the id. shadow: the copy
        that a shadow answered. version: that answered it; several shadows may.
        """
        moment = at.isoformat() if isinstance(at, datetime) else at
        return self.workbench.deployments.request(
            self.name, id, at=moment, row=row, shadow=shadow, version=version
        )

    def latency(self, *, since: str = "1h") -> LatencySeries:
        """Latency and rate of each version in the time up to now."""
        return self.workbench.deployments.latencies(self.name, since=duration(since))

    def verdict(
        self,
        *,
        control: str = "",
        treatment: str = "",
        measure: Literal["errors", "latency", "quality", "kpi", "reward"] = "errors",
    ) -> VersionVerdict:
        """Whether a version is better than another one, since the traffic was last changed; may be
        asked at any time. control: by default the stable version. treatment: by default the canary.
        measure: quality and kpi need labels, reward needs feedback.
        """
        return self.workbench.deployments.verdict(
            self.name, control=control, treatment=treatment, measure=measure
        )

    def payloads(
        self, since: str | timedelta | datetime | None = None, *, shadow: bool = False
    ) -> pl.DataFrame:
        """Logged requests, one line per row: request, time, version, status, latency, prediction,
        then the inputs. since: how far back, such as `"24h"`, or a moment; by default all. shadow:
        the copies that shadows answered instead.
        """
        begin = since if isinstance(since, datetime) else _ago(since)
        return self.workbench.deployments.payloads(self.name, since=begin, shadow=shadow)

    def watch(self, *, name: str | None = None) -> MonitorHandle:
        """Start to watch it; the version with most of the traffic needs a reference
        (`ml.model(…).reference(frame)`).
        """
        return MonitorHandle(
            self.workbench, self.workbench.monitoring.watch(self.name, name=name).name
        )

    def _shown(self) -> Any:
        return self.record.deployment


def _ago(since: str | timedelta | None) -> datetime | None:
    back = span(since)
    return None if back is None else now() - back


@dataclass(frozen=True)
class KeyRing(Shown):
    """The keys of a deployment; it shows their list, never a key."""

    workbench: Workbench = field(repr=False)
    name: str

    def create(self, label: str = "", *, days: float | None = None) -> IssuedKey:
        """A new key. label: who will use it; by default key-1, key-2 … days: until it expires."""
        return IssuedKey(self.workbench.deployments.create_key(self.name, label, days=days))

    def rotate(
        self, key: str, *, grace_hours: float = 24.0, days: float | None = None
    ) -> IssuedKey:
        """A new key in place of one, by its id or name, which stays valid for some hours."""
        return IssuedKey(
            self.workbench.deployments.rotate_key(
                self.name, key, grace_hours=grace_hours, days=days
            )
        )

    def revoke(self, key: str, *, reason: str = "") -> AccessKey:
        """End a key, by its id or name, at once."""
        return self.workbench.deployments.revoke_key(self.name, key, reason=reason)

    def list(self) -> Sequence[AccessKey]:
        """The keys, newest first, without the keys themselves."""
        return Records(self.workbench.deployments.keys(self.name, limit=500).items)

    def _shown(self) -> Any:
        return [*self.workbench.deployments.keys(self.name).items]


class IssuedKey:
    """A key that was just made. It is kept out of what a notebook saves: `print(new.key)` shows it,
    and `new.header` is what a client sends. pending: why the gateway does not take it yet, and when
    it will; it is also a warning.
    """

    def __init__(self, made: NewKey) -> None:
        self.id, self.deployment, self.name = made.id, made.deployment, made.name
        self.expires_at, self.key, self.pending = made.expires_at, made.key, made.pending
        if self.pending:
            # Where warnings are errors too, the key reaches its user.
            with contextlib.suppress(UserWarning):
                warnings.warn(self.pending, stacklevel=3)

    @property
    def header(self) -> Mapping[str, str]:
        """The header of a request."""
        return {"Authorization": f"Bearer {self.key}"}

    def __repr__(self) -> str:
        return f"IssuedKey({self.id!r}, name={self.name!r})"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return Facts(
            {
                "id": self.id,
                "name": self.name,
                "deployment": self.deployment,
                "expires": self.expires_at or "never",
                "key": "in the attribute `key`, here and nowhere else",
            }
        )._repr_mimebundle_()
