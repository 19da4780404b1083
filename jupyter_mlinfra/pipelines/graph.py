"""The graph of a pipeline: an edge wherever one step takes what another one makes. No edge is
written by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .references import feeds, overlap

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
    return {
        step: tuple(
            maker
            for maker, made in outputs.items()
            if any(feeds(output, reference) for output in made for reference in references)
        )
        for step, references in inputs.items()
    }


def find_clash(outputs: Mapping[str, Sequence[str]]) -> Clash | None:
    """The first two outputs that are one thing; None if every output has one maker."""
    seen: list[tuple[str, str]] = []
    for step, made in outputs.items():
        for output in made:
            for other, earlier in seen:
                if overlap(output, earlier):
                    return Clash(other, step, earlier, output)
            seen.append((step, output))
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
    while stack:
        _, rest = stack[-1]
        nearest = next(rest, None)
        if nearest is None:
            stack.pop()
            done.add(trail.pop())
        elif nearest in trail:
            return list(reversed(trail[trail.index(nearest) :]))
        elif nearest not in done:
            trail.append(nearest)
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
