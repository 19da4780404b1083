"""What the project has, and whether it meets the targets of its card: measured, never promised.
Each domain declares what it counts and measures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .core.domain import Checks, Domain, load
from .core.domains import guarded, ours
from .core.errors import MLInfraError
from .core.targets import TargetCheck, unknown

if TYPE_CHECKING:
    from .workbench import Workbench


def counts(workbench: Workbench, domains: Sequence[Domain]) -> dict[str, dict[str, int | str]]:
    """Objects of these domains, as `mlinfra status` prints them; of one whose store cannot be read,
    its `problem`, beside the others.
    """
    return {
        line: _counted(workbench, item, count)
        for item in domains
        for line, count in item.counts.items()
    }


def _counted(workbench: Workbench, item: Domain, count: str) -> dict[str, int | str]:
    try:
        with guarded(item.name, own=item in ours()):
            return dict(load(count)(workbench))
    except MLInfraError as error:
        return {"problem": str(error)}


def check(workbench: Workbench, domains: Sequence[Domain]) -> list[TargetCheck]:
    """Measure each target that the project card states of these domains, in the order of the card.

    What cannot be measured is unknown; the others are still measured.
    """
    return [
        found
        for item in domains
        if item.checks is not None
        for found in _as_far_as_possible(workbench, item, item.checks)
    ]


def _as_far_as_possible(
    workbench: Workbench, item: Domain, checks: Checks
) -> Iterator[TargetCheck]:
    try:
        with guarded(item.name, own=item in ours()):
            yield from load(checks.measure)(workbench)
    except MLInfraError as error:
        yield unknown(checks.name, "", error)
