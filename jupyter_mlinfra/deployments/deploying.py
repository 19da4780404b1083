"""A deploy: from a model version in the registry to a proved version with its traffic."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest, Conflict, NotFound, Unavailable, Unprocessable
from ..core.events import telling
from ..core.files import file_lock, write_atomic
from ..core.refs import reference
from . import environment, gates, state
from .delivery.alarm import PlanAlarm
from .delivery.beginning import begun
from .delivery.spec import DeliverySpec
from .deployed import answers_of, check_features, check_runtime, features_of, proved, wish_in
from .gate_list import GateList
from .logged import Answers, Unreadable, read
from .names import check_name
from .onnx_export import said, with_engine
from .packaging import Bundle, damage, is_of, load_bundle, package, prune
from .rollout import Progress, Rollout
from .rows import VersionRow
from .runtimes import load_runtime
from .samples import sample_of
from .settings import DeploymentSettings
from .store import DeploymentStore
from .targets import DeploymentTarget
from .targets.layout import bundles_folder, online_store_file
from .traffic import share_of
from .transaction import Transaction
from .trust import package_trusted

if TYPE_CHECKING:
    from ..core.project import Project
    from ..experiments import Experiments, Version
    from ..features import Features
    from .featuring import FeatureWish
    from .gates import ProofRows


class Deploying:
    """Deploys of one project; of each deployment one at a time."""

    def __init__(
        self,
        project: Project,
        experiments: Experiments,
        store: DeploymentStore,
        target: DeploymentTarget,
        rollout: Rollout,
        features: Callable[[], Features],
    ) -> None:
        self._project, self._experiments, self._features = project, experiments, features
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
        features: FeatureWish | None,
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
            deployed = proved(row, label, source.model) if row else None
            answers = answers or (answers_of(deployed) if deployed else None)
            if deployed:
                check_runtime(deployed, runtime)
                check_features(deployed, features)
            if deployed and self._intact(deployed, answers, on_progress):
                if wish_in(deployed) is not None:
                    self._note_store()
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
                features=features or features_of(row),
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
        features: FeatureWish | None,
        override: str,
        reason: str,
        then: Callable[[Transaction], None],
        on_progress: Progress,
    ) -> None:
        """Package, start and test the version, then give it its traffic."""
        model_version = f"{source.model}/{source.version}"
        on_progress(f"packaging {model_version}")
        settings = self._project.settings.of(DeploymentSettings)
        tests = GateList(lambda tests: self._store.note(name, label, gates=tests))
        begin = partial(
            self._store.begin,
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
            bundle = self._packaged(model_version, answers, features)
        except Unreadable as error:
            self._refuse(name, label, error, begin, tests)
            raise
        _check_accepted(runtime or settings.runtime, bundle)  # refused before anything is built
        self._prove(
            name,
            label,
            bundle,
            traffic,
            tests=tests,
            wish=begin(),
            override=override,
            reason=reason,
            then=then,
            on_progress=on_progress,
        )
        served = reference("deployment", name)
        with telling(f"{served} has {label}"):
            made_from = reference("version", source.model, str(source.version))
            self._project.lineage.record("deploy", inputs=[made_from], outputs=[served])

    def _packaged(
        self, model_version: str, answers: Answers | None, features: FeatureWish | None
    ) -> Bundle:
        """Its bundle. Raises Unreadable if its signature or its files keep it from being one."""
        return package_trusted(
            self._experiments,
            model_version,
            bundles_folder(self._project),
            answers=answers,
            trusted=self._project.settings.of(DeploymentSettings).trusted_models,
            features=lambda model: self._plan(features, model, answers),
        )

    def _prove(
        self,
        name: str,
        label: str,
        bundle: Bundle,
        traffic: int | None,
        *,
        tests: GateList,
        wish: int,
        override: str,
        reason: str,
        then: Callable[[Transaction], None],
        on_progress: Progress,
    ) -> None:
        """Build, start and test a packaged version, then give it its traffic. wish: that of its
        beginning in the store.
        """
        try:
            tests.add(gates.signature(bundle))
            if self._store.deployment(name).version(label).traffic:
                # Its requests must have left it before its new processes are there.
                self._target.carry_out(wish)
            bundle = self._with_engine(bundle, tests, on_progress)
            rows = self._rows(bundle)
            self._rollout.prove(
                name, label, bundle, tests, on_progress, override=override, rows=rows
            )
            failed = [gate.name for gate in tests.gates if gate.passed is False]
            self._rollout.share(
                name,
                share_of(label, traffic),
                verb="deploy",
                reason=override if failed else reason,
                text=f"{label} deployed"
                + (f" although {', '.join(failed)} failed" if failed else ""),
                proved=(label, tests.gates),
                then=then,
            )
        except BaseException as error:
            self._rollout.give_up(name, label, error)
            raise

    def _refuse(
        self,
        name: str,
        label: str,
        error: Unreadable,
        begin: Callable[[], object],
        tests: GateList,
    ) -> None:
        """Record that a model was refused for its signature or its files, and raise Stopped. Does
        nothing where that would change what answers.
        """
        row = self._store.find(name)
        versions = row.versions if row else ()
        if row and (not row.up or any(item.version == label and item.proved for item in versions)):
            return
        begin()
        try:
            tests.fail("signature", gates.SIGNATURE, error)
        finally:
            self._rollout.note_failed(name, label, f"{error.what} {error.why}")

    def _with_engine(self, bundle: Bundle, tests: GateList, on_progress: Progress) -> Bundle:
        """Of a PyTorch model, with the engine that was chosen for it, which is a test; any other
        one as it is.
        """
        cache = environment.cache_folder(self._project.settings)
        if bundle.engine != "torch" and not bundle.export:
            return bundle
        return tests.step(
            "engine",
            gates.ENGINE,
            lambda: with_engine(bundle, cache, on_progress),
            lambda found: said(found.export),
        )

    def _plan(
        self, wish: FeatureWish | None, model: Path, answers: Answers | None
    ) -> Mapping[str, Any] | None:
        """Which inputs come from the online store; the store is made known to serving processes."""
        if wish is None:
            return None
        from .featuring import plan_of

        features = self._features()
        logged = read(model, answers)
        plan = plan_of(wish, logged.columns, sample_of(logged), features)
        _check_python(logged.requirements.python, plan)
        self._note_store()
        return plan

    def _note_store(self) -> None:
        """Tell serving processes how to reach the online store; they read it when they start."""
        settings = self._features().serving_store()
        write_atomic(online_store_file(self._project.home), json.dumps(settings).encode())

    def _rows(self, bundle: Bundle) -> ProofRows | None:
        """Rows to test a version with that reads some of its inputs from the online store."""
        if not bundle.features:
            return None
        from .featuring import rows_of

        return rows_of(bundle, self._features())

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
        deployed with other answers, or of another model than is registered now.
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
        bundle = load_bundle(folder)
        self._check_registered(item, bundle)
        if answers not in (None, bundle.answers):
            raise Conflict(
                f"{item.version} of {item.deployment} is deployed already and answers"
                f" {bundle.answers}.",
                f"Its clients would suddenly get {answers}.",
                f"Remove it first: mlinfra deployments remove {item.deployment} {item.version}; or"
                " deploy it under another name.",
            )
        return True

    def _check_registered(self, item: VersionRow, bundle: Bundle) -> None:
        """Raise Conflict if another model is registered now under the name and number that were
        deployed. A model whose files cannot be had is taken for the same.
        """
        name = f"{self._store.deployment(item.deployment).model}/{item.number}"
        with contextlib.suppress(NotFound, Unprocessable, Unavailable, OSError):
            if not is_of(bundle, self._experiments.download(name)):
                raise Conflict(
                    f"{item.version} of {item.deployment} is not the {name} that is registered"
                    " now.",
                    f"After its deploy, {name} was deleted and another model registered under the"
                    " same name and number; the deployed one still answers.",
                    "Register the new model once more and deploy that version; or remove the old"
                    f" one first: mlinfra deployments remove {item.deployment} {item.version}",
                )

    def _package_again(self, model_version: str, folder: Path, answers: Answers | None) -> bool:
        """Make a damaged bundle again; returns whether it is the same one. If its description is
        lost, its name shows what it answered.
        """
        features = _plan_in(folder)
        model = self._experiments.download(model_version)
        candidates: tuple[Answers | None, ...] = (answers,) if answers else (None, "probabilities")
        for candidate in candidates:
            with contextlib.suppress(BadRequest):  # it is not a classifier
                if (
                    package(model, folder.parent, answers=candidate, features=features).folder
                    == folder
                ):
                    return True
        return False


def _check_accepted(name: str, bundle: Bundle) -> None:
    """Raise Unprocessable for a model that the runtime of that name does not accept, Unavailable if
    it does not run here on the Python that the model needs.
    """
    runtime = load_runtime(name)
    if why := runtime.refusal(bundle):
        raise Unprocessable(f"{name} cannot serve this model.", why, "Choose another --runtime.")
    runtime.python_for(bundle.python)


def _plan_in(folder: Path) -> Mapping[str, Any] | None:
    """The features of a bundle that is damaged, if they can still be read."""
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
        facts = json.loads((folder / "bundle.json").read_text())
        if plan := facts.get("features"):
            needed = [line for line in facts["requirements"] if line.startswith("feast")]
            return {**plan, "requirements": needed}
    return None


def _check_python(python: str, plan: Mapping[str, Any]) -> None:
    """Raise Unprocessable if the functions of on-demand views cannot be read by the Python that the
    model needs.
    """
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    if plan["on_demand"] and python not in ("", own):
        raise Unprocessable(
            f"{plan['on_demand'][0]['name']} cannot be computed beside the model.",
            f"The model needs Python {python}; the view's function was stored by {own}.",
            f"Train the model with Python {own}.",
        )
