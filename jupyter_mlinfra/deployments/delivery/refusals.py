"""Whether the version of a plan refuses (4xx) more than the one that it is to replace. What clients
send wrong, both refuse; what only the new one refuses is its fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .spec import StepCheck

REFUSED_MORE = 0.01
"""A share of refusals may be higher than the other version's by this much, at least."""

ALPHA = 0.01
LEAST = 20
"""Requests of the other version before it says what is usual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """Of one version, among its requests of some time."""

    requests: int
    refused: int

    @property
    def share(self) -> float:
        """0 without requests."""
        return self.refused / self.requests if self.requests else 0.0

    def __str__(self) -> str:
        return f"{self.refused:,} of {self.requests:,}"


def limit(usual: float) -> float:
    """The share of refusals above which a version refuses clearly more than another, whose share is
    `usual`: more than a percentage point above it, and twice as many, or half as many answers.
    """
    return max(usual + REFUSED_MORE, min(2 * usual, (1 + usual) / 2))


def looks_worse(own: Refusals, other: Refusals) -> bool:
    """Whether a version refuses clearly more, which may be chance."""
    return own.share > limit(other.share)


def is_worse(own: Refusals, other: Refusals) -> bool:
    """Whether it does so beyond chance: the ends of their confidence sequences are so far apart."""
    from ...experiments import verdict as comparison

    if not looks_worse(own, other):
        return False
    low, _ = comparison.proportion(own.refused, own.requests, alpha=ALPHA)
    _, high = comparison.proportion(other.refused, other.requests, alpha=ALPHA)
    return float(low) > limit(float(high))


def check(against: str, counts: Sequence[tuple[Refusals, Refusals]], before: Refusals) -> StepCheck:
    """counts: of the version and of `against` since the step began, by the log and by the gateway.
    before: of `against` before the step; that counts where it has too few in it, as when it has no
    traffic any more.
    """
    usual = [(own, other if other.requests >= LEAST else before) for own, other in counts]
    certain = [pair for pair in usual if is_worse(*pair)]
    open_ = [pair for pair in usual if looks_worse(*pair)]
    own, other = (certain or open_ or usual)[0]
    return StepCheck(
        name="refusals",
        limit=f"not clearly more than {against}",
        measured=f"refused {own} requests, {against} {other}",
        passed=False if certain else None if open_ else True,
    )
