"""Kinds of rules of other packages, found by entry point `mlinfra.rule_kinds`.

A kind says what a rule finds in a window; everything else (when an alert fires and ends, who is
told, silences, the back-test) is the same for all rules.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, Protocol

from ...core.errors import NotFound, Unavailable
from ..hours.points import Point
from .spec import THRESHOLD, Judgement, ThresholdRule

GROUP = "mlinfra.rule_kinds"


class RuleKind(Protocol):
    """How a rule judges a window. An entry point names a class, or a function that makes one; it
    is called with what the file says under `with`, and raises ValueError or TypeError for options
    that it does not take. A model of pydantic says of each what is wrong with it.
    """

    def judge(self, rule: ThresholdRule, points: Sequence[Point], *, firing: bool) -> Judgement:
        """What it finds in one window of one alert. points: of the rule's metric, those with a
        value and enough rows; never empty. `rule.compared` holds a value against the threshold. An
        error is the alert's reason for no data.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRule(ThresholdRule):
    """A rule whose windows another package judges."""

    judged_by: RuleKind

    def found_in(self, known: Sequence[Point], *, firing: bool) -> Judgement:
        """What the kind finds. Raises TypeError for what is no judgement."""
        found = self.judged_by.judge(self, known, firing=firing)
        if not isinstance(found, Judgement) or not isinstance(found.point, Point):
            raise TypeError(f"the kind {self.kind} gave no Judgement, but {type(found).__name__}")
        if found.active is None:
            return found
        if found.point.value is None or not isfinite(found.point.value):
            raise TypeError(f"the kind {self.kind} judged without a value")
        # Plain values: those of NumPy cannot be stored.
        point = replace(found.point, value=float(found.point.value), rows=int(found.point.rows))
        return replace(found, active=bool(found.active), point=point, text=str(found.text))


def make_kind(name: str, options: Mapping[str, Any]) -> RuleKind:
    """The kind of that name with these options.

    Raises NotFound if no package provides it, Unavailable if that package fails, ValueError or
    TypeError for options that it does not take.
    """
    kind = _load(name)
    try:
        made: RuleKind = kind(**options)
    except (TypeError, ValueError):
        raise
    except (Exception, SystemExit) as error:
        raise _failed(name, f"{type(error).__name__}: {error}") from error
    if not callable(getattr(made, "judge", None)):
        raise _failed(name, f"{type(made).__name__} has no method judge")
    return made


def _load(name: str) -> Callable[..., Any]:
    from importlib.metadata import entry_points

    found = entry_points(group=GROUP)
    if name not in found.names:
        raise NotFound(
            f"there is no kind of rule {name!r}.",
            f"Installed: {', '.join([THRESHOLD, *sorted(found.names)])}.",
            "Name one of these, or install the package that adds it.",
        )
    try:
        # What it prints must not get into an answer of the command line.
        with contextlib.redirect_stdout(sys.stderr):
            kind = found[name].load()
    except (Exception, SystemExit) as error:
        raise _failed(name, f"{type(error).__name__}: {error}") from error
    if not callable(kind):
        raise _failed(name, f"{kind!r} cannot be called")
    made: Callable[..., Any] = kind
    return made


def _failed(name: str, why: str) -> Unavailable:
    return Unavailable(
        f"the kind of rule {name!r} failed.",
        f"{why}.",
        "Report it to the authors of its package, or remove the rule.",
    )
