"""The verbs of deployments that read the payload log for pages: requests, latency, verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest, MLInfraError, Unprocessable
from ..core.records import Page, now
from .packaging import Bundle, load_bundle
from .personal import hidden_inputs
from .targets.layout import payload_folder

if TYPE_CHECKING:
    import polars as pl

    from ..core.project import Project
    from ..experiments.verdict import Arm
    from .delivery.judging import Outcomes
    from .latencies import LatencySeries
    from .requests import Labels, LoggedRequest, LoggedRequestDetail, Outcome
    from .store import DeploymentStore
    from .targets.vitals_log import Vitals
    from .version_verdicts import Measure, Span, Values, VersionVerdict

Labelled = Callable[[str, datetime, datetime], "pl.DataFrame"]
"""The rows of a deployment in a span of time that have a label, as its monitors know them:
request_id, row, ts, version, label (null for a name), text (the label as it was reported), outputs.
"""


class RequestVerbs:
    """A part of `Deployments`."""

    _project: Project
    _store: DeploymentStore
    _labelled: Labelled | None
    _outcomes: Outcomes | None

    def request_code(self, name: str, body: Any) -> Mapping[str, str]:
        raise NotImplementedError

    def requests(
        self,
        name: str,
        *,
        version: str = "",
        outcome: Outcome | None = None,
        since: timedelta | None = None,
        until: timedelta | None = None,
        shadow: bool = False,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[LoggedRequest]:
        """Rows of the payload log, newest first. since, until: how long ago they arrived. shadow:
        the copies that shadows answered instead. Inputs that `masked_inputs` of the settings
        names, or that come from a column tagged `pii`, have no values here.
        """
        from . import requests

        row, at = self._store.deployment(name), now()
        wanted = requests.Wanted(
            version=row.label(version) if version else "",
            outcome=outcome,
            masked=self._masked,
            shadow=shadow,
            until=None if until is None else at - until,
        )
        if since is not None:
            wanted = replace(wanted, since=at - since)
        folder = payload_folder(self._project, name)
        return requests.page(folder, wanted, limit=limit, cursor=cursor, labels=self._labels(name))

    def request(
        self,
        name: str,
        id: str,
        *,
        at: str | None = None,
        row: int = 0,
        shadow: bool = False,
        version: str = "",
    ) -> LoggedRequestDetail:
        """One logged row with all its inputs, and the same request as code, with those of its
        parameters that the version with most of the traffic has. at: its arrival, ISO 8601; by
        default that of the newest request with the id. shadow: the copy that a shadow answered.
        version: that answered it; several shadows may. Raises NotFound.
        """
        from . import requests

        deployment = self._store.deployment(name)
        packaged = deployment.packaged

        def bundle_of(version: str) -> Bundle | None:
            try:
                return load_bundle(Path(deployment.version(version).bundle))
            except MLInfraError:
                return None

        return requests.detail(
            payload_folder(self._project, name),
            id,
            at=None if at is None else _moment(at),
            row=row,
            masked=self._masked,
            shadow=shadow,
            version=version,
            bundle_of=bundle_of,
            asked=bundle_of(packaged.version) if packaged else None,
            labels=self._labels(name),
            code=lambda body: self._code(name, body),
        )

    def latencies(self, name: str, *, since: timedelta) -> LatencySeries:
        """Latency and rate of each version in the time up to now."""
        from . import latencies

        self._store.deployment(name)
        at = now()
        return latencies.series(payload_folder(self._project, name), at - since, at)

    def vitals(self, name: str, *, since: datetime, until: datetime) -> Iterator[Vitals]:
        """What the processes of each version used, minute by minute, oldest first; also of a
        deployment that is gone.
        """
        from .targets.vitals_log import read_vitals

        return read_vitals(self._project, name, since.timestamp(), until.timestamp())

    def verdict(
        self, name: str, *, control: str = "", treatment: str = "", measure: Measure = "errors"
    ) -> VersionVerdict:
        """Whether a version is better than another one, by the requests since the traffic was last
        changed between them; always valid, however often it is asked. measure: `errors`, `latency`,
        `quality` or `kpi`, which need labels and a monitor, or `reward`, which needs feedback.
        control: by default the stable version. treatment: by default the other one that has most
        traffic.

        Raises Conflict if one of them has no traffic, and what the monitor has to say against it.
        """
        from . import version_verdicts

        row = self._store.deployment(name)
        given = [row.version(item).version if item else "" for item in (control, treatment)]
        versions = version_verdicts.arms(name, row.traffic, *given)
        span = version_verdicts.span_of(name, *versions, self._store.shares(name, versions))
        arms, left_out = self._arms(name, measure, span, versions)
        return version_verdicts.compare(name, measure, span, versions, arms, left_out)

    def _arms(
        self, name: str, measure: Measure, span: Span, versions: tuple[str, str]
    ) -> tuple[tuple[Arm | None, Arm | None], Sequence[str]]:
        """The outcomes of each version in the span, and what is missing in them."""
        from . import version_verdicts
        from .payload_log import removal
        from .payload_log.quarantine import problems
        from .payload_log.sums import span_sums

        folder, at = payload_folder(self._project, name), now()
        if measure in ("errors", "latency"):
            sums = span_sums(folder, span.since, at)
            return version_verdicts.arms_of(measure, sums, versions), sums.left_out
        one, other = map(version_verdicts.arm_of, self._values(name, measure, span, versions))
        if measure != "reward":  # monitors keep what their labels were worth
            return (one, other), ()
        removed = datetime.fromtimestamp(removal.removed_until(folder), UTC)
        told = [removal.left_out(removed)] if removed > span.since else []
        return (one, other), [*problems(folder, span.since, at), *told]

    def _values(
        self, name: str, measure: Measure, span: Span, versions: Sequence[str]
    ) -> Sequence[Values]:
        """The rewards of each version in the span, or what its labelled answers were worth."""
        from . import version_verdicts
        from .payload_log.parts import parts

        folder, at = payload_folder(self._project, name), now()
        if measure == "reward":
            frames = (part.rows for part in parts(folder, span.since, at) if not part.problem)
            return version_verdicts.rewards(folder, frames, span.since, versions)
        goal, ask = "kpi" if measure == "kpi" else "error", self._outcomes
        found = ask(name, goal, versions, span.since, at) if ask else {}
        return [found.get(version, []) for version in versions]

    @property
    def _masked(self) -> tuple[str, ...]:
        return hidden_inputs(self._project).patterns

    def _code(self, name: str, body: Mapping[str, Any]) -> Mapping[str, str]:
        try:
            return self.request_code(name, body)
        except MLInfraError:  # it is down: there is no address
            return {}

    def _labels(self, name: str) -> Labels:
        def known(since: datetime, until: datetime) -> Mapping[tuple[str, int], float | str]:
            if self._labelled is None:
                return {}
            try:
                frame = self._labelled(name, since, until + timedelta(microseconds=1))
            except Unprocessable:
                return {}
            if frame.is_empty():
                return {}
            rows = frame.select("request_id", "row", "label", "text").iter_rows()
            return {(id, row): text if label is None else label for id, row, label, text in rows}

        return known


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise BadRequest(
            f"{text[:40]!r} is not a time with its zone.",
            fix="For example 2026-11-24T12:04:00.123456Z.",
        )
    return found
