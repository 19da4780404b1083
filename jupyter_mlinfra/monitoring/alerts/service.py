"""What can be done about an alert, with who, when and why; and the rules behind alerts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core import events
from ...core.errors import BadRequest, Conflict, MLInfraError, NotFound, Unprocessable
from ...core.files import explain_os_error, real_path, write_atomic
from ...core.records import PAGE_LIMIT, Page, now, page_of
from ...core.refs import reference
from ..masking import with_masked
from ..rules.book import RuleBook, bound, built_in, open_book
from ..rules.file import SUFFIX, ReadFile, read_file, read_text
from ..rules.prometheus import rules_file
from ..settings import MonitoringSettings
from ..snippets import alert_code
from ..spec import Alert, AlertSilence, FeatureDrift
from . import drafts, notebook, views
from .deliveries import DeliveryStore
from .folding import tally
from .silences import silence_of
from .spec import (
    AlertChange,
    AlertDetail,
    AlertNotebook,
    AlertRule,
    Backtest,
    Delivery,
    RuleCheck,
    RuleDraft,
    RulesEdited,
)
from .store import AlertStore, key_of, note

if TYPE_CHECKING:
    import polars as pl

    from ...core.project import Project
    from ...deployments import Deployment, Deployments
    from ...experiments import Experiments
    from ...pipelines import PipelineRun, Pipelines
    from ..service import Monitoring

LONGEST_SILENCE = timedelta(days=366)
HISTORY_SHOWN = 20


class Alerts:
    """The alerts of one project. pipelines: opened only when something is retrained."""

    def __init__(
        self,
        project: Project,
        monitoring: Monitoring,
        deployments: Deployments,
        experiments: Experiments,
        pipelines: Callable[[], Pipelines],
    ) -> None:
        self._project, self._monitoring = project, monitoring
        self._deployments, self._experiments = deployments, experiments
        self._pipelines = pipelines
        self._store = AlertStore(project.database)
        self._deliveries = DeliveryStore(project.database)

    # Looking

    def show(self, alert: str) -> AlertDetail:
        """An alert with its history; without labels the worst alert of its rule. Raises NotFound,
        with the names that are near.
        """
        named = self._store.named(alert)
        found = named[0]
        history = self._store.history(found, limit=HISTORY_SHOWN)
        return AlertDetail(
            alert=found,
            deployment=self._deployment_of(found),
            pipeline=self._pipeline_of(found),
            history=history.items,
            changes=history.total,
            code=alert_code(found.ref.removeprefix("alert:")),
            stands_for=tally(named) if len(named) > 1 else "",
        )

    def history(
        self, alert: str, *, limit: int = 50, cursor: str | None = None
    ) -> Page[AlertChange]:
        """Its states, and what was done about it: when, by whom, why; newest first."""
        return self._store.history(self._store.show(alert), limit=limit, cursor=cursor)

    def window(self, alert: str) -> pl.DataFrame:
        """The logged rows of the time in which its threshold was crossed; of the last 24 hours if
        it never was. Masked inputs have no values: a notebook that shows the rows may be passed on.
        """
        from ...deployments import masked_columns

        rows = self._rows(self._store.show(alert))
        return with_masked(rows, masked_columns(self._project, rows.columns))

    def refused(self, alert: str) -> pl.DataFrame:
        """The refused and failed requests of that time, with the reason; without what was sent if
        inputs are masked.
        """
        import polars as pl

        from ...deployments import hides_values

        found = self._store.show(alert)
        since, until = self._window_of(found)
        rows = self._deployments.payloads_refused(self._deployment_of(found), since=since)
        hidden = ("request",) if hides_values(self._project) else ()
        return with_masked(rows.filter(pl.col("ts") <= until), hidden)

    def drift(self, alert: str) -> Sequence[FeatureDrift]:
        """The features of that time against the reference of its version: the one that the alert is
        about, then those that moved most; empty without a reference.
        """
        found = self._store.show(alert)
        rows, own = self._rows(found), found.labels.get("feature")
        drift = self._monitoring.drift_of(found.monitor, rows, version=found.version or None)
        return sorted(drift, key=lambda item: item.feature != own)

    def _rows(self, alert: Alert) -> pl.DataFrame:
        """The logged rows of its window, as they are."""
        import polars as pl

        since, until = self._window_of(alert)
        rows = self._deployments.payloads(self._deployment_of(alert), since=since)
        return rows.filter(pl.col("ts") <= until)

    # Doing

    def acknowledge(self, alert: str, *, why: str = "") -> AlertDetail:
        """Say that you look after it, until it ends; without labels, after all alerts of its rule
        that are crossed, or else have no data. Raises Conflict if they are quiet.
        """
        named = self._store.named(alert)
        crossed = [item for item in named if item.state in ("firing", "pending", "silenced")]
        found = crossed or [item for item in named if item.state == "no_data"]
        if not found:
            worst = named[0]
            raise Conflict(f"{worst.ref} is {worst.state}.", "There is nothing to look after.", "")
        self._store.acknowledge(found, self._project.user, why)
        return replace(self.show(found[0].ref), acknowledged=[item.ref for item in found])

    def silence(
        self,
        target: str,
        *,
        why: str,
        until: datetime | None = None,
        span: timedelta | None = None,
    ) -> AlertSilence:
        """Tell nobody of an alert, or of all alerts of a rule, until a time; they are still
        evaluated.

        target: `monitor/rule`, `monitor/rule/label`, or a rule for all monitors. span: instead of
        `until`, from now on.
        """
        end = self._end_of(until, span)
        if not why.strip():
            raise BadRequest("A silence has a reason.", "None was given.", "--why TEXT")
        monitor, rule, labels = self._target(target)
        with self._project.database.write() as connection:
            number = self._store.silences.add(
                connection,
                monitor=monitor,
                rule=rule,
                labels=labels,
                until=end,
                user=self._project.user,
                why=why,
            )
        made = self._silence(number)
        meant = [
            alert
            for alert in self._store.alerts(monitor or None)
            if silence_of([made], alert.monitor, key_of(alert.ref)[1])
        ]
        said = f"until {end:%Y-%m-%d %H:%M} UTC: {why}"
        self._store.note(meant, "silenced", user=self._project.user, why=said)
        return made

    def unsilence(self, number: int) -> AlertSilence:
        """End a silence now. Raises NotFound if it has run out."""
        with self._project.database.write() as connection:
            ended = self._store.silences.end(connection, number, self._project.user)
            for alert in self._store.alerts(ended.monitor or None):
                monitor, key = key_of(alert.ref)
                if silence_of([ended], monitor, key):
                    note(connection, monitor, key, "unsilenced", user=self._project.user)
                    data = {"state": alert.state, "monitor": monitor}
                    events.append(connection, "alert", alert.ref, data)
        return ended

    def silences(self, *, limit: int = 50, cursor: str | None = None) -> Page[AlertSilence]:
        """Those in force, the longest first."""
        found = self._store.silences.since(now().timestamp())
        return page_of(found, limit=limit, cursor=cursor)

    def notebook(self, alert: str, *, path: str | None = None) -> AlertNotebook:
        """Write a notebook that loads the bad window and the reference, and draws them.

        path: below the project; default `alerts/…`. Raises Conflict if there is a file.
        """
        found, at = self._store.show(alert), now()
        name = path or notebook.path_for(found, at)
        target = self._project.root / name
        if target.suffix != ".ipynb" or not real_path(target).is_relative_to(self._project.root):
            raise BadRequest(
                f"{name} cannot be the notebook.",
                "It is an .ipynb below the project.",
                f"For example {notebook.path_for(found, at)}",
            )
        if target.exists():
            raise Conflict(f"{name} exists.", fix="Name another file.")
        text = notebook.notebook(found, self._deployment_of(found))
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(target, text.encode(), mode=0o644)
        except OSError as error:
            raise explain_os_error(error, f"{name} could not be written.") from error
        self._note(found, "notebook", "", link=f"file:{name}")
        return AlertNotebook(alert=found.ref, path=name)

    def retrain(self, alert: str, *, why: str = "") -> PipelineRun:
        """Start the pipeline that made the model, with the parameters that its run had. Raises
        Conflict if it is not known, or already runs.
        """
        found = self._store.show(alert)
        name, run = self._made_by(found)
        if not name:
            raise Conflict(
                f"It is not known which pipeline made the model of {found.ref}.",
                "Its run was not tracked in a step of a pipeline.",
                "Start one by hand: mlinfra pipelines run NAME",
            )
        pipelines = self._pipelines()
        try:
            parameters = dict(pipelines.show_run(run).parameters) if run else {}
        except NotFound:  # its record is gone: the file's own values are taken
            parameters = {}
        started = pipelines.run(name, parameters=parameters, force=True, wait=False)
        said = f"run {started.run}: {why}" if why else f"run {started.run}"
        self._note(found, "retrain", said, link=reference("pipeline", name))
        return started

    def rollback(self, alert: str, *, why: str = "") -> Deployment:
        """Give the traffic back to the versions that had it before. Raises Conflict if there is
        nothing to go back to, or one version was given all of the traffic since the alert began.
        """
        found = self._store.show(alert)
        deployment = self._deployment_of(found)
        self._check_traffic(found, deployment)
        reason = f"{found.ref}: {why or found.text}"
        done = self._deployments.rollback(deployment, reason=reason)
        self._note(found, "rollback", why, link=reference("deployment", deployment))
        return done

    def deliveries(self, *, limit: int = 50, cursor: str | None = None) -> Page[Delivery]:
        """Messages to receivers, newest first."""
        return self._deliveries.list(limit=limit, cursor=cursor)

    # Rules

    def rules(
        self, monitor: str | None = None, *, limit: int = 50, cursor: str | None = None
    ) -> Page[AlertRule]:
        """The rules of a monitor, or of all; files that cannot be used come first, with the
        reason.
        """
        book = open_book(self._project)
        rules = book.rules if monitor is None else book.of(monitor)
        owner = self._project.settings.project.owner
        records = [*views.problems(book), *(views.rule(item, owner) for item in rules)]
        return page_of(records, limit=limit, cursor=cursor)

    def check(self, file: str, *, called: str = "") -> RuleCheck:
        """What a rule file means, or everything that is wrong with it. called: what messages call
        it; by default its path below the project.
        """
        found = self._read(file, called)
        return views.check(found, self._bound(found), open_book(self._project))

    def draft(self, path: str, text: str) -> RuleDraft:
        """What the text of a rule file would mean as the file `path`, or what is wrong with it and
        in which line; nothing is saved.
        """
        found = read_text(text, path)
        return drafts.draft(text, found, self._bound(found))

    def edit(
        self,
        text: str,
        *,
        place: int | None = None,
        values: Mapping[str, Any] | None = None,
        remove: bool = False,
    ) -> RulesEdited:
        """The text with other values of the rule at `place` (None takes a key away), without it, or
        with one more; comments and order stay, and nothing is saved. Raises Unprocessable if only
        editing by hand can do that.
        """
        from ..rules import editing

        if place is None:
            return RulesEdited(text=editing.add_rule(text, values or {}))
        if remove:
            return RulesEdited(text=editing.remove_rule(text, place))
        return RulesEdited(text=editing.change_rule(text, place, values or {}))

    def export(self, monitor: str | None = None) -> str:
        """The rules as a file of alerting rules for Prometheus."""
        book = open_book(self._project)
        rules = book.rules if monitor is None else book.of(monitor)
        return rules_file(rules, owner=self._project.settings.project.owner)

    def backtest(
        self,
        file: str | None = None,
        *,
        text: str | None = None,
        called: str = "",
        monitor: str | None = None,
        days: float = 30.0,
        step: timedelta = timedelta(hours=1),
        on_progress: Callable[[str, float], None] = lambda _monitor, _share: None,
    ) -> Backtest:
        """When the rules of a file, or those in force, would have fired in the last `days`. text:
        of the file, if it is not saved. called: see `check`.

        Raises Unprocessable for a file with a fault.
        """
        from . import backtests

        book = open_book(self._project) if file is None else self._one_file(file, text, called)
        return backtests.backtest(
            self._project,
            self._deployments,
            self._monitors(monitor),
            book,
            file=file or "",
            days=days,
            step=step,
            on_progress=on_progress,
            past_points=self._monitoring.past_points,
        )

    def _one_file(self, file: str, text: str | None, called: str) -> RuleBook:
        found = self._read(file, called) if text is None else read_text(text, file)
        faults = [*found.faults, *self._bound(found).problems.get(found.name, ())]
        if faults:
            raise faults[0]
        return bound([], [found], receivers=[*self._settings.receivers])

    def _read(self, file: str, called: str) -> ReadFile:
        path = Path(file) if Path(file).is_absolute() else self._project.root / file
        if not path.name.endswith(SUFFIX):
            raise Unprocessable(
                f"{called or file} is not a rule file.",
                f"The name of one ends with {SUFFIX}.",
                f"Rename it to {Path(file).stem.partition('.')[0]}{SUFFIX}",
            )
        inside = path.is_relative_to(self._project.root)
        name = path.relative_to(self._project.root).as_posix() if inside else file
        return read_file(path, called or name)

    def _bound(self, file: ReadFile) -> RuleBook:
        """The file with the built-in rules alone."""
        rules = built_in(self._settings)
        return bound(rules, [file], receivers=[*self._settings.receivers])

    @property
    def _settings(self) -> MonitoringSettings:
        return self._project.settings.of(MonitoringSettings)

    def _monitors(self, name: str | None) -> Sequence[str]:
        if name is not None:
            return [self._monitoring.monitor(name).name]
        return [item.name for item in self._monitoring.monitors()]

    def _deployment_of(self, alert: Alert) -> str:
        return self._monitoring.monitor(alert.monitor).deployment

    def _check_traffic(self, alert: Alert, deployment: str) -> None:
        """Raise Conflict if a rollback would undo what was done about an alert."""
        changes = self._deployments.history(deployment, limit=PAGE_LIMIT).items
        shares = [
            (change.at, {name: share for name, share in change.traffic.items() if share})
            for change in changes
        ]
        then = next((traffic for at, traffic in shares if at <= alert.since), None)
        present = shares[0][1] if shares else {}
        if then and len(present) == 1 and present != then:
            (version,) = present
            before = ", ".join(f"{name} {share} %" for name, share in then.items())
            raise Conflict(
                f"{version} of {deployment} has all of the traffic already.",
                f"It was {before} when {alert.ref} became {alert.state}; a rollback would undo what"
                " was done since.",
                f"mlinfra deployments rollback {deployment} does it anyway.",
            )

    def _window_of(self, alert: Alert) -> tuple[datetime, datetime]:
        end = alert.window_end or alert.evaluated_at or now()
        return alert.window_start or end - timedelta(hours=24), end

    def _note(self, alert: Alert, what: str, why: str, *, link: str = "") -> None:
        self._store.note([alert], what, user=self._project.user, why=why, link=link)

    def _pipeline_of(self, alert: Alert) -> str:
        """For display: a store that is down hides no alert."""
        try:
            return self._made_by(alert)[0]
        except MLInfraError:
            return ""

    def _made_by(self, alert: Alert) -> tuple[str, str]:
        """The pipeline that made the model of an alert, and its run; empty if not known."""
        versions = self._deployments.show(self._deployment_of(alert)).deployment.versions
        fitting = [item for item in versions if item.version == alert.version] or [
            max(versions, key=lambda item: item.traffic)
        ]
        chosen = fitting[0]
        ref = f"{chosen.model}/{chosen.version.removeprefix('v')}"
        run = self._experiments.version(ref).run
        step = self._experiments.show(run).step if run else None
        if not run or not step:
            return "", ""
        tags = self._experiments.show(run).tags
        return step.partition("/")[0], str(tags.get("mlinfra.run", ""))

    def _target(self, target: str) -> tuple[str, str, Sequence[str] | None]:
        """Monitor, rule and labels that are to be silenced. Raises NotFound."""
        plain = target.removeprefix("alert:").removeprefix("rule:")
        book = open_book(self._project)
        if "/" not in plain:
            if plain not in {rule.name for rule in book.rules}:
                raise NotFound(
                    f"There is no rule {plain}.", fix="mlinfra rules list shows the rules."
                )
            return "", plain, None
        monitor, (rule, labels) = key_of(plain)
        if labels:
            labels = key_of(self._store.show(plain).ref)[1][1]
        elif rule not in {item.name for item in book.of(self._monitoring.monitor(monitor).name)}:
            raise NotFound(
                f"Monitor {monitor} has no rule {rule}.",
                fix=f"mlinfra rules list --monitor {monitor}",
            )
        return monitor, rule, labels or None

    def _end_of(self, until: datetime | None, span: timedelta | None) -> datetime:
        if (until is None) == (span is None):
            raise BadRequest(
                "A silence has an end.",
                "Give either a time or a duration.",
                "--for 2h, or --until 2026-12-01T08:00Z",
            )
        at = now()
        end = until if until is not None else at + (span or timedelta())
        if not at < end <= at + LONGEST_SILENCE:
            raise BadRequest(
                "A silence ends in the future, within a year.",
                f"{end:%Y-%m-%d %H:%M} UTC is not.",
                "--for 2h",
            )
        return end

    def _silence(self, number: int) -> AlertSilence:
        found = self._store.silences.since(now().timestamp())
        return next(item for item in found if item.number == number)
