"""A deploy: from a model version in the registry to a proved version with its traffic."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import BadRequest, Conflict, Unprocessable
from ..core.files import file_lock
from . import state
from .delivery.alarm import PlanAlarm
from .delivery.beginning import begun
from .delivery.spec import DeliverySpec
from .logged import Answers
from .names import check_name
from .packaging import damage, load_bundle, package, prune
from .rollout import Progress, Rollout
from .rows import DeploymentRow, VersionRow
from .runtimes import load_runtime
from .settings import DeploymentSettings
from .store import DeploymentStore
from .targets import DeploymentTarget
from .targets.layout import bundles_folder
from .traffic import share_of
from .transaction import Transaction
from .trust import package_trusted

if TYPE_CHECKING:
    from ..core.project import Project
    from ..experiments import Experiments, Version


class Deploying:
    """Deploys of one project; of each deployment one at a time."""

    def __init__(
        self,
        project: Project,
        experiments: Experiments,
        store: DeploymentStore,
        target: DeploymentTarget,
        rollout: Rollout,
    ) -> None:
        self._project, self._experiments = project, experiments
        self._store, self._target, self._rollout = store, target, rollout

    def deploy(
        self,
        name: str,
        version: str,
        *,
        traffic: int | None,
        answers: Answers | None,
        runtime: str | None,
        workers: int | None,
        override: str,
        reason: str,
        delivery: DeliverySpec,
        alarm: PlanAlarm,
        on_progress: Progress,
    ) -> None:
        """See `Deployments.deploy`."""
        if delivery.steps or delivery.shadow:
            if traffic is not None:
                raise BadRequest(
                    "A version gets a share at once, by steps, or is a shadow.",
                    f"traffic={traffic} was asked for too.",
                    "Leave --canary out.",
                )
            traffic = delivery.steps[0] if delivery.steps else 0
        then = partial(begun, delivery=delivery, user=self._project.user, alarm=alarm)
        check_name(name)
        if runtime is not None:
            load_runtime(runtime)  # an unknown one is refused before anything is built
        source = self._experiments.version(version)
        label = f"v{source.version}"
        self._target.prepare()
        with file_lock(
            self._project.folder("deployments") / f"{name}.lock",
            wait=False,
            what=f"A deploy of {name}",
        ):
            row = self._store.find(name)
            deployed = _proved(row, label, source.model) if row else None
            answers = answers or (_answers_of(deployed) if deployed else None)
            if deployed:
                _check_runtime(deployed, runtime)
            if deployed and self._intact(deployed, answers, on_progress):
                self._deploy_again(
                    name,
                    label,
                    traffic,
                    reason=reason,
                    then=partial(then, version=label) if delivery.asks else None,
                    on_progress=on_progress,
                )
                return
            # An invalid share is refused before anything is built.
            state.with_share(row.traffic if row else {}, label, traffic or 0)
            delivery.check(row.traffic if row else {}, label)
            self._deploy_new(
                name,
                label,
                source,
                traffic,
                answers=answers,
                runtime=runtime,
                workers=workers,
                override=override,
                reason=reason,
                then=partial(then, version=label),
                on_progress=on_progress,
            )
        prune(
            bundles_folder(self._project),
            {item.bundle for row in self._store.deployments() for item in row.versions},
        )

    def _deploy_new(
        self,
        name: str,
        label: str,
        source: Version,
        traffic: int | None,
        *,
        answers: Answers | None,
        runtime: str | None,
        workers: int | None,
        override: str,
        reason: str,
        then: Callable[[Transaction], None],
        on_progress: Progress,
    ) -> None:
        """Package, start and test the version, then give it its traffic."""
        model_version = f"{source.model}/{source.version}"
        on_progress(f"packaging {model_version}")
        settings = self._project.settings.of(DeploymentSettings)
        bundle = package_trusted(
            self._experiments,
            model_version,
            bundles_folder(self._project),
            answers=answers,
            trusted=settings.trusted_models,
        )
        wish = self._store.begin(
            name,
            label,
            target=settings.target,
            model=source.model,
            number=source.version,
            workers=workers or settings.workers,
            runtime=runtime or settings.runtime,
            user=self._project.user,
        )
        try:
            if self._store.deployment(name).version(label).traffic:
                # Its requests must have left it before its new processes are there.
                self._target.carry_out(wish)
            gates = self._rollout.prove(name, label, bundle, on_progress, override=override)
            failed = [gate.name for gate in gates if not gate.passed]
            self._rollout.share(
                name,
                share_of(label, traffic),
                verb="deploy",
                reason=override if failed else reason,
                text=f"{label} deployed"
                + (f" although {', '.join(failed)} failed" if failed else ""),
                proved=(label, gates),
                then=then,
            )
        except BaseException as error:
            self._rollout.give_up(name, label, error)
            raise

    def _deploy_again(
        self,
        name: str,
        version: str,
        traffic: int | None,
        *,
        reason: str,
        then: Callable[[Transaction], None] | None,
        on_progress: Progress,
    ) -> None:
        """Deploy a version again that has already passed its tests: start it, and give it the
        requested traffic. then: begins its plan, or makes it a shadow.

        Raises Conflict if that is less than it has: a user who asks for a canary of 10 % does not
        know that this version answers most requests.
        """
        share = self._store.deployment(name).version(version).traffic
        if traffic is not None and traffic < share:
            raise Conflict(
                f"{version} of {name} is deployed already and has {share} % of the traffic.",
                f"A deploy with {traffic} % would move the rest to other versions.",
                f"To mean that: mlinfra deployments traffic {name} {version}={traffic} …",
            )
        if not self._store.deployment(name).up or not any(
            key[0] == name for key in self._target.running()
        ):
            self._rollout.up([self._store.deployment(name)], on_progress)
        self._rollout.warm(name, [version])
        row = self._store.deployment(name)
        # Without traffic anywhere, its first deploy was killed before it gave it any.
        stranded = traffic is None and not any(row.traffic.values())
        if stranded or then or traffic not in (None, row.version(version).traffic):
            self._rollout.share(
                name,
                share_of(version, traffic),
                verb="traffic",
                reason=reason,
                then=then or (lambda _: None),
            )

    def _intact(self, item: VersionRow, answers: Answers | None, on_progress: Progress) -> bool:
        """Whether a version that has passed its tests can be started from the same bundle; a
        changed bundle is made again.

        False: it must be deployed again, because the new bundle differs. Raises Conflict if it was
        deployed with other answers.
        """
        folder = Path(item.bundle)
        problem = damage(folder)
        if problem:
            on_progress(f"{problem} It is packaged again.")
            model_version = f"{self._store.deployment(item.deployment).model}/{item.number}"
            same = self._package_again(model_version, folder, answers)
            with self._store.change(item.deployment) as change:
                change.renew(item.version, same=same, reason=problem)
            return same
        packaged = load_bundle(folder).answers
        if answers not in (None, packaged):
            raise Conflict(
                f"{item.version} of {item.deployment} is deployed already and answers {packaged}.",
                f"Its clients would suddenly get {answers}.",
                f"Remove it first: mlinfra deployments remove {item.deployment} {item.version}; or"
                " deploy it under another name.",
            )
        return True

    def _package_again(self, model_version: str, folder: Path, answers: Answers | None) -> bool:
        """Make a damaged bundle again; returns whether it is the same one. If its description is
        lost, its name shows what it answered.
        """
        model = self._experiments.download(model_version)
        candidates: tuple[Answers | None, ...] = (answers,) if answers else (None, "probabilities")
        for candidate in candidates:
            with contextlib.suppress(BadRequest):  # it is not a classifier
                if package(model, folder.parent, answers=candidate).folder == folder:
                    return True
        return False


def _proved(row: DeploymentRow, label: str, model: str) -> VersionRow | None:
    """The version of that model, if it is deployed already and has passed its tests."""
    if row.model != model:
        return None
    return next((item for item in row.versions if item.version == label and item.proved), None)


def _check_runtime(item: VersionRow, runtime: str | None) -> None:
    """Raise Conflict for a version that is deployed on another runtime: its processes answer, and
    must not be taken away before others do.
    """
    if runtime not in (None, item.runtime):
        raise Conflict(
            f"{item.version} of {item.deployment} is deployed already on {item.runtime}.",
            "Its processes answer requests, and those of another runtime would have to be tested"
            " first.",
            f"Remove it first: mlinfra deployments remove {item.deployment} {item.version}; or"
            " deploy it under another name.",
        )


def _answers_of(item: VersionRow) -> Answers | None:
    """What a deployed version answers, so that it keeps it; None if its bundle cannot be read, or
    it answers values.
    """
    with contextlib.suppress(Unprocessable):
        answers = load_bundle(Path(item.bundle)).answers
        return None if answers == "values" else answers
    return None
