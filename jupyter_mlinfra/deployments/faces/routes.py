"""Routes of the deployments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

from ...core.errors import BadRequest, Forbidden
from ...core.exposition import MEDIA_TYPE
from ...faces.handler import Handler, access, elsewhere
from ...faces.parameters import Count, Cursor, Interval, Len, Limit, Name, Percent, Text
from . import access_routes, request_routes

if TYPE_CHECKING:
    from ...core.records import Page
    from ...jobs.spec import Job
    from ..comparing import AnswerComparison
    from ..delivery.spec import DeliveryPlan
    from ..kubernetes.records import Manifests
    from ..live_changes import LiveComparison
    from ..spec import (
        BatchSubmission,
        Change,
        Deployment,
        DeploymentDetail,
        ExplainedAnswers,
        KnownRow,
        Prediction,
    )

read, write, execute = access("deployments")

Seconds = Annotated[float, Interval(ge=1, le=30 * 86_400)]
Hours = Annotated[float, Interval(gt=0, le=366 * 24)]
Rows = Annotated[int, Interval(ge=1, le=10_000_000)]
Processes = Annotated[int, Interval(ge=1, le=64)]
Copies = Annotated[int, Interval(ge=1, le=100)]
Replicas = Annotated[int, Interval(ge=1, le=10_000)]


class Metrics(Handler):
    @read(slow=True, media=MEDIA_TYPE)
    def get(self) -> str:
        """What gateway and processes have counted, by version, as Prometheus scrapes it."""
        return self.bench.deployments.metrics()


class DeploymentList(Handler):
    @read
    def get(self, *, limit: Limit = 50, cursor: Cursor = None) -> Page[Deployment]:
        """Deployments by name."""
        return self.bench.deployments.list(limit=limit, cursor=cursor)

    @execute(slow=elsewhere)
    def post(
        self,
        *,
        version: Name,
        name: Name | None = None,
        traffic: Percent | None = None,
        answers: Literal["classes", "probabilities"] | None = None,
        runtime: Name | None = None,
        workers: Processes | None = None,
        features: Annotated[tuple[Name, ...], Len(1, 1000)] | None = None,
        missing: Literal["error", "null", "default"] | None = None,
        default: Annotated[tuple[Text, ...], Len(1, 1000)] | None = None,
        override: Text = "",
        reason: Text = "",
        shadow: bool = False,
        copies: Copies | None = None,
        steps: Annotated[tuple[Percent, ...], Len(1, 100)] | None = None,
        every: Seconds | None = None,
        least_requests: Count | None = None,
        goal: Literal["reward", "kpi", "error"] | None = None,
        better: Literal["higher", "lower"] | None = None,
        target: Literal["local", "kubernetes"] = "local",
    ) -> Job:
        """Package a version, test it, and give it traffic: a job. The states of the deployment come
        as events. Raises NotFound.

        name: of the deployment; by default the model's name in lower case with hyphens. answers: of
        a classifier; by default those of its own pyfunc. runtime: what carries its processes;
        workers: how many there are; by default as the settings say. features, missing, default
        (`COLUMN=VALUE`): as of the command line. override: why it gets traffic even if tests fail.
        shadow: give it copies of the requests, of all or of `copies` percent, and no traffic.
        steps: its shares, one after the other, each for `every` seconds (600) and until it has
        answered `least_requests` (100). goal: outcomes by which it is compared meanwhile.
        """
        from .. import name_for
        from ..snippets import seconds

        if copies is not None and not shadow:
            raise BadRequest("copies is of a shadow.", "shadow is not set.", "Set it too.")
        self.bench.experiments.version(version)
        name = name_for(version) if name is None else name
        options = {
            "name": name,
            "traffic": traffic,
            "answers": answers,
            "runtime": runtime,
            "workers": workers,
            "features": features or (),
            "missing": missing,
            "default": default or (),
            "override": override or None,
            "reason": reason or None,
            "shadow": shadow or None,
            "copies": copies,
            "steps": ",".join(map(str, steps)) if steps else None,
            "every": seconds(every) if every else None,
            "least": least_requests,
            "goal": goal,
            "better": better,
            "target": None if target == "local" else target,
        }
        return self.as_job("deployments deploy", version, of=f"{version} to {name}", **options)


class Batch(Handler):
    @execute(slow=True)
    def post(
        self,
        *,
        version: Name,
        source: Name,
        into: Name,
        keep: Annotated[tuple[Name, ...], Len(1, 10_000)] | None = None,
        answers: Literal["classes", "probabilities"] | None = None,
        max_errors: Annotated[float, Interval(ge=0, le=1)] | None = None,
        mode: Literal["append", "replace"] = "append",
        again: bool = False,
        workers: Processes | None = None,
        new: bool = False,
        features: Annotated[tuple[Name, ...], Len(1, 1000)] | None = None,
        missing: Literal["error", "null", "default"] | None = None,
        defaults: Mapping[str, Any] | None = None,
        at: Name | None = None,
    ) -> BatchSubmission:
        """Score a dataset into another one: a job. keep: columns of the source in the result; all
        by default. max_errors: share of rows that may be refused; 0.1 by default. new: only rows
        that were added since the last batch of this source into this target. features, missing,
        defaults (by column): as known at the time of each row, in the column `at` (event_timestamp
        by default); by default those of its deployment, if the dataset lacks inputs of the model.
        """
        from ..batch.spec import AT, MAX_ERRORS

        return self.bench.deployments.batch(
            version,
            source=source,
            into=into,
            keep=keep,
            answers=answers,
            max_errors=MAX_ERRORS if max_errors is None else max_errors,
            mode=mode,
            again=again,
            workers=workers,
            new=new,
            features=features,
            missing=missing,
            defaults=defaults,
            at=AT if at is None else at,
        )


class DeploymentPage(Handler):
    @read
    def get(self, name: str) -> DeploymentDetail:
        """One deployment: versions, traffic, history, signature."""
        return self.bench.deployments.show(name)


class DeploymentHistory(Handler):
    @read
    def get(self, name: str, *, limit: Limit = 50, cursor: Cursor = None) -> Page[Change]:
        """Changes, newest first."""
        return self.bench.deployments.history(name, limit=limit, cursor=cursor)


class Traffic(Handler):
    @execute(slow=True)
    def post(
        self, name: str, *, traffic: Annotated[dict[Name, Percent], Len(1, 100)], reason: Text = ""
    ) -> Deployment:
        """Set the percentage of requests for each version; they add up to 100."""
        return self.bench.deployments.traffic(name, traffic, reason=reason)


class Promote(Handler):
    @execute(slow=True)
    def post(self, name: str, *, version: Name | None = None) -> Deployment:
        """Give a version all traffic, by default the canary."""
        return self.bench.deployments.promote(name, version)


class Rollback(Handler):
    @execute(slow=True)
    def post(self, name: str) -> Deployment:
        """Restore the last healthy traffic."""
        return self.bench.deployments.rollback(name)


class Remove(Handler):
    @execute(slow=True)
    def post(self, name: str, *, version: Name) -> Deployment:
        """Stop a version that has no traffic and remove it."""
        return self.bench.deployments.remove(name, version)


class Predict(Handler):
    @execute(slow=True)
    def post(
        self,
        name: str,
        *,
        rows: list[dict[str, Any]] | dict[str, Any],
        version: Name | None = None,
        params: dict[str, Any] | None = None,
    ) -> Prediction:
        """Send a request through the gateway. rows: one object per row, or a request body of
        Seldon's protocol. params: of the model's signature.
        """
        return self.bench.deployments.predict(name, rows, version=version, params=params)


class Explain(Handler):
    @execute(slow=True)
    def post(
        self, name: str, *, rows: list[dict[str, Any]] | dict[str, Any], version: Name | None = None
    ) -> ExplainedAnswers:
        """What each input contributed to the answers to some rows, at most 100. rows: as for
        `predict`.
        """
        return self.bench.deployments.explain(name, rows, version=version)


class KnownRows(Handler):
    @read(slow=True)
    def get(self, name: str, *, limit: Limit = 20) -> Page[KnownRow]:
        """Rows to try it with: of the newest logged requests, then of the model's sample."""
        return self.bench.deployments.known_rows(name, limit=limit)


class LiveChanges(Handler):
    @read(slow=True)
    def get(self, name: str, *, version: Name) -> LiveComparison:
        """A version of a model (`flights/2`) beside the one that is live: metrics, parameters,
        datasets, code, signature, environment. The user must also be allowed to read experiments;
        the code is left out unless jobs and files may be read too.
        """
        if not self.allowed("read", ["experiments"]):
            raise Forbidden(
                "You may not compare versions of models.",
                "The Jupyter server allows you the deployments, but not to read experiments.",
                "Ask whoever runs the server.",
            )
        code = bool(self.allowed("read", ["jobs"])) and self.context.on_loop(
            lambda: self.allows("read", "contents")
        )
        return self.bench.deployments.compare(name, version, code=code)


class Shadow(Handler):
    @read(slow=True)
    def get(self, name: str, *, version: Name, hours: Hours = 24.0) -> AnswerComparison:
        """What a shadow has answered in the last hours, beside the answers that were given."""
        return self.bench.deployments.shadow_report(name, version, window=timedelta(hours=hours))

    @execute(slow=True)
    def post(
        self, name: str, *, version: Name, percent: Percent = 100, reason: Text = ""
    ) -> Deployment:
        """Give a version copies of so many percent of the requests; 0: no more."""
        return self.bench.deployments.shadow(name, version, percent=percent, reason=reason)


class Replay(Handler):
    @execute(slow=elsewhere)
    def post(
        self, name: str, *, version: Name, hours: Hours = 24.0, rows: Rows | None = None
    ) -> Job:
        """Send the logged requests of the last hours to a version and compare: a job, whose result
        is in the deployment's `replays`.
        """
        return self.as_job(
            "deployments replay",
            name,
            of=f"{version} of {name}",
            version=version,
            window=f"{hours:g}h",
            rows=rows,
        )


class Undo(Handler):
    @execute(slow=True)
    def post(self, name: str, *, change: Count, reason: Text = "") -> Deployment:
        """Restore the traffic that a change of the history found. change: its `id`."""
        return self.bench.deployments.undo(name, change, reason=reason)


class Plan(Handler):
    @read
    def get(self, name: str) -> DeliveryPlan:
        """The last plan: steps, where it is, when it goes on, and what it was judged by. Raises
        NotFound.
        """
        from ..delivery.plans import required

        return required(self.bench.deployments.plan(name), name)


class PlanPause(Handler):
    @execute(slow=True)
    def post(self, name: str, *, reason: Text = "") -> DeliveryPlan:
        """Hold the plan; a breach rolls it back nevertheless."""
        return self.bench.deployments.pause(name, reason=reason)


class PlanResume(Handler):
    @execute(slow=True)
    def post(self, name: str, *, reason: Text = "") -> DeliveryPlan:
        """Let the plan go on; its present step begins again."""
        return self.bench.deployments.resume(name, reason=reason)


class ManifestPage(Handler):
    @read
    def get(
        self,
        name: str,
        *,
        kind: Literal["seldon-v1", "core2", "kserve"],
        image: Text = "",
        model_uri: Text = "",
        model_format: Literal["mlflow", "xgboost", "sklearn", "lightgbm"] = "mlflow",
        namespace: Text = "",
        cpu: Text = "1",
        memory: Text = "1Gi",
        replicas: Replicas = 1,
        max_replicas: Annotated[int, Interval(ge=0, le=10_000)] = 0,
        cpu_percent: Annotated[int, Interval(ge=1, le=100)] = 70,
        logger_url: Text = "",
        secret: Text = "",
        service_account: Text = "",
        pull_secret: Text = "",
        shadow: Text = "",
    ) -> Manifests:
        """The deployment with its present traffic as manifests for Kubernetes."""
        from ..kubernetes.plan import ManifestOptions

        options = ManifestOptions(
            image=image,
            model_uri=model_uri,
            model_format=model_format,
            namespace=namespace,
            cpu=cpu,
            memory=memory,
            replicas=replicas,
            max_replicas=max_replicas,
            cpu_percent=cpu_percent,
            logger_url=logger_url,
            secret=secret,
            service_account=service_account,
            pull_secret=pull_secret,
            shadow=shadow,
        )
        return self.bench.deployments.manifest(name, kind=kind, options=options)


ROUTES = {
    **request_routes.ROUTES,
    "deployments/batch": Batch,
    "deployments/metrics": Metrics,
    "deployments/deployments": DeploymentList,
    "deployments/deployments/{name}": DeploymentPage,
    "deployments/deployments/{name}/history": DeploymentHistory,
    "deployments/deployments/{name}/traffic": Traffic,
    "deployments/deployments/{name}/promote": Promote,
    "deployments/deployments/{name}/rollback": Rollback,
    "deployments/deployments/{name}/remove": Remove,
    "deployments/deployments/{name}/predict": Predict,
    "deployments/deployments/{name}/explain": Explain,
    "deployments/deployments/{name}/rows": KnownRows,
    "deployments/deployments/{name}/compare": LiveChanges,
    "deployments/deployments/{name}/shadow": Shadow,
    "deployments/deployments/{name}/replay": Replay,
    "deployments/deployments/{name}/undo": Undo,
    "deployments/deployments/{name}/plan": Plan,
    "deployments/deployments/{name}/plan/pause": PlanPause,
    "deployments/deployments/{name}/plan/resume": PlanResume,
    "deployments/deployments/{name}/manifest": ManifestPage,
    **access_routes.ROUTES,
}
