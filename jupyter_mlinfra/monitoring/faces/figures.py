"""Rows and cards of what monitors have measured."""

from __future__ import annotations

from collections.abc import Mapping

from ...core.records import Number, from_seconds
from ...faces.cards import Card, card, said
from ...faces.rows import Row, row
from ...faces.words import NONE, beginning, counted, moment, number, plain, share
from ..figures import HoursRecorded, KpiFigure, MonitorFigures, ReferenceReport
from ..hours.points import Point
from ..labels.joining import LabelReport
from ..labels.unjoined import MOST_REFUSED
from .heat import legend, marks

SHOWN = 20


@row(Point, noun="point")
def point(item: Point) -> Row:
    return {
        "start": moment(from_seconds(item.start)),
        "metric": item.metric,
        **item.labels,
        "value": _figure(item.value),
        "rows": plain(item.rows),
    }


@card(MonitorFigures)
def _figures(item: MonitorFigures) -> Card:
    facts = {
        **_of_service(item),
        **_of_answers(item),
        **_of_performance(item),
        "no row": item.reasons.get("segment", NONE),
        "no drift": item.reasons.get("drift", NONE),
        "incomplete": item.problems[0] if item.problems else NONE,
    }
    rows = _features(item)
    left_out = len(item.drift) > len(rows)
    notes = [
        f"{len(rows)} of {counted(len(item.drift), 'feature')}, the most suspect" * left_out,
        legend(item.heat) if item.heat and item.heat.rows else "",
    ]
    return Card(
        title=item.monitor,
        ref=f"monitor:{item.monitor}",
        facts=said(facts),
        rows=rows,
        note="; ".join(filter(None, notes)),
    )


def _of_service(item: MonitorFigures) -> dict[str, str]:
    latency = item.latency
    return {
        "version": item.version,
        "segment": item.segment or NONE,
        "window": f"{moment(item.window_start)} to {moment(item.window_end)}",
        "against": plain(item.against),
        "requests": plain(latency.requests) if latency else NONE,
        "rows": plain(item.rows),
        "p95 ms": _figure(latency.p95_ms) if latency else NONE,
        "errors": _share(latency.error_fraction) if latency else NONE,
        "refused": _share(latency.refused_fraction) if latency else NONE,
        "memory MiB": _figure(item.memory.mib) if item.memory else NONE,
        "cores in use": _figure(item.cpu.cores) if item.cpu else NONE,
        **_of_gpus(item),
        "in flight": plain(item.in_flight),
        "retries": plain(item.retries),
    }


def _of_gpus(item: MonitorFigures) -> dict[str, str]:
    """Most processes use none."""
    if item.gpu is None:
        return {}
    return {
        "memory of GPUs MiB": _figure(item.gpu.mib),
        "load of its GPUs": _share(item.gpu.load),
    }


def _of_answers(item: MonitorFigures) -> dict[str, str]:
    facts = {
        "score PSI": _figure(item.scores.psi) if item.scores else NONE,
        "outputs, PSI": _each({name: _figure(one.psi) for name, one in item.outputs.items()}),
    }
    if item.predicted:
        classes = {name: _share(part) for name, part in item.predicted.shares.items() if part}
        facts["predicted classes"] = _each(classes)
        facts["predicted classes, PSI"] = _figure(item.predicted.psi)
    for name, dates in item.dates.items():
        facts[f"{name}, dates"] = f"{moment(dates.first)} to {moment(dates.last)}"
    return facts


def _of_performance(item: MonitorFigures) -> dict[str, str]:
    performance, facts = item.performance, dict[str, str]()
    for estimate in (performance.estimated, performance.estimated_under_shift):
        if estimate:
            for name, value in estimate.metrics.items():
                facts[f"{name} ({estimate.method}, est.)"] = _figure(value)
            facts["caveat"] = estimate.caveat
    if performance.real:
        for name, value in performance.real.metrics.items():
            facts[f"{name} (real)"] = _figure(value)
        for output, one in performance.real.outputs.items():
            facts[f"{output} (real)"] = _each(
                {name: _figure(value) for name, value in one.metrics.items()}
            )
    return facts | {
        "labelled": _share(performance.label_coverage),
        "labels refused": plain(item.labels.refused or None)
        + (" or more" if item.labels.refused >= MOST_REFUSED else ""),
        "labels that wait": plain(item.labels.waiting or None),
        "KPI": _kpi(item.kpi),
    }


def _features(item: MonitorFigures) -> list[Row]:
    importance = {suspect.feature: suspect.importance for suspect in item.suspects}
    heat = {row.feature: marks(row.values) for row in item.heat.rows} if item.heat else {}
    return [
        {
            "feature": name,
            "PSI": _figure(distances.psi),
            "KS": _figure(distances.ks),
            "Wasserstein": _figure(distances.wasserstein),
            "JS": _figure(distances.js),
            "filled": _share(item.fill_rate.get(name)),
            "gain": _share(importance.get(name)),
            **({"PSI over time": heat.get(name, NONE)} if heat else {}),
        }
        for name, distances in list(item.drift.items())[:SHOWN]
    ]


@card(LabelReport)
def _labels(item: LabelReport) -> Card:
    facts = {
        "read": counted(item.read, "label"),
        "joined": counted(item.joined, "row"),
        "replaced": plain(item.replaced or None),
        "unknown": (
            f"{item.unknown:,}: {beginning(', '.join(item.unknown_ids), 100)}"
            if item.unknown
            else NONE
        ),
        "not used": (
            f"{item.bad:,}: {beginning('; '.join(item.bad_rows), 100)}" if item.bad else NONE
        ),
        **{f"labelled of {name}": _share(value) for name, value in item.coverage.items()},
    }
    return Card(title="labels", ref=f"monitor:{item.monitor}", facts=said(facts))


@card(HoursRecorded)
def _backfill(item: HoursRecorded) -> Card:
    facts = {
        "recorded": counted(item.hours, "hour"),
        "rows": plain(item.rows),
        "from": moment(item.since),
        "to": moment(item.until),
        "unreadable files": plain(item.broken or None),
    }
    return Card(title="backfill", ref=f"monitor:{item.monitor}", facts=said(facts))


@card(ReferenceReport)
def _reference(item: ReferenceReport) -> Card:
    facts = {
        "made from": plain(item.made_from),
        "rows": f"{item.rows:,} of {item.of_rows:,}",
        "inputs": plain(len(item.features)),
        "answers": "profiled" if item.answers else NONE,
        "labels": "learned" if item.labels else NONE,
    }
    return Card(
        title=f"reference of {item.version}",
        ref=f"version:{item.version}",
        facts=said(facts),
        note=" ".join(item.notes),
    )


def _kpi(item: KpiFigure | None) -> str:
    if item is None:
        return NONE
    low, high = item.low * item.rows, item.high * item.rows
    return (
        f"{item.value:.4g} a row, {item.low:.4g} to {item.high:.4g} ({item.confidence:.0%});"
        f" {item.total:,.6g} of {counted(item.rows, 'row')}, {low:,.6g} to {high:,.6g}"
    )


def _each(values: Mapping[str, str]) -> str:
    """The first of these, by name."""
    return beginning(", ".join(f"{name} {value}" for name, value in values.items()), 100) or NONE


def _figure(value: float | None) -> str:
    return number(None if value is None else Number(value=value))


def _share(value: float | None) -> str:
    return share(None if value is None else Number(value=value))
