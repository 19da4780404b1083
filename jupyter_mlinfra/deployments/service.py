"""The verbs of deployments: deploy, traffic, promote, rollback, remove, predict, feedback, up,
down.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest, Conflict, Unavailable, Unprocessable
from ..core.records import Page, page_of
from ..core.search import Document
from . import views
from .access.verbs import AccessVerbs
from .asking import AskingVerbs
from .batch_verb import BatchVerb
from .bodies import sample_body
from .delivery.alarm import PlanAlarm
from .delivery.spec import DeliverySpec
from .delivery.verbs import DeliveryVerbs
from .kubernetes.verbs import KubernetesVerbs
from .log_verbs import LogVerbs
from .logged import Answers
from .model_versions import ModelVersionVerbs
from .packaging import Bundle, load_bundle
from .personal import hidden_inputs
from .request_verbs import Labelled, RequestVerbs
from .rollout import STOP_SECONDS, Progress, Rollout
from .rows import DeploymentRow
from .settings import MOST_WORKERS, DeploymentSettings
from .snippets import request
from .spec import (
    Change,
    Deployment,
    DeploymentDetail,
    Measurement,
    TargetName,
    VersionState,
)
from .store import DeploymentStore
from .targets import DeploymentTarget, load_target, present
from .traffic import all_to, all_to_the_canary, exactly, previous

if TYPE_CHECKING:
    from ..core.project import Project
    from ..experiments import Experiments
    from ..features import Features
    from . import measuring
    from .batch.submitting import Batches
    from .delivery.judging import Outcomes
    from .deploying import Deploying
    from .featuring import Missing
    from .live_changes import Kept


class Deployments(
    KubernetesVerbs,
    DeliveryVerbs,
    AccessVerbs,
    AskingVerbs,
    BatchVerb,
    LogVerbs,
    ModelVersionVerbs,
    RequestVerbs,
):
    """The deployments of one project. batches: its batch jobs. features: its feature store.
    labelled, outcomes: what its monitors know of the answers. alarm: who drives plans. kept: the
    files that a job ran from.
    """

    def __init__(
        self,
        project: Project,
        experiments: Experiments,
        *,
        batches: Callable[[], Batches] | None = None,
        labelled: Labelled | None = None,
        features: Callable[[], Features] | None = None,
        alarm: PlanAlarm | None = None,
        outcomes: Outcomes | None = None,
        kept: Kept | None = None,
    ) -> None:
        self._project, self._experiments, self._batches = project, experiments, batches
        self._labelled, self._kept = labelled, kept
        self._open_features = features
        self._alarm, self._outcomes = alarm or PlanAlarm(), outcomes
        self._store = DeploymentStore(project.database, project.name)

    @cached_property
    def _target(self) -> DeploymentTarget:
        return load_target(
            self._project.settings.of(DeploymentSettings).target, self._project, self._store
        )

    @cached_property
    def _rollout(self) -> Rollout:
        return Rollout(self._project, self._store, self._target)

    @cached_property
    def _deploying(self) -> Deploying:
        from .deploying import Deploying

        return Deploying(
            self._project,
            self._experiments,
            self._store,
            self._target,
            self._rollout,
            self._features,
        )

    def _features(self) -> Features:
        if self._open_features is None:
            raise Unavailable("Features need a project with a feature store.")
        return self._open_features()

    def deploy(
        self,
        name: str,
        *,
        version: str,
        traffic: int | None = None,
        answers: Answers | None = None,
        runtime: str | None = None,
        workers: int | None = None,
        features: Sequence[str] | None = None,
        missing: Missing | None = None,
        defaults: Mapping[str, Any] | None = None,
        override: str = "",
        reason: str = "",
        delivery: DeliverySpec | None = None,
        target: TargetName = "local",
        on_progress: Progress | None = None,
    ) -> Deployment:
        """Package a model version, start it, test it, and only then give it traffic.

        version: `flights/2` or `flights@champion`. traffic: its percent; the others share the rest.
        None: all for the first version of a deployment, nothing for a later one, its present share
        for one that is already deployed (less is a Conflict). answers: `classes` or `probabilities`
        of a classifier; None: what its own pyfunc answers. runtime: what carries its processes,
        `seldon-core`, `mlserver` or `open-inference`; workers: how many, 1 to 64; None: as the
        settings say.
        features: views (`view` or `view:feature`) whose values come from the online store; a
        request carries their keys instead. None: those of the version with most traffic. missing:
        what a value becomes that is absent or past its ttl: `error` (default), `null`, or `default`
        with `defaults` by input.
        override: why it gets traffic even if tests fail; it stays in the history. delivery: whether
        it is a shadow, or gets its traffic step by step. target: with `kubernetes`, what has passed
        its tests here then goes to the clusters of `[deployments.kubernetes]`, as by `apply`.
        Raises Unprocessable if the model is not trusted, cannot be served, or fails a test (one is
        that its environment can be built); the traffic is then unchanged, and the version's tests
        say which. Conflict while another deploy of the same deployment is in progress. Unavailable
        if this machine lacks something, such as the port or space on its disk.
        """
        from .featuring import wish_of

        delivery, on_progress = delivery or DeliverySpec(), on_progress or _quiet
        shadow = ""
        if workers is not None and not 1 <= workers <= MOST_WORKERS:
            raise BadRequest(f"workers={workers!r} is none.", f"There are 1 to {MOST_WORKERS}.")
        if target == "kubernetes":
            source = self._experiments.version(version)
            shadow = self._check_cluster(name, source, traffic, delivery)
        self._deploying.deploy(
            name,
            version,
            traffic=traffic,
            answers=answers,
            runtime=runtime,
            workers=workers,
            features=wish_of(features, missing, defaults),
            override=override,
            reason=reason,
            delivery=delivery,
            alarm=self._alarm,
            on_progress=on_progress,
        )
        self.rouse()
        self._tell_if_closed(on_progress)
        if target == "kubernetes":
            self._to_clusters(name, shadow, on_progress)
        return self._record(self._store.deployment(name))

    def metrics(self) -> str:
        """What gateway and processes have counted, by version, in the text format of Prometheus,
        and what models count by themselves. It reads what the keeper has noted, and asks the
        processes for the rest; it measures nothing.
        """
        from .exposition import exposition
        from .targets.envoy.configuration import BUCKETS

        traffic = {
            (row.name, version): percent / 100
            for row in self._store.deployments()
            for version, percent in row.traffic.items()
        }
        figures = present(self._target.figures())
        return exposition(figures, traffic, BUCKETS) + self._target.own_metrics()

    def list(self, *, limit: int = 50, cursor: str | None = None) -> Page[Deployment]:
        """Deployments by name."""
        running, figures, url = (
            self._target.running(),
            self._target.figures(),
            self._target.base_url(),
        )
        rows = [
            views.deployment(row, running=running, figures=figures, base_url=url)
            for row in self._store.deployments()
        ]
        return page_of(rows, limit=limit, cursor=cursor)

    def show(self, name: str, *, compared: bool = False) -> DeploymentDetail:
        """A deployment with its history, the signature of the version with most of the traffic, and
        a request that it accepts. compared: also how far its shadows agree with the answers that
        were given.

        A bundle that cannot be read becomes the reason of its version; everything else is still
        shown.
        """
        row = self._store.deployment(name)
        record, bundle, packaged = self._record(row), None, row.packaged
        if packaged is not None:
            try:
                bundle = load_bundle(Path(packaged.bundle))
            except Unprocessable as error:
                record = views.with_reason(record, packaged.version, str(error))
        history = self._store.history(name).items
        file, gateway = self._target.header_file(), self._target.gateway()
        masked = hidden_inputs(self._project).patterns
        found = views.detail(record, bundle, history, file, gateway, masked)
        limits = views.limits_of(name, self._project.settings.of(DeploymentSettings))
        return replace(
            found,
            up_since=views.up_since(record),
            plan=self.plan(name),
            replays=self.replays(name),
            limits=limits,
            shadows=self.shadow_reports(name) if compared else (),
        )

    def request_code(self, name: str, body: Any) -> Mapping[str, str]:
        """How each interface sends a request with this body. Raises NotFound."""
        row = self._store.deployment(name)
        return request(
            name,
            body,
            url=self._url(row),
            header_file=self._target.header_file(),
            public_url=self._record(row).urls.get("public", ""),
        )

    def history(self, name: str, *, limit: int = 50, cursor: str | None = None) -> Page[Change]:
        """Changes, newest first."""
        self._store.deployment(name)
        return self._store.history(name, limit=limit, cursor=cursor)

    def traffic(self, name: str, traffic: Mapping[str, int], *, reason: str = "") -> Deployment:
        """Share the requests between versions: percentages that add up to 100; versions (`v3`,
        `flights/3`) that are not named get none.

        In force when this returns; no request is lost. Raises BadRequest for invalid shares,
        Conflict for a version that has not passed its tests.
        """

        self._rollout.share(name, exactly(traffic), verb="traffic", reason=reason)
        return self._record(self._store.deployment(name))

    def promote(self, name: str, version: str | None = None, *, reason: str = "") -> Deployment:
        """Give a version all of the traffic, by default the canary; the others stay warm for a
        rollback. Raises Conflict if no version is named and there is no single canary.
        """
        aim = all_to_the_canary if version is None else all_to(version)
        self._rollout.share(name, aim, verb="promote", reason=reason)
        return self._record(self._store.deployment(name))

    def rollback(self, name: str, *, reason: str = "") -> Deployment:
        """Restore the last traffic before the present one whose versions can all serve:

        at once, if they are warm. A second rollback goes further back. Raises Conflict if there is
        nothing to go back to.
        """
        self._rollout.share(name, previous, verb="rollback", reason=reason)
        return self._record(self._store.deployment(name))

    def remove(self, name: str, version: str, *, reason: str = "") -> Deployment:
        """Drain and end a version without traffic, and remove it. Raises Conflict for a version
        that has traffic.
        """
        with self._store.change(name) as change:
            item = change.row.version(version)
            version = item.version
            if item.traffic:
                raise Conflict(
                    f"{version} of {name} has {item.traffic} % of the traffic.",
                    "It cannot be removed.",
                    f"mlinfra deployments traffic {name} …",
                )
            change.set_wanted(version, False)
        self._target.carry_out(change.wish)

        def settled() -> bool:
            item = self._store.deployment(name).version(version)
            return item.wanted or item.state in (VersionState.STOPPED, VersionState.FAILED)

        self._rollout.until(settled, STOP_SECONDS, f"{version} of {name} did not end.")
        with self._store.change(name) as change:
            change.forget(version)  # refused if another verb wants it meanwhile
            change.record(
                verb="remove",
                user=self._project.user,
                reason=reason,
                traffic=change.row.traffic,
                text=f"{version} removed",
            )
        return self._record(self._store.deployment(name))

    def delete(self, name: str) -> None:
        """Drain and end a deployment, and remove it with its history; its payload log stays."""
        self.down(name)
        self._store.delete(name, user=self._project.user)

    def measure(self, name: str, *, seconds: float, rate: float) -> Measurement:
        """Latency and volume of the live deployment under a steady load of one-row requests, which
        are not in the payload log.
        """
        from . import measuring

        row = self._store.deployment(name)
        return measuring.measure(
            self._url(row), self._one_row(row), seconds=seconds, rate=rate, keys=self._target.keys()
        )

    def latency(self, name: str, *, at_most_ms: float) -> measuring.Latency:
        """p99 of the live deployment: of 1,000 one-row requests, as before it got traffic."""
        from . import measuring

        row = self._store.deployment(name)
        return measuring.latency(
            self._url(row), self._one_row(row), at_most_ms=at_most_ms, keys=self._target.keys()
        )

    def up(
        self, name: str | None = None, *, on_progress: Progress | None = None
    ) -> Sequence[Deployment]:
        """Start deployments, also after a reboot; returns when all versions with traffic answer.

        One that cannot be started keeps no other from it; it is raised at the end. Raises
        Unavailable if they do not in time.
        """
        rows = self._store.deployments() if name is None else [self._store.deployment(name)]
        rows = [row for row in rows if any(item.proved for item in row.versions)]
        if not rows:
            return []
        self._rollout.up(rows, on_progress or _quiet)
        self._check_open()
        return [self._record(self._store.deployment(row.name)) for row in rows]

    def heal(self) -> None:
        """Start again who looks after the serving processes, if it was killed. The Jupyter server
        does this now and then; reading never does.
        """
        self._target.heal()

    def down(self, name: str | None = None) -> Sequence[Deployment]:
        """Drain and end the processes of deployments; `up` restores them with the same traffic.

        Raises Unavailable if that cannot be recorded; without a name their processes are ended
        anyway.
        """
        try:
            return self._down(name)
        except Unavailable:
            if name is None:
                self._target.kill()
            raise

    def _down(self, name: str | None) -> Sequence[Deployment]:
        rows = self._store.deployments() if name is None else [self._store.deployment(name)]
        if any(row.up for row in rows) or not self._target.stopped():
            names = [row.name for row in rows]
            self._target.carry_out(self._store.set_up(names, False, user=self._project.user))
            for row in rows:
                ended = (VersionState.STOPPED, VersionState.FAILED, VersionState.BUILDING)
                self._rollout.wait(
                    row.name, [item.version for item in row.versions], *ended, timeout=STOP_SECONDS
                )
            if not any(row.up for row in self._store.deployments()):
                self._rollout.until(self._target.stopped, STOP_SECONDS, "The gateway did not end.")
        return [self._record(self._store.deployment(row.name)) for row in rows]

    def fingerprint(self, name: str) -> str | None:
        """Changes when other models are deployed, not when traffic moves; None if there is no such
        deployment.
        """
        row = self._store.find(name)
        if row is None or not any(item.proved for item in row.versions):
            return None
        served = [(item.version, item.bundle) for item in row.versions if item.proved]
        return hashlib.sha256(repr((row.model, served)).encode()).hexdigest()[:16]

    def search_fingerprint(self) -> str:
        """Changes when a deployment or one of its versions does."""
        from . import search

        return search.fingerprint(self._store.deployments())

    def search_documents(self) -> Iterable[Document]:
        """Every deployment; found by its name, its model, its versions and their inputs."""
        from . import search

        return search.documents(self._store.deployments())

    def _record(self, row: DeploymentRow) -> Deployment:
        return views.deployment(
            row,
            running=self._target.running(),
            figures=self._target.figures(),
            base_url=self._target.base_url(),
            gateway=self._target.gateway(),
        )

    def _bundle(self, row: DeploymentRow) -> Bundle:
        packaged = row.packaged
        if packaged is None:
            raise Unavailable(
                f"Deployment {row.name} has no packaged version.",
                "Its first deploy is in progress or has failed.",
                f"mlinfra deployments show {row.name}",
            )
        return load_bundle(Path(packaged.bundle))

    def _one_row(self, row: DeploymentRow) -> bytes:
        """The body of a request for the first row of the sample."""
        import orjson

        return orjson.dumps(sample_body(self._bundle(row), 1))

    def _url(self, row: DeploymentRow) -> str:
        """The address for predictions. Raises Unavailable while the deployment is down."""
        base = self._target.base_url()
        if not row.up or not base:
            raise Unavailable(
                f"Deployment {row.name} is down.",
                "It was stopped, or has never been up.",
                "mlinfra up",
            )
        return views.predictions_url(base, row)


def _quiet(_: str) -> None:
    """Ignores progress."""
