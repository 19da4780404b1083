"""What a model says of its answers, as an object under Seldon does: the methods `metrics()` and
`tags()` of a logged `PythonModel`, asked after each prediction, in its thread.

Unlike Seldon, an answer never fails because of them: what is not in Seldon's form is left out, and
the reason is in the log of the process once.
"""

from __future__ import annotations

import inspect
import math
import os
import re
import sys
import threading
import traceback
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import orjson

from .ending import kept

COUNTER, GAUGE, TIMER = "COUNTER", "GAUGE", "TIMER"
MOST_SERIES = 1000
"""Of one process; further keys and tags are not counted."""

_KINDS = {COUNTER: "counter", GAUGE: "gauge", TIMER: "histogram"}
_OWN_LABELS = frozenset({"le", "deployment", "version", "process"})
"""Labels that a model's tags cannot set: those of all samples, and that of a histogram's ranges."""
_EDGES = [10 ** (-3 + at * (math.log10(30) + 3) / 49) for at in range(50)]
"""Seconds: those of Seldon's own histograms."""

_SHOWN_TO_CALLERS = os.environ.get("INCLUDE_METRICS_IN_CLIENT_RESPONSE", "true").lower() == "true"
"""Seldon's own switch."""


Count = Callable[[Sequence[Mapping[str, Any]]], None]
_Found = TypeVar("_Found")


@dataclass(slots=True)
class _Series:
    value: float = 0.0
    buckets: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Said:
    """What a model has said of one answer. metrics: in Seldon's form."""

    tags: Mapping[str, Any] = field(default_factory=dict)
    metrics: Sequence[Mapping[str, Any]] = ()


class Custom:
    """The tags and metrics of one model, and what has been counted. owner: an object that may have
    the methods; None: nothing is said. on_metrics: who else counts them.
    """

    def __init__(
        self,
        owner: Any = None,
        on_metrics: Count | None = None,
    ) -> None:
        self._tags, self._metrics = _method(owner, "tags"), _method(owner, "metrics")
        self._on_metrics = on_metrics
        self._series: dict[tuple[str, str, str], _Series] = {}
        self._owners: dict[str, tuple[str, str]] = {}  # name and kind by each name of samples
        self._complaints: set[str] = set()
        self._lock = threading.Lock()

    def said(self) -> Said:
        """What the model says of the answer that this thread has just got; it is counted."""
        if self._tags is None and self._metrics is None:
            return Said()
        tags: dict[str, Any] = self._tried("tags", lambda: _tags(self._tags), {})
        metrics: list[Any] = self._tried("metrics", lambda: _metrics(self._metrics), [])
        tried = [self._tried("metrics", partial(_metric, item), None) for item in metrics]
        found = [metric for metric in tried if metric]
        self._tried("metrics", lambda: self._count(found), None)
        return Said(tags, found if _SHOWN_TO_CALLERS else ())

    def exposition(self, labels: Mapping[str, str]) -> str:
        """What was counted in this process, in the text format of Prometheus. labels: of all."""
        lines, typed = [], set()
        with self._lock:
            kept = self._series.items()
            series = sorted((key, item.value, [*item.buckets]) for key, item in kept)
        for (name, kind, tags), value, buckets in series:
            if name not in typed:
                lines.append(f"# TYPE {name} {_KINDS[kind]}")
                typed.add(name)
            own = {**orjson.loads(tags), **labels}
            if kind != TIMER:
                lines.append(_sample(name, own, value))
                continue
            below = 0
            for edge, count in zip([*_EDGES, math.inf], buckets, strict=True):
                below += count
                bound = "+Inf" if math.isinf(edge) else f"{edge:.6g}"
                lines.append(_sample(f"{name}_bucket", {**own, "le": bound}, below))
            lines += [_sample(f"{name}_count", own, below), _sample(f"{name}_sum", own, value)]
        return "".join(f"{line}\n" for line in lines)

    def _tried(self, what: str, work: Callable[[], _Found], instead: _Found) -> _Found:
        """What comes of this; `instead` if it fails, however it does: it is all of the model."""
        try:
            return kept(work)
        except Exception as error:  # noqa: BLE001
            # The lines of an error can be made whatever its own text does.
            self._leave_out(what, traceback.format_exception_only(error)[-1].strip())
            return instead

    def _count(self, metrics: Sequence[Mapping[str, Any]]) -> None:
        counted = []
        for metric in metrics:
            kind, tags = metric["type"], _labels(metric.get("tags", {}))
            key = _name(metric["key"]).removesuffix("_total" if kind == COUNTER else "")
            with self._lock:
                series = self._series_of(key + ("_total" if kind == COUNTER else ""), kind, tags)
                if series is None:
                    continue
                _add(series, kind, float(metric["value"]))
            counted.append({**metric, "key": key, "tags": tags})
        if self._on_metrics is not None and counted:
            self._on_metrics(counted)

    def _series_of(self, name: str, kind: str, labels: Mapping[str, str]) -> _Series | None:
        """Where to count; None if there are too many, or the name is one of another kind."""
        key = name, kind, orjson.dumps(labels).decode()
        if key in self._series:
            return self._series[key]
        if len(self._series) >= MOST_SERIES:
            return None
        ends = ("", "_bucket", "_count", "_sum") if kind == TIMER else ("",)
        names = dict.fromkeys((f"{name}{end}" for end in ends), (name, kind))
        if any(self._owners.get(item, owner) != owner for item, owner in names.items()):
            why = f"{name} is a {_KINDS[kind]}, and the name of another metric too"
            self._leave_out("metrics", why)
            return None
        self._owners.update(names)
        return self._series.setdefault(key, _Series(buckets=[0] * (len(_EDGES) + 1)))

    def _leave_out(self, what: str, why: str) -> None:
        text = f"{what}() of the model is left out of an answer: {why[:300].rstrip('.')}.\n"
        if what not in self._complaints:
            self._complaints.add(what)
            sys.stderr.write(text)


def _tags(method: Callable[[], Any] | None) -> dict[str, Any]:
    """Raises TypeError if the model says anything else, or what its method raises."""
    said = method() if method else {}
    if not isinstance(said, Mapping):
        raise TypeError(f"{type(said).__name__} is no mapping")
    return {_text(name): _plain(value) for name, value in said.items()}


def _metrics(method: Callable[[], Any] | None) -> list[Any]:
    """Raises TypeError if the model says anything else, or what its method raises."""
    said = method() if method else []
    if not isinstance(said, list):
        raise TypeError(f"{type(said).__name__} is no list")
    return said


def _metric(item: Any) -> dict[str, Any]:
    """A metric in Seldon's form. Raises ValueError for anything else."""
    if not isinstance(item, Mapping) or not {"key", "type", "value"} <= item.keys():
        raise ValueError("a metric needs key, type and value")
    kind = next((kind for kind in _KINDS if kind == item["type"]), "")
    if not kind:
        raise ValueError("a type is COUNTER, GAUGE or TIMER")
    value, tags = _plain(item["value"]), item.get("tags")
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError("a value is a finite number")
    if value < 0 and kind != GAUGE:
        raise ValueError("a counter or a timer has no negative value")
    if not isinstance(tags, Mapping | None):
        raise ValueError("tags are a mapping")
    own = {_text(name): _text(text) for name, text in (tags or {}).items()}
    metric = {"key": _text(item["key"]), "type": kind, "value": value}
    return {**metric, "tags": own} if own else metric


def _method(owner: Any, name: str) -> Callable[[], Any] | None:
    """A method that can be called without arguments."""
    found = getattr(owner, name, None)
    if not callable(found):
        return None
    try:
        inspect.signature(found).bind()
    except (TypeError, ValueError):
        return None
    method: Callable[[], Any] = found
    return method


def _add(series: _Series, kind: str, value: float) -> None:
    if kind == GAUGE:
        series.value = value
    elif kind == COUNTER:
        series.value += value
    else:  # Seldon's timers are in milliseconds, its histograms in seconds
        series.value += value / 1000
        series.buckets[bisect_left(_EDGES, value / 1000)] += 1


def _plain(value: Any) -> Any:
    """A value as JSON has it: NumPy's as Python's, anything else as a text, as are whole numbers
    beyond 64 bits with a sign, which a call by gRPC cannot carry.
    """
    if hasattr(value, "tolist"):
        value = value.tolist()
    try:
        found = orjson.loads(orjson.dumps(value))
    except (TypeError, ValueError):
        return _text(value)
    return found if type(found) is not int or found < 1 << 63 else str(found)


def _text(value: Any) -> str:
    """Without halves of characters, which no answer can hold."""
    return str(value).encode(errors="replace").decode()


def _name(key: str) -> str:
    name = re.sub(r"[^a-zA-Z0-9_:]", "_", key)
    return f"_{name}" if name[:1].isdigit() or not name else name


def _labels(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags as Prometheus takes labels, in one order. Of tags that become the same one the last
    counts, and one without a value is none.
    """
    found = {}
    for tag, text in tags.items():
        label = re.sub(r"[^a-zA-Z0-9_]", "_", tag)
        if label.startswith("__"):  # Prometheus's own
            label = label.lstrip("_")
        label = f"_{label}" if label[:1].isdigit() or not label else label
        if label not in _OWN_LABELS:
            found[label] = text
    return {label: found[label] for label in sorted(found) if found[label]}


def _sample(name: str, labels: Mapping[str, str], value: float) -> str:
    quoted = (f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{','.join(quoted)}}} {value:.17g}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
