"""What traffic a verb wants, computed in the transaction that sets it, so that no concurrent change
is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..core.errors import BadRequest, Conflict
from . import state
from .spec import VersionState
from .transaction import Transaction

Aim = Callable[[Transaction], tuple[Mapping[str, int], int | None]]
"""Returns the percentages that a verb wants, and the change that a rollback returns to."""


def exactly(traffic: Mapping[str, int]) -> Aim:
    """These percentages; versions that are not named get none."""

    def aim(change: Transaction) -> tuple[Mapping[str, int], None]:
        shares = {change.row.label(version): percent for version, percent in traffic.items()}
        if len(shares) < len(traffic):
            raise BadRequest(
                "A version is named twice.",
                f"The traffic names {', '.join(traffic)}.",
                "Name each version once.",
            )
        return state.check_traffic(shares, list(change.row.traffic)), None

    return aim


def all_to(version: str) -> Aim:
    """All of it to one version."""
    return lambda change: ({change.row.version(version).version: 100}, None)


def all_to_the_canary(change: Transaction) -> tuple[Mapping[str, int], None]:
    """All of it to the canary: of two versions with traffic the newer one, which still has less of
    it. Raises Conflict if that does not tell which one is meant.
    """
    row = change.row
    shared = sorted((item for item in row.versions if item.traffic), key=lambda item: item.number)
    if len(shared) == 2 and shared[1].traffic <= shared[0].traffic:
        return {shared[1].version: 100}, None
    shares = ", ".join(f"{item.version} {item.traffic} %" for item in shared) or "nobody has any"
    raise Conflict(
        f"It is not plain which version of {row.name} to promote.",
        f"The traffic ({shares}) has no single canary.",
        f"mlinfra deployments promote {row.name} VERSION",
    )


def share_of(version: str, percent: int | None) -> Aim:
    """`version` gets `percent`, the others share the rest. None: its present share, or all of it if
    no version has any.
    """

    def aim(change: Transaction) -> tuple[Mapping[str, int], None]:
        before = change.row.traffic
        share = percent if percent is not None else before[version] if any(before.values()) else 100
        return state.with_share(before, version, share), None

    return aim


def previous(change: Transaction) -> tuple[Mapping[str, int], int]:
    """The last traffic before the present one whose versions can all serve. Raises Conflict if
    there is none.
    """
    row = change.row
    can_serve = {
        item.version
        for item in row.versions
        if item.proved and item.state is not VersionState.FAILED
    }
    for number, shares in change.earlier_traffic():
        if set(shares) <= can_serve:
            return shares, number
    raise Conflict(
        f"Deployment {row.name} has nothing to roll back to.",
        "No earlier traffic has versions that can serve.",
        f"mlinfra deployments show {row.name}",
    )
