"""The messages that receivers get: the JSON of Alertmanager's webhook (version 4), so that what
understands Alertmanager understands ours.

Source: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ..rules.spec import ThresholdRule
from ..spec import Alert
from .condensing import Told


def messages(
    told: Sequence[tuple[Told, ThresholdRule, Alert]], receivers: Sequence[str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(receiver, message) of one evaluation: one for each receiver and group of rules."""
    for receiver in receivers:
        groups: dict[tuple[str, str], list[tuple[Told, ThresholdRule, Alert]]] = {}
        for item in told:
            if item[1].receivers is None or receiver in item[1].receivers:
                groups.setdefault((item[2].monitor, item[1].group), []).append(item)
        for (monitor, group), items in groups.items():
            yield receiver, _message(receiver, monitor, group, items)


def _message(
    receiver: str,
    monitor: str,
    group: str,
    items: Sequence[tuple[Told, ThresholdRule, Alert]],
) -> Mapping[str, Any]:
    alerts = [_alert(*item) for item in items]
    labels = {"monitor": monitor, "group": group}
    common = {
        name: value
        for name, value in alerts[0]["labels"].items()
        if all(item["labels"].get(name) == value for item in alerts)
    }
    return {
        "version": "4",
        "groupKey": f'{{}}:{{monitor="{monitor}", group="{group}"}}',
        "truncatedAlerts": 0,
        "status": "firing" if any(item["status"] == "firing" for item in alerts) else "resolved",
        "receiver": receiver,
        "groupLabels": labels,
        "commonLabels": common,
        "commonAnnotations": {},
        "externalURL": "",
        "alerts": alerts,
    }


def _alert(told: Told, rule: ThresholdRule, alert: Alert) -> dict[str, Any]:
    notice = told.notice
    begun = alert.since if notice.kind == "firing" else alert.window_start or alert.since
    end = datetime.fromtimestamp(notice.at, UTC)
    begun = datetime.fromtimestamp(told.since, UTC) if told.passed else min(begun, end)
    annotations = {"summary": rule.summary or alert.text, "description": alert.text}
    if told.passed:
        annotations["summary"] = _passed(told.passed, begun, end)
    if rule.runbook:
        annotations["runbook_url"] = rule.runbook
    return {
        "status": notice.kind,
        "labels": {
            "alertname": rule.name,
            "monitor": alert.monitor,
            "severity": rule.severity,
            **({"version": alert.version} if alert.version else {}),
            **({"feature": alert.subject} if alert.subject else {}),
            **({"owner": alert.owner} if alert.owner else {}),
            **alert.labels,
        },
        "annotations": annotations,
        "startsAt": _time(begun),
        "endsAt": "0001-01-01T00:00:00Z" if notice.kind == "firing" else _moment(notice.at),
        "generatorURL": "",
        "fingerprint": hashlib.sha256(f"{alert.ref} {notice.episode}".encode()).hexdigest()[:16],
    }


def _passed(times: int, begun: datetime, end: datetime) -> str:
    often = "Once" if times == 1 else f"{times:,} times"
    return (
        f"{often} it fired and ended from {begun:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC, while"
        " nothing was evaluated."
    )


def _moment(seconds: float) -> str:
    return _time(datetime.fromtimestamp(seconds, UTC))


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
