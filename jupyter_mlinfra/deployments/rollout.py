"""How a version comes to answer requests, and how traffic moves: the steps behind the verbs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import Conflict, MLInfraError, Unavailable, Unprocessable, raise_all
from . import environment, gates, state, views
from .gate_list import GateList
from .gateway import cluster_name
from .log_tail import newest_tail, tail
from .memory_test import MemoryLimits
from .own_answers import own_answers
from .own_tests import OwnTests
from .packaging import Bundle, load_bundle
from .rows import DeploymentRow, VersionRow
from .runtimes import load_runtime
from .settings import DeploymentSettings
from .spec import Gate, VersionState
from .store import DeploymentStore
from .targets.layout import logs_folder
from .traffic import Aim
from .transaction import Transaction

if TYPE_CHECKING:
    from ..core.project import Project
    from .targets import DeploymentTarget

Progress = Callable[[str], None]

START_SECONDS = 120.0
STOP_SECONDS = 60.0
SHARE_TRIES = 5


class Late(Unavailable):
    """What was waited for has not happened in time."""


class Rollout:
    """Steps that write a wish to the store, let the target carry it out, and wait for what they
    need.
    """

    def __init__(self, project: Project, store: DeploymentStore, target: DeploymentTarget) -> None:
        self._project, self._store, self._target = project, store, target

    def prove(
        self,
        name: str,
        version: str,
        bundle: Bundle,
        tests: GateList,
        on_progress: Progress,
        *,
        override: str = "",
        rows: gates.ProofRows | None = None,
    ) -> None:
        """Build, start and test a version; with the passed tests, `share` may give it traffic.
        rows: of a version that reads some of its inputs from the online store. Raises Stopped if a
        test fails, unless `override` says why it may have traffic nevertheless.
        """
        item = self._store.deployment(name).version(version)
        python = self._environment(bundle, item.runtime, tests, on_progress)
        on_progress(f"starting {version}")
        started, over = time.monotonic(), threading.Event()
        with ThreadPoolExecutor(1) as executor:
            expected = executor.submit(
                self._expected_answers,
                bundle,
                None if rows is None else rows.complete,
                over.is_set,
                on_progress,
            )
            try:
                self._start(name, version, bundle, python)
                tests.step(
                    "start",
                    "every process answers",
                    lambda: self.wait(name, [version], VersionState.TESTING, timeout=START_SECONDS),
                    lambda _: f"{item.workers} in {_since(started)}",
                    fails=Late,
                    log=lambda _: newest_tail(
                        logs_folder(self._project), f"{cluster_name(name, version)}.*.log"
                    ),
                )
                gates.run(self._subject(name, version, bundle, expected, rows), tests, on_progress)
            finally:
                over.set()
        if not override:
            tests.check(f"{self._store.deployment(name).model}/{item.number}")

    def _environment(
        self, bundle: Bundle, runtime: str, tests: GateList, on_progress: Progress
    ) -> Path:
        """The Python of the environment that serves, which is built if necessary: a test."""
        begun, chosen = time.monotonic(), load_runtime(runtime)
        return tests.step(
            "environment",
            "it can be built from what the model was logged with",
            lambda: environment.ensure(
                bundle.requirements,
                environment.cache_folder(self._project.settings),
                recipe=chosen.recipe,
                python=chosen.python_for(bundle.python),
                on_progress=on_progress,
            ),
            lambda _: f"{len(bundle.requirements)} requirements, {_since(begun)}",
            fails=environment.NotBuilt,
            log=lambda error: tail(getattr(error, "output", "")),
        )

    def _subject(
        self,
        name: str,
        version: str,
        bundle: Bundle,
        expected: Future[Mapping[str, list[Any]]],
        rows: gates.ProofRows | None,
    ) -> gates.Subject:
        row, settings = self._store.deployment(name), self._project.settings
        chosen = settings.of(DeploymentSettings)
        url = views.predictions_url(self._target.base_url(), row)
        return gates.Subject(
            url=url,
            open_inference_url=views.open_inference_url(url, name),
            keys=self._target.keys(),
            name=name,
            model=f"{row.model}/{row.version(version).number}",
            version=version,
            bundle=bundle,
            expected=expected,
            rows=rows,
            processes=lambda: self._target.memory(name, version),
            latency_ms=settings.project.targets.latency_p99_ms or gates.LATENCY_MS,
            own_tests=OwnTests(
                root=self._project.root, names=chosen.tests, seconds=chosen.test_seconds
            ),
            memory=MemoryLimits(
                measure=lambda: self._target.memory(name, version),
                requests=chosen.memory_requests,
                seconds=chosen.memory_seconds,
                budget_mib=chosen.worker_memory_mib,
                growth_mib=chosen.memory_growth_mib,
            ),
            replay=lambda: self._replayed(row, version, bundle, url),
        )

    def _replayed(self, row: DeploymentRow, version: str, bundle: Bundle, url: str) -> Gate | None:
        """The test *replay*; None if no other version has traffic."""
        from .replay_test import tested

        return tested(
            self._project, row, version=version, bundle=bundle, url=url, keys=self._target.keys()
        )

    def _expected_answers(
        self,
        bundle: Bundle,
        rows: Mapping[str, Any] | None,
        unwanted: Callable[[], bool],
        on_progress: Progress,
    ) -> Mapping[str, list[Any]]:
        """What the model's own pyfunc answers, in its own environment, which is built if
        necessary.
        """
        if rows is not None and not rows["ndarray"]:
            return {}
        cache = environment.cache_folder(self._project.settings)
        python = environment.ensure(
            bundle.own_requirements,
            cache,
            recipe=environment.LOGGED,
            python=bundle.python,
            on_progress=on_progress,
        )
        return own_answers(bundle, str(python), rows, unwanted=unwanted)

    def _start(self, name: str, version: str, bundle: Bundle, python: Path) -> None:
        """Let the processes of a version be started, so that they can be tested."""
        wish = self._store.move(
            name,
            version,
            VersionState.STARTING,
            wish=True,
            bundle=str(bundle.folder),
            python=str(python),
            wanted=True,
        )
        self._target.carry_out(wish)

    def give_up(self, name: str, version: str, error: BaseException) -> None:
        """Mark the version of a failed deploy as failed, whatever has become of it meanwhile, and
        end its processes; the other versions go on answering.
        """
        reason = (
            f"{error.what} {error.why}".strip()
            if isinstance(error, MLInfraError)
            else f"The deploy was interrupted ({type(error).__name__})."
        )
        try:
            item = self._store.deployment(name).version(version)
            if item.proved:
                # The version is ready and has its traffic; the deploy was only interrupted while
                # waiting for that to take effect.
                return
            # The keeper, which saw it fail, knows more.
            reason = item.reason if item.state is VersionState.FAILED else reason
            wish = self.note_failed(name, version, reason)
            self._target.carry_out(wish, timeout=10)
        except MLInfraError:
            return  # the keeper does it when it can; the first error says more

    def note_failed(self, name: str, version: str, reason: str) -> int:
        """Mark a version as failed, and say so in the history. Returns the wish: its processes are
        to end.
        """
        with self._store.change(name) as change:
            change.record(
                verb="deploy",
                user=self._project.user,
                reason="",
                traffic=change.row.traffic,
                text=f"{version} was stopped before it had traffic: {reason}",
            )
        return self._store.move(
            name,
            version,
            VersionState.FAILED,
            reason=reason,
            wish=True,
            wanted=False,
            deployer="",
        )

    def share(
        self,
        name: str,
        aim: Aim,
        *,
        verb: str,
        reason: str,
        text: str = "",
        proved: tuple[str, Sequence[Gate]] | None = None,
        then: Callable[[Transaction], None] = lambda _: None,
    ) -> None:
        """Set the traffic once each version whose share rises is warm; it is in force when this
        returns. One that has failed may keep its share, or lose it.

        proved: a version that has just passed its tests. It becomes ready in the transaction that
        gives it its first traffic, so that no crash leaves it ready without traffic; it stays warm
        whatever its share. aim: computes the traffic in the transaction that sets it, so that no
        concurrent change is lost. Verbs do not wait for each other: a version that was cooled
        meanwhile is warmed again. then: what else belongs into that transaction.
        """
        for _ in range(SHARE_TRIES):
            with self._store.change(name) as change:
                if proved is not None and not change.row.version(proved[0]).proved:
                    change.ready(*proved)
                traffic, returns_to = aim(change)
                cold = _cold(change.row, state.rising(traffic, change.row.traffic))
                if not cold:
                    change.traffic(
                        traffic,
                        verb=verb,
                        user=self._project.user,
                        reason=reason,
                        returns_to=returns_to,
                        text=text,
                    )
                    then(change)
                    self._cool(change, except_version=proved[0] if proved else None)
            if not cold:
                self._target.carry_out(change.wish)
                return
            self.warm(name, cold)
        raise Conflict(
            f"The traffic of {name} was not changed.",
            "Other changes cooled its versions again and again.",
            "Try again when they are done.",
        )

    def up(self, rows: Sequence[DeploymentRow], on_progress: Progress) -> None:
        """Start deployments; returns when all their versions with traffic answer.

        A version that cannot be started keeps no other from it. Raises Unavailable or Unprocessable
        at the end, with what has failed.
        """
        self._target.prepare()
        failed = self._renew_environments(rows, on_progress)
        self._target.carry_out(self._set_up(rows))
        problems = list(failed.values())
        for row in rows:
            versions = [
                item.version
                for item in row.versions
                if item.traffic and (row.name, item.version) not in failed
            ]
            try:
                self.wait(row.name, versions, VersionState.READY, timeout=START_SECONDS)
            except MLInfraError as error:
                problems.append(error)
        raise_all(problems)

    def _set_up(self, rows: Sequence[DeploymentRow]) -> int:
        return self._store.set_up([row.name for row in rows], True, user=self._project.user)

    def _renew_environments(
        self, rows: Sequence[DeploymentRow], on_progress: Progress
    ) -> dict[tuple[str, str], MLInfraError]:
        """Prepare every version that is to be started; what has failed, by deployment and
        version. A failed one stays wanted, so that the next `up` tries it again.
        """
        failed: dict[tuple[str, str], MLInfraError] = {}
        running = self._target.running()
        for item in (item for row in rows for item in row.versions if item.wanted and item.proved):
            key = item.deployment, item.version
            try:
                self.renew_environment(item, on_progress)
            except MLInfraError as error:
                reason = f"{error.what} {error.why}".strip()
                if running.get(key):
                    on_progress(f"{item.version} runs, but could not be started again: {reason}")
                    continue
                failed[key] = Unavailable(
                    f"{item.version} of {item.deployment} cannot be started.", reason, error.fix
                )
                self._store.move(*key, VersionState.FAILED, reason=f"{reason} {error.fix}".strip())
            else:
                with self._store.change(item.deployment) as change:
                    _try_again(change, item.version)
        return failed

    def renew_environment(self, item: VersionRow, on_progress: Progress) -> None:
        """Build the environment of a version again if the cache was emptied."""
        if item.bundle and not Path(item.python).exists():
            bundle = load_bundle(Path(item.bundle))
            python = environment.ensure(
                bundle.requirements,
                environment.cache_folder(self._project.settings),
                recipe=load_runtime(item.runtime).recipe,
                python=load_runtime(item.runtime).python_for(bundle.python),
                on_progress=on_progress,
            )
            self._store.note(item.deployment, item.version, python=str(python))

    def wait(
        self, name: str, versions: Sequence[str], *states: VersionState, timeout: float
    ) -> None:
        """Returns when all are in one of `states`, or another verb no longer wants them while they
        start.

        Raises Unprocessable if one fails, Late after `timeout` seconds.
        """
        may_not_fail, starting = (
            VersionState.FAILED not in states,
            VersionState.STOPPED not in states,
        )

        def settled() -> bool:
            rows = [
                item for item in self._store.deployment(name).versions if item.version in versions
            ]
            for item in rows:
                if may_not_fail and item.state is VersionState.FAILED:
                    raise Unprocessable(
                        f"{item.version} of {name} has failed.",
                        item.reason,
                        f"Its log is in .mlinfra/logs/deployments/{name}.{item.version}.0.log.",
                    )
            return all(item.state in states or (starting and not item.wanted) for item in rows)

        expected = " or ".join(states)
        self.until(settled, timeout, f"{', '.join(versions)} of {name} did not become {expected}.")

    def until(self, happened: Callable[[], bool], timeout: float, message: str) -> None:
        """Wait until `happened` is true. Raises Late after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while not happened():
            if time.monotonic() > deadline:
                raise Late(
                    message,
                    f"It took over {timeout:.0f} s.",
                    "See .mlinfra/logs/deployments; mlinfra deployments show shows its state.",
                )
            time.sleep(0.03)

    def warm(self, name: str, versions: Sequence[str]) -> None:
        """Make every version ready, starting those that were cooled. Raises Conflict for one that
        cannot serve.
        """
        row = self._store.deployment(name)
        for version in _cold(row, versions):
            self.renew_environment(row.version(version), lambda _: None)
        with self._store.change(name) as change:
            cold = _cold(change.row, versions)
            for version in cold:
                change.set_wanted(version, True)
                _try_again(change, version)
        if cold:
            self._target.carry_out(change.wish)
            self.wait(name, cold, VersionState.READY, timeout=START_SECONDS)

    def _cool(self, change: Transaction, *, except_version: str | None) -> None:
        """End the processes of versions without traffic beyond `[deployments] retain_versions`, the
        longest unused first.
        """
        unused = [
            item
            for item in change.row.versions
            if item.wanted
            and item.proved
            and not item.traffic
            and not item.shadow
            and item.version != except_version
        ]
        for item in sorted(unused, key=lambda item: item.used_at, reverse=True)[
            self._project.settings.of(DeploymentSettings).retain_versions :
        ]:
            change.set_wanted(item.version, False)


def _since(moment: float) -> str:
    return f"{time.monotonic() - moment:.1f} s"


def _try_again(change: Transaction, version: str) -> None:
    """Let a proved version start that has failed; the keeper looks at its bundle again."""
    if change.row.version(version).state is VersionState.FAILED:
        change.renew(version, same=True, reason="")


def _cold(row: DeploymentRow, versions: Sequence[str]) -> list[str]:
    """The versions that have to be started first. Raises Conflict for one that cannot serve."""
    if not row.up:
        raise Conflict(
            f"Deployment {row.name} is down.", "Its traffic cannot be moved.", "mlinfra up"
        )
    items = [row.version(version) for version in versions]
    for item in items:
        if not item.proved:
            why = item.reason or "It has not passed its tests."
            raise Conflict(
                f"{item.version} of {row.name} is {item.state} and cannot have traffic.",
                why,
                f"mlinfra deployments deploy {row.model}/{item.number}",
            )
    return [
        item.version for item in items if not item.wanted or item.state is not VersionState.READY
    ]
