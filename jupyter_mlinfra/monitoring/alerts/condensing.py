"""What receivers are told after a time in which nothing was evaluated: what is still true, and one
line for each alert that came and went meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..rules.evaluator import AlertKey, Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A notice for receivers. passed: how many episodes it stands for that began and ended without
    anybody hearing of them; since: when the first of these began, in seconds since 1970.
    """

    notice: Notice
    passed: int = 0
    since: float = 0.0


def condensed(notices: Sequence[Notice]) -> list[Told]:
    """The notices of one evaluation, oldest first, without those of an episode that is over before
    anybody could hear of it; those of one alert are one notice of their end.
    """
    begun = {(item.key, item.episode): item for item in notices if item.kind == "firing"}
    ended = {(item.key, item.episode): item for item in notices if item.kind == "resolved"}
    over = begun.keys() & ended.keys()
    passed: dict[AlertKey, list[tuple[Notice, Notice]]] = {}
    for episode in sorted(over, key=lambda item: ended[item].at):
        passed.setdefault(episode[0], []).append((begun[episode], ended[episode]))
    kept = [Told(notice=item) for item in notices if (item.key, item.episode) not in over]
    sums = [
        Told(notice=found[-1][1], passed=len(found), since=found[0][0].at)
        for found in passed.values()
    ]
    return sorted([*kept, *sums], key=lambda item: item.notice.at)
