"""Rules and figures in the forms of Prometheus: a file of alerting rules, and the text that it
scrapes.

Each rule becomes one expression with the same states. Hysteresis and the policy for missing values
ask Prometheus' own series `ALERTS` whether the alert fires: what it held at the evaluation before.
Sources: https://prometheus.io/docs/prometheus/2.53/configuration/alerting_rules/ and
https://prometheus.io/docs/instrumenting/exposition_formats/.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...core.exposition import family, number, sample
from ..against import REFERENCE
from ..hours.points import Point
from ..state import NoData
from .spec import THRESHOLD, ThresholdRule

AGAINST = "against"
"""Label, and end of the name, of drift against something else than the reference."""

INTERVAL_SECONDS = 60.0
"""Between two evaluations of Prometheus; below its look-back of five minutes, or it would forget
that an alert fires.
"""


def metric_name(metric: str) -> tuple[str, Mapping[str, str]]:
    """Our metric in Prometheus, with the label that names a performance metric:
    `performance_real.roc_auc` is `mlinfra_performance_real{metric="roc_auc"}`.
    """
    family, _, name = metric.partition(".")
    return f"mlinfra_{family}", {"metric": name} if name else {}


def rules_file(
    rules: Sequence[ThresholdRule], *, owner: str = "", interval: float = INTERVAL_SECONDS
) -> str:
    """The alerting rules, as YAML for `rule_files`. What Prometheus cannot say is in comments.
    owner: of the rules that name none.
    """
    import yaml

    groups: dict[str, list[dict[str, Any]]] = {}
    for rule in rules:
        if rule.kind == THRESHOLD:
            groups.setdefault(rule.group, []).append(_alerting(rule, rule.owner or owner))
    body = {
        "groups": [
            {"name": name, "interval": duration(interval), "rules": found}
            for name, found in groups.items()
        ]
    }
    notes = "".join(f"# {rule.name}: {note}\n" for rule in rules for note in _left_out(rule))
    return notes + yaml.safe_dump(body, sort_keys=False, width=1_000_000, allow_unicode=True)


def exposition(monitors: Mapping[str, Iterable[Point]]) -> str:
    """The newest value of each series of each monitor, and the rows behind it, as gauges. A value
    that could not be measured is left out.
    """
    newest: dict[tuple[str, str, tuple[tuple[str, str], ...]], Point] = {}
    for monitor, points in monitors.items():
        for point in sorted(points, key=lambda item: item.end):
            newest[point.metric, monitor, tuple(sorted(point.labels.items()))] = point
    lines: dict[str, list[str]] = {}
    for (metric, monitor, labels), point in sorted(newest.items(), key=lambda item: item[0]):
        name, own = metric_name(metric)
        found = {"monitor": monitor, **own, **dict(labels)}
        name += f"_{AGAINST}" if AGAINST in found else ""
        lines.setdefault(f"{name}_rows", []).append(sample(f"{name}_rows", found, point.rows))
        if point.value is not None:
            lines.setdefault(name, []).append(sample(name, found, point.value))
    return "".join(family(name, "gauge", _help(name), found) for name, found in lines.items())


def duration(seconds: float) -> str:
    """A duration as Prometheus reads it; it has no fractions."""
    whole = round(seconds * 1000)
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if whole and whole % size == 0:
            return f"{whole // size}{unit}"
    return f"{whole}ms"


def _alerting(rule: ThresholdRule, owner: str) -> dict[str, Any]:
    found: dict[str, Any] = {"alert": rule.name, "expr": expression(rule)}
    if rule.hold_seconds:
        found["for"] = duration(rule.hold_seconds)
    if rule.keep_firing_seconds:
        found["keep_firing_for"] = duration(rule.keep_firing_seconds)
    found["labels"] = {"severity": rule.severity}
    if owner:
        found["labels"]["owner"] = _no_template(owner)
    summary = (
        _no_template(rule.summary) or f"{rule.metric} is {{{{ $value }}}}, limit {rule.threshold:g}"
    )
    found["annotations"] = {"summary": summary}
    if rule.runbook:
        found["annotations"]["runbook_url"] = rule.runbook
    return found


def _no_template(text: str) -> str:
    """Text that Prometheus takes as it is: a template begins with two braces."""
    return text.replace("{{", '{{ "{{" }}')


def expression(rule: ThresholdRule) -> str:
    """The PromQL expression that is not empty while the rule is active."""
    worst, on = _worst(rule), ", ".join(("monitor", *rule.by))
    firing = f'ALERTS{{alertname={_quoted(rule.name)}, alertstate="firing"}}'
    parts = [f"{worst} {rule.op} {number(rule.threshold)}"]
    if rule.clear is not None:
        parts.append(f"({worst} {rule.op} {number(rule.clear)} and on ({on}) {firing})")
    if rule.no_data is NoData.KEEP:
        parts.append(f"(max by ({on}) ({firing}) unless on ({on}) {worst})")
    elif rule.no_data is NoData.FIRE and not _fires_for_no_series(rule):
        monitor = _quoted(rule.monitor)
        parts.append(f'label_replace(absent({worst}), "monitor", {monitor}, "", "")')
    return " or ".join(parts)


def _quoted(text: str) -> str:
    """A string of PromQL: as in JSON, but it knows no halves of a character beyond 16 bits."""
    return json.dumps(text, ensure_ascii=False)


def _worst(rule: ThresholdRule) -> str:
    name, own = metric_name(rule.metric)
    matchers = [f"{label}={_quoted(value)}" for label, value in own.items()]
    if rule.against != REFERENCE:
        name = f"{name}_{AGAINST}"
        matchers.append(f"{AGAINST}={_quoted(rule.against)}")
    if rule.monitor:
        matchers.append(f"monitor={_quoted(rule.monitor)}")
    matchers += [f"monitor!={_quoted(name)}" for name in rule.not_monitors]
    for label, values in rule.where.items():
        choice = "|".join(re.sub(r"([.+*?()|\[\]{}^$\\])", r"\\\1", value) for value in values)
        matchers.append(f"{label}=~{_quoted(choice)}")
    matchers += [f'{label}!=""' for label in rule.by]
    if "segment" not in (*rule.by, *rule.where):
        matchers.append('segment=""')
    chosen = f"{{{', '.join(matchers)}}}"
    values, rows = f"{name}{chosen}", f"{name}_rows{chosen}"
    if rule.share_of_at_least:
        values += f" * clamp_max({rows} / {rule.share_of_at_least}, 1)"
    if rule.min_rows:
        values = f"({values}) and {rows} >= {rule.min_rows}"
    most = "max" if rule.op.upward else "min"
    return f"{most} by ({', '.join(('monitor', *rule.by))}) ({values})"


def _fires_for_no_series(rule: ThresholdRule) -> str:
    """Why `no_data: fire` cannot be said: Prometheus does not know which series are missing."""
    if rule.by or not rule.monitor:
        return "no_data: fire is left out; it needs `monitor` and no `by`"
    return ""


def _left_out(rule: ThresholdRule) -> Iterable[str]:
    if rule.kind != THRESHOLD:
        yield f"the rule is left out; only the package that adds the kind {rule.kind} can judge it"
        return
    if rule.no_data is NoData.FIRE and (note := _fires_for_no_series(rule)):
        yield note
    if rule.inhibited_by:
        names = ", ".join(rule.inhibited_by)
        yield f"inhibited_by: {names} is left out; Alertmanager has inhibit_rules for it"
    if rule.silence or rule.receivers:
        yield "silence and receivers are left out; they are Alertmanager's"


def _help(name: str) -> str:
    if name.endswith("_rows"):
        return f"Rows or requests behind {name.removesuffix('_rows')}."
    return f"{name.removeprefix('mlinfra_')} of the newest window of a monitor."
