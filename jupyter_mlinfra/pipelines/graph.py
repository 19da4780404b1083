"""The graph of a pipeline: an edge wherever one step takes what another one makes. No edge is
written by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .makers import Makers

After = Mapping[str, Sequence[str]]
"""For each step, in the order of the file, the steps that must end before it."""


@dataclass(frozen=True, slots=True)
class Clash:
    """Two steps that make the same thing, with both outputs normalized."""

    first: str
    second: str
    first_output: str
    second_output: str


def edges(
    inputs: Mapping[str, Sequence[str]], outputs: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """`After` of every step, from what each takes and makes; a step that takes what it makes
    follows itself.
    """
    makers = Makers(outputs)
    place = {step: number for number, step in enumerate(outputs)}
    known: dict[str, frozenset[str]] = {}
    for reference in {text for references in inputs.values() for text in references}:
        known[reference] = frozenset(
            makers.outputs[position][0] for position in makers.feeding(reference)
        )
    return {
        step: tuple(
            sorted(
                frozenset[str]().union(*(known[reference] for reference in references)),
                key=place.__getitem__,
            )
        )
        for step, references in inputs.items()
    }


def find_clash(outputs: Mapping[str, Sequence[str]]) -> Clash | None:
    """The first two outputs that are one thing; None if every output has one maker."""
    makers = Makers(outputs)
    for position, (step, output) in enumerate(makers.outputs):
        earliest = min(makers.touching(output), default=position)
        if earliest < position:
            other, earlier = makers.outputs[earliest]
            return Clash(other, step, earlier, output)
    return None


def find_cycle(after: After) -> list[str] | None:
    """Steps of one cycle, starting with the first in the file, each before the next and the last
    before the first; None if there is none.
    """
    done: set[str] = set()
    for start in after:
        trail: list[str] = []
        found = _visit(start, after, trail, done)
        if found:
            first = min(range(len(found)), key=lambda position: list(after).index(found[position]))
            return found[first:] + found[:first]
    return None


def _visit(step: str, after: After, trail: list[str], done: set[str]) -> list[str] | None:
    """Depth-first search without recursion: a file may chain more steps than Python stacks
    frames.
    """
    stack = [(step, iter(after[step]))]
    trail.append(step)
    under_way = {step}
    while stack:
        _, rest = stack[-1]
        nearest = next(rest, None)
        if nearest is None:
            stack.pop()
            under_way.remove(trail[-1])
            done.add(trail.pop())
        elif nearest in under_way:
            return list(reversed(trail[trail.index(nearest) :]))
        elif nearest not in done:
            trail.append(nearest)
            under_way.add(nearest)
            stack.append((nearest, iter(after[nearest])))
    return None


def downstream(after: After, step: str) -> list[str]:
    """Every step that depends on `step`, directly or not, in the order of the file."""
    reached = {step}
    grown = True
    while grown:
        new = {
            name
            for name, before in after.items()
            if name not in reached and not reached.isdisjoint(before)
        }
        reached |= new
        grown = bool(new)
    return [name for name in after if name in reached and name != step]
