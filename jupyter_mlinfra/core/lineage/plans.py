"""Of which columns a lazy Polars frame makes its own: its plan, read part by part.

Polars shows its plan to engines (its GPU engine is one) by an interface that is not public. Of a
version that is not known here, nothing is told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any

from .edges import Traced
from .plan_nodes import MADE_IN_MEMORY, Columns, Leaf, Made, columns_of, leaf_of

if TYPE_CHECKING:
    import polars as pl

PARTS = 20_000
"""Parts of a plan that are looked at."""

SECONDS = 2.0
"""How long columns are followed; which tables are scanned is told in any case."""

_VERSION = 16
"""Of the interface, as Polars 2.1 has it."""


def traced(frame: pl.LazyFrame, ref_of: Callable[[Leaf], str | None]) -> Traced:
    """What the plan of a frame tells; it is not run. ref_of: the reference of what is scanned; None
    if it is unknown.
    """
    import polars as pl

    names = frame.collect_schema().names()
    plan = _Plan()
    if not pl.__version__.startswith("2."):  # another one might run the frame
        return Traced(untraced=dict.fromkeys(names, _other_version()), unread=True)
    collect: Any = frame.collect  # the engines' argument is not in its signature
    try:
        collect(
            engine="in-memory",
            optimizations=pl.QueryOptFlags.none(),
            post_opt_callback=plan.look,
        )
    except (Exception, pl.exceptions.PanicException) as error:  # noqa: BLE001 as above
        if not plan.done:
            why = plan.why or f"Polars does not show the plan ({str(error)[:100]})"
            return Traced(untraced=dict.fromkeys(names, why), unread=True)
    return _told(names, plan, ref_of)


def _told(names: Sequence[str], plan: _Plan, ref_of: Callable[[Leaf], str | None]) -> Traced:
    refs = [ref_of(leaf) for leaf in plan.leaves]
    columns, untraced = dict[str, Sequence[tuple[str, str]]](), dict[str, str]()
    for name in names:
        made = plan.columns.get(name, "Polars does not show it")
        if isinstance(made, str):
            untraced[name] = made
        elif strange := [number for number, _ in made if refs[number] is None]:
            untraced[name] = plan.leaves[strange[0]].what
        else:
            pairs = {(ref, column) for number, column in made if (ref := refs[number])}
            columns[name] = sorted(pairs)
    return Traced([ref for ref in dict.fromkeys(refs) if ref is not None], columns, untraced)


def _other_version() -> str:
    return "this version of Polars is not known"


class _EnoughError(Exception):
    """The plan was read: nothing is to be run."""


class _Plan:
    """A plan as it is shown. leaves: what it scans. columns: those of its result, by number of the
    leaf and column.
    """

    def __init__(self) -> None:
        self.leaves: list[Leaf] = []
        self.columns: Columns = {}
        self.done, self.why = False, ""

    def look(self, plan: Any, *_: object) -> None:
        """Called by Polars with the plan, before it would run; ends it."""
        if plan.version()[0] != _VERSION:
            self.why = _other_version()
        elif (order := _order(plan)) is None:
            self.why = f"its plan has more than {PARTS:,} parts"
        else:
            self._read(plan, order)
            self.done = True
        raise _EnoughError

    def _read(self, plan: Any, order: Sequence[int]) -> None:
        until = monotonic() + SECONDS
        found = dict[int, Columns]()
        for node in order:
            plan.set_node(node)
            inputs = [found[number] for number in plan.get_inputs()]
            names = list(plan.get_schema())
            if not inputs:
                found[node] = self._leaf(plan, names)
            elif monotonic() > until:
                found[node] = dict.fromkeys(names, "its plan takes too long to follow")
            else:
                found[node] = columns_of(plan, names, inputs)
        self.columns = found[order[-1]]

    def _leaf(self, plan: Any, names: Sequence[str]) -> Columns:
        leaf = leaf_of(plan)
        if leaf is None:
            return dict.fromkeys(names, MADE_IN_MEMORY)
        if leaf not in self.leaves:
            self.leaves.append(leaf)
        number = self.leaves.index(leaf)
        return {name: _own(number, name, leaf) for name in names}


def _own(number: int, name: str, leaf: Leaf) -> Made:
    return frozenset() if name in leaf.added else frozenset({(number, name)})


def _order(plan: Any) -> list[int] | None:
    """The parts of a plan, each after its inputs; None if there are too many."""
    todo, order, seen = [(plan.get_node(), False)], list[int](), set[int]()
    while todo:
        node, inputs_done = todo.pop()
        if inputs_done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            plan.set_node(node)
            todo += [(node, True), *((number, False) for number in reversed(plan.get_inputs()))]
        if len(seen) > PARTS:
            return None
    return order
