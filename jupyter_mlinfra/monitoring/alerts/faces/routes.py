"""Routes of alerts and rules."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from ....core.errors import Forbidden
from ....faces.handler import Handler, access
from ....faces.parameters import Cursor, Interval, Len, Limit, Name, Whole

if TYPE_CHECKING:
    from ....core.records import Page
    from ....deployments import Deployment
    from ....pipelines import PipelineRun
    from ...spec import Alert, AlertSilence
    from ..spec import (
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

read, write, execute = access("monitoring")

Seconds = Annotated[float, Interval(gt=0, le=366 * 86_400)]
Draftable = Annotated[str, Len(0, 1_000_000)]
Place = Annotated[int, Interval(ge=0, le=1000)]
Target = Annotated[str, Len(1, 100_000), Whole()]
"""As the reference of an alert: the name of a feature has no limit."""
Days = Annotated[float, Interval(gt=0, le=366)]


class AlertList(Handler):
    @read
    def get(
        self,
        *,
        firing: bool = False,
        folded: bool = False,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[Alert]:
        """Alerts, firing ones first; `firing` for only those; `folded` for one line for those of a
        rule that are ok, silenced or without data.
        """
        return self.bench.monitoring.alerts(
            firing=firing, folded=folded, limit=limit, cursor=cursor
        )


class AlertPage(Handler):
    @read
    def get(self, alert: str) -> AlertDetail:
        """An alert (`monitor/rule/feature`, encoded) with the newest lines of its history; of
        `monitor/rule` the worst.
        """
        return self.bench.alerts.show(alert)


class AlertHistory(Handler):
    @read
    def get(self, alert: str, *, limit: Limit = 50, cursor: Cursor = None) -> Page[AlertChange]:
        """Its states, and what was done about it."""
        return self.bench.alerts.history(alert, limit=limit, cursor=cursor)


class Acknowledge(Handler):
    @write
    def post(self, alert: str, *, why: str = "") -> AlertDetail:
        """Look after an alert until it ends, or after all of a rule (`monitor/rule`)."""
        return self.bench.alerts.acknowledge(alert, why=why)


class Notebook(Handler):
    @write
    def post(self, alert: str) -> AlertNotebook:
        """Write a notebook on the bad window."""
        return self.bench.alerts.notebook(alert)


class Retrain(Handler):
    @execute(slow=True)
    def post(self, alert: str, *, why: str = "") -> PipelineRun:
        """Start the pipeline that made the model; the user must also be allowed to execute
        pipelines.
        """
        _need(self, "pipelines", "start pipelines")
        return self.bench.alerts.retrain(alert, why=why)


class Rollback(Handler):
    @execute(slow=True)
    def post(self, alert: str, *, why: str = "") -> Deployment:
        """Give the traffic back to the versions that had it before; the user must also be allowed
        to change deployments.
        """
        _need(self, "deployments", "move traffic")
        return self.bench.alerts.rollback(alert, why=why)


def _need(handler: Handler, domain: str, what: str) -> None:
    if not handler.allowed("execute", [domain]):
        raise Forbidden(
            f"You may not {what}.",
            f"The Jupyter server allows you the alerts, but not to execute {domain}.",
            "Ask whoever runs the server.",
        )


class SilenceList(Handler):
    @read
    def get(self, *, limit: Limit = 50, cursor: Cursor = None) -> Page[AlertSilence]:
        """Silences in force."""
        return self.bench.alerts.silences(limit=limit, cursor=cursor)

    @write
    def post(
        self,
        *,
        target: Target,
        why: str,
        seconds: Seconds | None = None,
        until: datetime | None = None,
    ) -> AlertSilence:
        """Tell nobody of an alert, or of a rule, for some seconds or until a time."""
        span = None if seconds is None else timedelta(seconds=seconds)
        return self.bench.alerts.silence(target, why=why, span=span, until=until)


class Unsilence(Handler):
    @write
    def post(self, *, number: int) -> AlertSilence:
        """End a silence now."""
        return self.bench.alerts.unsilence(number)


class DeliveryList(Handler):
    @read
    def get(self, *, limit: Limit = 50, cursor: Cursor = None) -> Page[Delivery]:
        """Messages to receivers, newest first."""
        return self.bench.alerts.deliveries(limit=limit, cursor=cursor)


class RuleList(Handler):
    @read
    def get(
        self, *, monitor: Name | None = None, limit: Limit = 50, cursor: Cursor = None
    ) -> Page[AlertRule]:
        """Rules in force; files that cannot be used come first."""
        return self.bench.alerts.rules(monitor, limit=limit, cursor=cursor)


class CheckRules(Handler):
    @read
    def get(self, *, file: str) -> RuleCheck:
        """What a rule file below the project means, or what is wrong with it."""
        return self.bench.alerts.check(file)


class BacktestRules(Handler):
    @read(slow=True)
    def get(
        self, *, file: str | None = None, monitor: Name | None = None, days: Days = 30.0
    ) -> Backtest:
        """When the rules of a file, or those in force, would have fired."""
        return self.bench.alerts.backtest(file, monitor=monitor, days=days)

    @read(slow=True)
    def post(
        self, *, path: Name, text: Draftable, monitor: Name | None = None, days: Days = 30.0
    ) -> Backtest:
        """The same for the text of a file that is not saved."""
        return self.bench.alerts.backtest(path, text=text, monitor=monitor, days=days)


class DraftRules(Handler):
    @read
    def post(self, *, path: Name, text: Draftable) -> RuleDraft:
        """What the text of a rule file means, or what is wrong with it and in which line; nothing
        is saved.
        """
        return self.bench.alerts.draft(path, text)


class EditRules(Handler):
    @read
    def post(
        self,
        *,
        text: Draftable,
        place: Place | None = None,
        values: dict[str, Any] | None = None,
        remove: bool = False,
    ) -> RulesEdited:
        """The text of a rule file with other values of the rule at `place` (null takes a key away),
        without it, or with one more; everything else in it stays, and nothing is saved.
        """
        return self.bench.alerts.edit(text, place=place, values=values, remove=remove)


ROUTES = {
    "monitoring/alerts": AlertList,
    "monitoring/alerts/{alert}": AlertPage,
    "monitoring/alerts/{alert}/history": AlertHistory,
    "monitoring/alerts/{alert}/acknowledge": Acknowledge,
    "monitoring/alerts/{alert}/notebook": Notebook,
    "monitoring/alerts/{alert}/retrain": Retrain,
    "monitoring/alerts/{alert}/rollback": Rollback,
    "monitoring/silences": SilenceList,
    "monitoring/unsilence": Unsilence,
    "monitoring/deliveries": DeliveryList,
    "monitoring/rules": RuleList,
    "monitoring/check-rules": CheckRules,
    "monitoring/backtest": BacktestRules,
    "monitoring/rules-draft": DraftRules,
    "monitoring/rules-edit": EditRules,
}
