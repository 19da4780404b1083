"""What a monitor has measured in a window, put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .. import figures
from ..labels.by_output import performance_by_output
from ..labels.classes import codes_of, kind_of
from ..labels.worth import UNKNOWN, has_label, worths_of
from ..measures import estimating, performance
from ..measures.adwin import changes
from ..measures.drift import shares
from ..measures.kpi import figure_of
from ..spec import Distances
from . import expected as estimated
from .hourly import OUTPUT, distances_of
from .recording import CLASS, EXPECTED, REQUESTS, SCORE, Plan
from .segments import OTHER

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from ..references.profiles import Reference
    from .sketches import Sketch
    from .vitals import Used
    from .windows import Window

SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)

FIRST_OUTPUT = (
    "Performance is that of the first output; of the other {others} only the distribution is"
    " measured, until there are labels of each: columns label.NAME."
)

LEAST_OF_CLASSES, MOST_CLASSES = 20, 10
"""So many labelled rows of at most so many whole numbers may be of classes."""

MAY_BE_CLASSES = (
    "All answers and labels are whole numbers, {count} different ones. If these are classes, deploy"
    " the model with --answers classes: MAE and RMSE are of values."
)

MOST_LABELS = 200_000
"""The search for changes of the errors looks at the newest labels only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the figures are about. before: the sketches that drift is against, empty if there are
    none; against: its name. kept: the rows with a label or a reward. importance: shares by input,
    None if not known. used: by the processes; None if that is not known, or the figures are of a
    segment.
    """

    monitor: str
    version: str
    segment: str
    window: Window
    against: str
    before: Mapping[str, Sketch]
    kept: pl.DataFrame
    importance: Mapping[str, float] | None
    shifted: Callable[[], figures.PerformanceEstimate | str]
    reasons: Mapping[str, str]
    used: Used | None


def figures_of(asked: Asked, plan: Plan, reference: Reference | None) -> figures.MonitorFigures:
    """All figures of a window."""
    window, used = asked.window, asked.used
    kpi_figure, why = kpi_of(asked.kept, plan, asked.version)
    reasons = _reasons(asked, why)
    drift = {
        name: distances_of(asked.before[name], item)
        for name, item in window.features.items()
        if name in asked.before
    }
    suspects = rank(drift, asked.importance)
    features = sorted(window.features)
    score, requests = window.sketches.get(SCORE), window.sketches.get(REQUESTS)
    return figures.MonitorFigures(
        monitor=asked.monitor,
        version=asked.version,
        segment=asked.segment,
        window_start=datetime.fromtimestamp(window.start, UTC),
        window_end=datetime.fromtimestamp(window.end, UTC),
        against=asked.against,
        rows=score.rows if score else 0,
        drift={item.feature: drift[item.feature] for item in suspects},
        suspects=suspects,
        fill_rate={name: _share(window.features[name], "missing", rest=True) for name in features},
        unseen={name: _share(window.features[name], "unseen") for name in features},
        out_of_range={name: _share(window.features[name], "outside") for name in features},
        scores=_scores(score, asked.before.get(SCORE)),
        outputs={
            name.removeprefix(OUTPUT): found
            for name, item in sorted(window.sketches.items())
            if name.startswith(OUTPUT) and (found := _scores(item, asked.before.get(name)))
        },
        predicted=_predicted(asked, reference),
        dates=_dates(asked, reference),
        performance=_performance(asked, plan, reference, reasons),
        kpi=kpi_figure,
        latency=_latency(requests),
        retries=used.retries if used else int(requests.sums[0]) if requests else None,
        memory=_memory(used) if used else None,
        cpu=_cpu(used) if used else None,
        gpu=_gpu(used) if used else None,
        in_flight=used.in_flight if used else None,
        reasons=reasons,
        problems=window.problems,
    )


def _reasons(asked: Asked, without_kpi: str) -> dict[str, str]:
    """Why figures are not known. without_kpi: why there is no KPI, else empty."""
    reasons = dict(asked.reasons)
    if SCORE not in asked.window.sketches:
        reasons["scores"] = reasons["drift"] = "No row was answered in the window."
    if REQUESTS not in asked.window.sketches:
        reasons["latency"] = "No request was logged in the window."
    if without_kpi:
        reasons["kpi"] = without_kpi
    return {**reasons, **_unknown_of_processes(asked)}


def _memory(used: Used) -> figures.MemoryFigures:
    return figures.MemoryFigures(mib=used.newest_mib, max_mib=used.memory_mib)


def _cpu(used: Used) -> figures.CpuFigures:
    return figures.CpuFigures(cores=used.cpu_cores, max_cores=used.busiest_cores)


def _gpu(used: Used) -> figures.GpuFigures | None:
    if used.gpu_memory_mib is None and used.gpu_load is None:
        return None
    return figures.GpuFigures(
        mib=used.newest_gpu_mib,
        max_mib=used.gpu_memory_mib,
        load=used.gpu_load,
        max_load=used.busiest_gpu,
    )


def _unknown_of_processes(asked: Asked) -> Mapping[str, str]:
    """Why figures of processes are not known, or of how much of the window they are."""
    if asked.used:
        seen, whole = asked.used.minutes, round((asked.window.end - asked.window.start) / 60)
        unknown = {"gpu": asked.used.gpu_why} if asked.used.gpu_why else {}
        if seen >= whole - 2:
            return unknown
        said = f"They were seen in {seen:,} of the window's {whole:,} minutes."
        return {**unknown, "processes": said}
    why = (
        "The processes answer all segments together."
        if asked.segment
        else "No process of it was seen in the window."
    )
    retries = "Counted where a request reached two processes; others only the gateway knows."
    return dict.fromkeys(("memory", "cpu", "gpu", "in_flight"), why) | {"retries": retries}


def rank(
    drift: Mapping[str, Distances], importance: Mapping[str, float] | None
) -> list[figures.Suspect]:
    """The inputs, the most suspect first: by drift times importance, then by name."""
    found = []
    for feature, item in drift.items():
        distance = item.psi if item.psi is not None else item.ks or 0.0
        share = None if importance is None else importance.get(feature, 0.0)
        found.append(
            figures.Suspect(
                feature=feature,
                suspicion=distance * (1.0 if share is None else share),
                importance=share,
            )
        )
    # Of those that the model does not use at all, the largest drift still comes first.
    apart = {name: item.psi or 0.0 for name, item in drift.items()}
    return sorted(found, key=lambda item: (-item.suspicion, -apart[item.feature], item.feature))


def _share(item: Sketch, name: str, *, rest: bool = False) -> float | None:
    part = getattr(item, name)
    if part is None or not item.rows:
        return None
    return float(item.rows - part if rest else part) / item.rows


def _scores(score: Sketch | None, before: Sketch | None) -> figures.ScoreFigures | None:
    if score is None or not score.numbers:
        return None
    return figures.ScoreFigures(
        rows=score.rows,
        mean=score.mean,
        deviation=score.deviation,
        quantiles={f"{share:g}": score.quantiles.at(share) for share in SHARES},
        psi=distances_of(before, score).psi if before else None,
        error=score.quantiles.relative_error,
    )


def _predicted(asked: Asked, reference: Reference | None) -> figures.ClassFigures | None:
    """How often each class is the one that the model is for."""
    found, before = asked.window.sketches.get(CLASS), asked.before.get(CLASS)
    if found is None or reference is None or reference.predicted is None:
        return None
    names = [*map(str, reference.predicted.edges), OTHER]

    def shares_of(item: Sketch) -> Mapping[str, float]:
        return dict(zip(names, shares(item.counts), strict=True))

    return figures.ClassFigures(
        rows=found.rows,
        shares=shares_of(found),
        before=shares_of(before) if before else None,
        psi=distances_of(before, found).psi if before else None,
    )


def _dates(asked: Asked, reference: Reference | None) -> Mapping[str, figures.DateRange]:
    """The ranges of the inputs that are dates."""
    found = {}
    for column in reference.columns if reference else ():
        item, before = asked.window.sketches.get(column.name), asked.before.get(column.name)
        if column.kind == "date" and item is not None:
            found[column.name] = figures.DateRange(
                first=_moment(item.low),
                last=_moment(item.high),
                before_first=_moment(before.low) if before else None,
                before_last=_moment(before.high) if before else None,
            )
    return found


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _latency(requests: Sketch | None) -> figures.ServiceFigures | None:
    if requests is None or not (count := sum(requests.counts)):
        return None
    _, refused, failed = requests.counts
    return figures.ServiceFigures(
        p50_ms=requests.quantiles.at(0.5),
        p95_ms=requests.quantiles.at(0.95),
        p99_ms=requests.quantiles.at(0.99),
        requests=count,
        error_fraction=failed / count,
        refused_fraction=refused / count,
    )


def _performance(
    asked: Asked, plan: Plan, reference: Reference | None, reasons: dict[str, str]
) -> figures.PerformanceFigures:
    score = asked.window.sketches.get(SCORE)
    answered = score.rows if score else 0
    estimate = _estimate(asked.window.sketches.get(EXPECTED), plan, reference)
    if estimate is None:
        reasons["performance.estimated"] = why_not_estimated(plan, reference)
    shifted = asked.shifted()
    if isinstance(shifted, str):
        reasons["performance.estimated_under_shift"] = shifted
    labelled = asked.kept.filter(has_label())
    real = _real(labelled, plan, reference, asked.version)
    if real is None:
        reasons["performance.real"] = (
            "No row of the window has a label." if plan.answers else UNKNOWN
        )
    outputs = sum(name.startswith(OUTPUT) for name in asked.window.sketches)
    kind = kind_of(labelled, plan.answers)
    if kind == "values" and outputs > 1 and not (real and real.outputs):
        reasons["performance.outputs"] = FIRST_OUTPUT.format(others=outputs - 1)
    if kind == "values" and (count := _classes_of(labelled)):
        reasons["performance.answers"] = MAY_BE_CLASSES.format(count=count)
    if not answered:
        reasons["performance.label_coverage"] = "No row was answered in the window."
    return figures.PerformanceFigures(
        estimated=estimate,
        estimated_under_shift=None if isinstance(shifted, str) else shifted,
        real=real,
        label_coverage=labelled.height / answered if answered else None,
    )


def _estimate(
    found: Sketch | None, plan: Plan, reference: Reference | None
) -> figures.PerformanceEstimate | None:
    if found is None or not found.rows:
        return None
    return figures.PerformanceEstimate(
        method="DLE" if plan.answers == "values" else "CBPE",
        metrics=estimated.metrics(found, reference, plan.answers),
        rows=found.rows,
        caveat=estimating.BLIND,
    )


def why_not_estimated(plan: Plan, reference: Reference | None) -> str:
    """Why the performance of a version cannot be estimated."""
    if not plan.answers:
        return UNKNOWN
    if reference is None:
        return "The version has no reference."
    if plan.answers == "classes" or (plan.answers == "values" and reference.classes):
        return "The deployment answers classes; an estimate needs probabilities."
    known = reference.errors is not None if plan.answers == "values" else reference.calibrations
    if not known:
        return "The reference has no labels: mlinfra monitors reference NAME --label COLUMN"
    return "No row was answered in the window."


def _real(
    labelled: pl.DataFrame, plan: Plan, reference: Reference | None, version: str
) -> figures.RealPerformance | None:
    import polars as pl

    if not labelled.height or not plan.answers:
        return None
    # Others have labels of further outputs alone, or come from an earlier version without names.
    rows = labelled.filter(pl.any_horizontal(pl.col("label", "text").is_not_null()))
    outputs, labels, names = codes_of(rows, reference.classes if reference else (), plan.answers)
    kind = kind_of(rows, plan.answers)
    by_output = performance_by_output(labelled, plan, version)
    if not len(labels):
        nothing = figures.RealPerformance(metrics={}, rows=0, changes=(), outputs=by_output)
        return nothing if by_output else None
    return figures.RealPerformance(
        metrics=performance.metrics(outputs, labels, kind, named=bool(names)),
        confusion=performance.confusion(outputs, labels, kind, names),
        rows=len(labels),
        changes=_turns(rows["ts"].to_numpy(), performance.wrongs(outputs, labels, kind)),
        outputs=by_output,
    )


def _classes_of(labelled: pl.DataFrame) -> int:
    """How many classes answers and labels may be of that count as values: as many as both have
    different whole numbers, if these are few and have no other numbers among them; else 0.
    """
    import polars as pl

    if labelled.height < LEAST_OF_CLASSES:
        return 0
    both = [labelled["outputs"].list.get(0, null_on_oob=True), labelled["label"]]
    found = pl.concat([column.cast(pl.Float64).rename("") for column in both]).drop_nulls().unique()
    whole = bool((found == found.round()).all())
    return len(found) if whole and len(found) <= MOST_CLASSES else 0


def _turns(times: np.ndarray, wrong: np.ndarray) -> Sequence[figures.Turn]:
    """Changes of the error, in the order in which the rows arrived. ADWIN takes values up to 1:
    distances are divided by their largest.
    """
    times, wrong = times[-MOST_LABELS:], wrong[-MOST_LABELS:]
    largest = float(wrong.max()) or 1.0
    return [
        figures.Turn(
            at=datetime.fromtimestamp(float(times[item.position - 1]), UTC),
            before=item.before * largest,
            after=item.after * largest,
        )
        for item in changes((wrong / largest).tolist())
    ]


def kpi_of(rows: pl.DataFrame, plan: Plan, version: str) -> tuple[figures.KpiFigure | None, str]:
    """The KPI of kept rows, or why there is none."""
    found = worths_of(rows, plan, version)
    return (None, found) if isinstance(found, str) else (figure_of(found), "")


def kpi_value(rows: pl.DataFrame, plan: Plan, version: str) -> float | None:
    """The value of the KPI alone; None if there is none."""
    found = worths_of(rows, plan, version)
    return None if isinstance(found, str) else float(found.amounts.mean())
