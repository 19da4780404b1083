"""The moves of a version, and the arithmetic of traffic."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ..core.errors import BadRequest, Conflict
from .spec import DeploymentState, VersionState

_NEXT: Mapping[VersionState, frozenset[VersionState]] = {
    VersionState.BUILDING: frozenset({VersionState.STARTING, VersionState.FAILED}),
    VersionState.STARTING: frozenset(
        {
            VersionState.TESTING,
            VersionState.READY,
            VersionState.FAILED,
            VersionState.DRAINING,
            VersionState.STOPPED,
        }
    ),
    VersionState.TESTING: frozenset(
        {
            VersionState.READY,
            VersionState.STARTING,
            VersionState.FAILED,
            VersionState.DRAINING,
            VersionState.STOPPED,
        }
    ),
    VersionState.READY: frozenset(
        {VersionState.STARTING, VersionState.FAILED, VersionState.DRAINING, VersionState.STOPPED}
    ),
    VersionState.DRAINING: frozenset(
        {VersionState.STOPPED, VersionState.STARTING, VersionState.FAILED}
    ),
    VersionState.STOPPED: frozenset(
        {VersionState.BUILDING, VersionState.STARTING, VersionState.FAILED}
    ),
    VersionState.FAILED: frozenset({VersionState.BUILDING, VersionState.STOPPED}),
}


def advance(version: str, state: VersionState, to: VersionState) -> VersionState:
    """The next state of a version; decided only here. Raises Conflict for a move that does not
    exist.
    """
    if to is not state and to not in _NEXT[state]:
        raise Conflict(
            f"Version {version} is {state}.", f"It cannot become {to}.", "Wait, or deploy it again."
        )
    return to


def deployment_state(
    states: Mapping[str, VersionState], traffic: Mapping[str, int], *, reachable: bool
) -> DeploymentState:
    """healthy: all versions with traffic are ready. degraded: some. down: none, or nothing can be
    reached.
    """
    serving = [
        states.get(version) is VersionState.READY for version, percent in traffic.items() if percent
    ]
    if not reachable or not any(serving):
        return DeploymentState.DOWN
    return DeploymentState.HEALTHY if all(serving) else DeploymentState.DEGRADED


def check_traffic(traffic: Mapping[str, int], versions: Sequence[str]) -> dict[str, int]:
    """Integer percentages of known versions, 100 in all; versions that are not named get 0. Raises
    BadRequest.
    """
    unknown = sorted(set(traffic) - set(versions))
    if unknown:
        raise BadRequest(
            f"There is no version {', '.join(unknown)} here.",
            f"Deployed: {', '.join(versions) or 'none'}.",
            "Deploy it first.",
        )
    for version, percent in traffic.items():
        if isinstance(percent, bool) or not isinstance(percent, int) or not 0 <= percent <= 100:
            raise BadRequest(
                f"{version}={percent!r} is not a whole percentage.",
                "Traffic is 0 to 100.",
                "For example v1=90 v2=10.",
            )
    total = sum(traffic.values())
    if total != 100:
        raise BadRequest(
            f"The traffic adds up to {total} %, not 100 %.",
            fix="Give percentages that add up to 100, for example v1=90 v2=10.",
        )
    return {version: traffic.get(version, 0) for version in versions}


def checked_traffic(
    traffic: Mapping[str, int], before: Mapping[str, int], can_serve: Collection[str]
) -> dict[str, int]:
    """The traffic after a change: a percentage for each version of `before`, 100 in all. can_serve:
    versions whose share may rise.

    Raises BadRequest for other sums, Conflict for a share that may not rise. Only a new deployment
    has 0 everywhere.
    """
    if not any(traffic.values()) and not any(before.values()) and set(traffic) <= set(before):
        return dict.fromkeys(before, 0)
    checked = check_traffic(traffic, list(before))
    cannot_serve = [version for version in rising(checked, before) if version not in can_serve]
    if cannot_serve:
        raise Conflict(
            f"{', '.join(cannot_serve)} cannot have traffic.",
            "It has not passed its tests, or has no processes.",
            "Deploy it again.",
        )
    return checked


def rising(traffic: Mapping[str, int], before: Mapping[str, int]) -> list[str]:
    """The versions that get more than they have."""
    return [version for version, percent in traffic.items() if percent > before.get(version, 0)]


def with_share(traffic: Mapping[str, int], version: str, percent: int) -> dict[str, int]:
    """Give `version` its percentage; the others share the rest in proportion, as integers (largest
    remainder).
    """
    if isinstance(percent, bool) or not isinstance(percent, int) or not 0 <= percent <= 100:
        raise BadRequest(f"traffic={percent!r} is not a whole percentage.", "Traffic is 0 to 100.")
    others = {name: share for name, share in traffic.items() if name != version and share}
    total = sum(others.values())
    if not total:
        if percent not in (0, 100):
            raise BadRequest(
                f"{percent} % leaves {100 - percent} % for nobody.",
                "No other version has traffic.",
                "Use 100, or 0 to let it wait.",
            )
        return {**dict.fromkeys(traffic, 0), version: percent}
    remaining = 100 - percent
    exact = {name: remaining * share / total for name, share in others.items()}
    rounded = {name: int(share) for name, share in exact.items()}
    for name in sorted(exact, key=lambda name: rounded[name] - exact[name])[
        : remaining - sum(rounded.values())
    ]:
        rounded[name] += 1
    return {**dict.fromkeys(traffic, 0), **rounded, version: percent}


def weights(
    traffic: Mapping[str, int], *, proved: Collection[str], stand_ins: Collection[str]
) -> dict[str, int]:
    """The proportions in which a gateway shares requests out: those of the traffic, except that a
    version that has not passed its tests gets none. The stand-ins get its share in equal parts.
    """
    found = {version: percent for version, percent in traffic.items() if version in proved}
    left = sum(traffic.values()) - sum(found.values())
    if not left or not stand_ins:
        return found
    return {
        version: percent * len(stand_ins) + (left if version in stand_ins else 0)
        for version, percent in found.items()
    }


def roles(traffic: Mapping[str, int]) -> dict[str, str]:
    """stable: has most of the traffic (the first of equals). canary: has some. standby: has
    none.
    """
    stable = max(traffic, key=lambda version: traffic[version], default=None)
    return {
        version: "standby" if not percent else "stable" if version == stable else "canary"
        for version, percent in traffic.items()
    }


def describe(before: Mapping[str, int], after: Mapping[str, int]) -> str:
    """The change in one line: `v2 5 → 10 %, v1 95 → 90 %`; empty if there is none."""
    changes = [
        f"{version} {before.get(version, 0)} → {percent} %"
        for version, percent in after.items()
        if percent != before.get(version, 0)
    ]
    return ", ".join(changes)
