"""Targets of the project card as they are measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .errors import MLInfraError


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetCheck:
    """One target. verdict: `unknown` when it could not be measured; `fix` then says what is
    missing.
    """

    target: str
    limit: str
    measured: str
    verdict: Literal["met", "missed", "unknown"]
    fix: str = ""


def unknown(target: str, limit: str, error: MLInfraError) -> TargetCheck:
    """A target that could not be measured, and why."""
    return TargetCheck(
        target=target,
        limit=limit,
        measured=f"{error.what} {error.why}".strip(),
        verdict="unknown",
        fix=error.fix,
    )
