"""The verbs of deployments that are about shadows, replays and plans."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import BadRequest, Conflict, NotFound, Unavailable, Unprocessable
from ...core.files import file_lock
from ..personal import hidden_inputs
from ..settings import DeploymentSettings
from ..targets.layout import payload_folder
from ..traffic import exactly
from .plans import required
from .spec import DeliveryPlan

if TYPE_CHECKING:
    from ...core.project import Project
    from ..comparing import AnswerComparison
    from ..rollout import Rollout
    from ..rows import DeploymentRow, VersionRow
    from ..spec import Deployment
    from ..store import DeploymentStore
    from ..targets import DeploymentTarget
    from .alarm import PlanAlarm
    from .judging import Outcomes

WINDOW = timedelta(days=1)
"""Of a replay, and of a comparison with a shadow."""

MOST_WINDOW = timedelta(days=366)


class DeliveryVerbs:
    """A part of `Deployments`."""

    _project: Project
    _store: DeploymentStore
    _alarm: PlanAlarm
    _outcomes: Outcomes | None
    _record: Callable[[DeploymentRow], Deployment]
    _url: Callable[[DeploymentRow], str]
    deploy: Callable[..., Deployment]

    if TYPE_CHECKING:

        @property
        def _target(self) -> DeploymentTarget: ...
        @property
        def _rollout(self) -> Rollout: ...

    def shadow(
        self, name: str, version: str, *, percent: int = 100, reason: str = ""
    ) -> Deployment:
        """Give a version a copy of so many percent of the requests; its answers go into the payload
        log, marked, and to nobody. 0: no more. Nobody waits for a shadow, and none of its failures
        reaches a client.

        In force when this returns. Raises Conflict for a version that has traffic or has not passed
        its tests, and while no version has traffic.
        """
        if isinstance(percent, bool) or not isinstance(percent, int) or not 0 <= percent <= 100:
            raise BadRequest(f"percent={percent!r} is not a percentage.", "It is 0 to 100.")
        version = self._store.deployment(name).version(version).version
        if percent:
            self._rollout.warm(name, [version])
        with self._store.change(name) as change:
            change.shadow(version, percent, verb="shadow", user=self._project.user, reason=reason)
        self._target.carry_out(change.wish)
        return self._record(self._store.deployment(name))

    def shadow_report(
        self, name: str, version: str, *, window: timedelta = WINDOW
    ) -> AnswerComparison:
        """A shadow's answers beside those that were given, of the copies in a window that ends now:
        of many the newest 10,000 rows, and a note says so. Raises Unprocessable if it has answered
        none.
        """
        item = self._store.deployment(name).version(version)
        (compare,) = self._comparisons(name, [item], window)
        return compare()

    def shadow_reports(self, name: str) -> list[AnswerComparison]:
        """The same of each shadow that has answered copies in the last day; the log is read once
        for all of them.
        """
        shadows = [item for item in self._store.deployment(name).versions if item.shadow]
        found = []
        for compare in self._comparisons(name, shadows, WINDOW) if shadows else ():
            with contextlib.suppress(Unprocessable):
                found.append(compare())
        return found

    def _comparisons(
        self, name: str, shadows: Sequence[VersionRow], window: timedelta
    ) -> list[Callable[[], AnswerComparison]]:
        """What compares each of these; it raises Unprocessable if there is nothing to compare."""
        from ..packaging import load_bundle
        from ..replaying import window as ends
        from .copies import read_copies, shadow_comparison

        since, until = ends(_checked(window))
        folder = payload_folder(self._project, name)
        rows = read_copies(folder, [item.version for item in shadows], since=since, until=until)

        def compare(item: VersionRow) -> AnswerComparison:
            answers = load_bundle(Path(item.bundle)).answers
            return shadow_comparison(rows, name, item.version, answers, since=since, until=until)

        return [partial(compare, item) for item in shadows]

    def replay(
        self,
        name: str,
        version: str,
        *,
        window: timedelta = WINDOW,
        rows: int | None = None,
        on_progress: Callable[[str], None] | None = None,
    ) -> AnswerComparison:
        """Send the answered requests of a window that ends now to a version that gets no traffic
        for it, and compare: agreement, score shift, latency. The result is kept.

        version: a version of the deployment, or one of its model, which is deployed without traffic
        first. It is started if it was cold, and ended again. rows: at most so many, evenly taken;
        None: as the settings say. Raises Unprocessable if nothing is logged, or what is logged
        cannot be asked again.
        """
        from ..packaging import load_bundle
        from ..replaying import Limits, Subject, replay
        from ..replaying import window as ends

        say = on_progress or (lambda _: None)
        since, until = ends(_checked(window))
        settings = self._project.settings.of(DeploymentSettings)
        limits = Limits(
            rows=_checked_rows(rows, settings.replay_rows), seconds=settings.replay_seconds
        )
        with self._candidate(name, version, say) as row:
            item = row.version(version)
            live = {other: share for other, share in row.traffic.items() if share}
            against = max(live, key=lambda other: live[other], default="")
            subject = Subject(
                deployment=name,
                version=item.version,
                bundle=load_bundle(Path(item.bundle)),
                url=self._url(row),
                keys=self._target.keys(),
                against="" if against == item.version else against,
                hides_values=hidden_inputs(self._project).any,
            )
            found = replay(
                payload_folder(self._project, name),
                subject,
                since=since,
                until=until,
                limits=limits,
                on_progress=say,
            )
        return self._store.add_replay(found, user=self._project.user)

    @contextlib.contextmanager
    def _candidate(self, name: str, version: str, say: Callable[[str], None]) -> Any:
        """A version that answers, for as long as it is asked; gives the deployment's row."""
        row = self._store.deployment(name)
        label = row.label(version)
        item = next((found for found in row.versions if found.version == label), None)
        if item is None or not item.proved:
            if not any(row.traffic.values()):
                raise Conflict(
                    f"Nothing of {name} can be replayed to {label}.",
                    "No version has traffic that it could be compared with.",
                    f"mlinfra deployments deploy {row.model}/{label.removeprefix('v')}",
                )
            self.deploy(
                name,
                version=f"{row.model}/{label.removeprefix('v')}",
                traffic=0,
                reason="for a replay",
                on_progress=say,
            )
            yield self._store.deployment(name)
            return
        cold = not item.wanted
        self._rollout.warm(name, [label])
        try:
            yield self._store.deployment(name)
        finally:
            with self._store.change(name) as change:
                present = change.row.version(label)
                if cold and not present.traffic and not present.shadow:
                    change.set_wanted(label, False)
            if change.wish:
                self._target.carry_out(change.wish)

    def undo(self, name: str, change: int, *, reason: str = "") -> Deployment:
        """Restore the traffic that a change of the history found. change: its `id`.

        Raises NotFound for no such change, Conflict for one that moved no traffic, or if a version
        of then cannot serve.
        """
        changes = self._store.changes(name)
        place = next((at for at, item in enumerate(changes) if item.id == change), None)
        if place is None:
            self._store.deployment(name)
            raise NotFound(
                f"The history of {name} has no change {change}.",
                fix=f"mlinfra deployments history {name}",
            )
        found = {version: share for version, share in changes[place].traffic.items() if share}
        older = changes[place + 1].traffic if place + 1 < len(changes) else {}
        before = {version: share for version, share in older.items() if share}
        if not before or before == found:
            raise Conflict(
                f"Change {change} of {name} cannot be undone.",
                "It moved no traffic." if before else "No version had traffic before it.",
                f"mlinfra deployments traffic {name} …",
            )
        self._rollout.share(
            name, exactly(before), verb="undo", reason=reason, text=f"change {change} undone"
        )
        return self._record(self._store.deployment(name))

    def replays(self, name: str) -> Sequence[AnswerComparison]:
        """The last results, newest first."""
        return self._store.replays(name)

    def plan(self, name: str) -> DeliveryPlan | None:
        """The last plan of a deployment, active or ended; None if it never had one."""
        return self._store.plan(name)

    def pause(self, name: str, *, reason: str = "") -> DeliveryPlan:
        """Hold the plan: no further step comes. A breach of its errors, latency or outcomes rolls
        it back nevertheless. Raises NotFound without a plan, Conflict if it is held already.
        """
        with self._store.change(name) as change:
            plan = required(change.plans.active(), name)
            change.plans.pause(plan, reason or "It is held by hand.")
            change.record(
                verb="pause",
                user=self._project.user,
                reason=reason,
                traffic=change.row.traffic,
                text=f"the plan of {plan.version} is held at {plan.percent} %",
            )
        return required(self.plan(name), name)

    def resume(self, name: str, *, reason: str = "") -> DeliveryPlan:
        """Let the plan go on; its present step begins again. Raises NotFound without a plan,
        Conflict if it is not held.
        """
        with self._store.change(name) as change:
            plan = required(change.plans.active(), name)
            change.plans.resume(plan)
            change.record(
                verb="resume",
                user=self._project.user,
                reason=reason,
                traffic=change.row.traffic,
                text=f"the plan of {plan.version} goes on at {plan.percent} %",
            )
            change.set_alarm(self._alarm, at=time.time(), seconds=1.0)
        self.rouse()
        return required(self.plan(name), name)

    def rouse(self) -> None:
        """Have a supervisor read the alarms: of a plan that goes on, and of a keeper that was
        killed. If it cannot start now, the next check of the jobs starts it.
        """
        with contextlib.suppress(Unavailable):
            self._alarm.rouse()

    def drive(
        self,
        say: Callable[[str], None] = lambda _: None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Look at every plan once, and set the alarm of the next look. Raises Conflict while
        another process does so.
        """
        from .driver import Driver

        lock = self._project.folder("deployments") / "plans.lock"
        with file_lock(lock, wait=False, what="A look at the plans"):
            driver = Driver(
                project=self._project,
                store=self._store,
                target=self._target,
                rollout=self._rollout,
                outcomes=self._outcomes,
                clock=clock,
            )
            seconds = driver.look(say)
            self._store.set_plan_alarm(self._alarm, seconds=seconds)


def _checked(window: timedelta) -> timedelta:
    if not timedelta(0) < window <= MOST_WINDOW:
        raise BadRequest(f"A window of {window} is out of range.", "It is above 0, up to 366 d.")
    return window


def _checked_rows(rows: int | None, most: int) -> int:
    if rows is None:
        return most
    if not 1 <= rows <= most:
        raise BadRequest(
            f"rows={rows} is out of range.",
            f"It is 1 to {most:,}.",
            "Raise [deployments] replay_rows for more.",
        )
    return rows
