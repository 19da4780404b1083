"""What a step would do now, and why: the text of `explain`."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.errors import NotFound
from ..core.refs import reference
from . import graph
from .assess import Assessor
from .contents import Contents
from .definition import Definition, StepDefinition
from .spec import Explanation


def explain(
    bound: Definition,
    name: str,
    chosen: Sequence[StepDefinition],
    assessor: Assessor,
    contents: Contents,
) -> Explanation:
    """Explain a step, or all elements of one. Nothing is run or written."""
    found = [_explain_step(bound, step, assessor, contents) for step in chosen]
    changed = dict.fromkeys(part for parts, _ in found for part in parts)
    several = len(chosen) > 1
    texts = [
        f"{step.name}: {text}" if several else text
        for step, (_, text) in zip(chosen, found, strict=True)
    ]
    return Explanation(
        ref=reference("step", bound.name, name),
        pipeline=bound.name,
        step=name,
        changed=tuple(changed),
        detail="\n\n".join(texts),
    )


def _explain_step(
    bound: Definition, step: StepDefinition, assessor: Assessor, contents: Contents
) -> tuple[Sequence[str], str]:
    missing = [reference for reference in step.inputs if contents.of(reference) is None]
    makers = would_run(bound, assessor, upstream(bound, step.name))
    if missing:
        maker = {output: other.name for other in bound.steps for output in other.outputs}
        reasons = [
            f"{reference} is not there yet"
            + (f": step {maker[reference]} makes it" if reference in maker else "")
            for reference in missing
        ]
        return ("inputs",) if assessor.has_run(step) else ("first run",), "; ".join(reasons)
    found = assessor.look(step)
    text = found.detail or found.reason
    if makers:
        text += (
            f"\n\n{', '.join(makers)} would run before it; if that makes something else, inputs"
            " change."
        )
    return found.changed if found.made is None else (), text


def upstream(bound: Definition, name: str) -> list[str]:
    """Every step that `name` depends on, directly or not, each after those it depends on itself."""
    return [other for other in sorted_steps(bound) if name in graph.downstream(bound.after, other)]


def sorted_steps(bound: Definition) -> list[str]:
    """All steps, each after those that it depends on."""
    done: dict[str, None] = {}
    while len(done) < len(bound.steps):
        done.update(
            dict.fromkeys(
                step.name
                for step in bound.steps
                if step.name not in done and all(name in done for name in step.after)
            )
        )
    return list(done)


def would_run(bound: Definition, assessor: Assessor, names: Sequence[str]) -> list[str]:
    """Those steps that would not be taken from the cache at present."""
    found = []
    for name in names:
        try:
            if assessor.look(bound.step(name)).made is None:
                found.append(name)
        except NotFound:
            found.append(name)
    return found
