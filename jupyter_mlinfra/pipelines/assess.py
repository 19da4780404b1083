"""Examining a step before it runs: what it would be made from, and whether that result already
exists.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..core.errors import MLInfraError, NotFound, Unavailable, Unprocessable
from .cache import Change, Parts, cell_digests, changes, explain
from .contents import Contents
from .definition import StepDefinition
from .difference import detail, parts_of
from .environment import Environment, environment_of
from .imports import local_modules
from .interpreter import interpreter_of
from .notebook import Notebook, read_notebook
from .references import kind_of
from .rows import Result, RunRequest, StepEntry
from .spec import StepState
from .state import DONE
from .store import RunStore

_MAY_DIFFER = {"code", "environment", "kernel"}
"""What may have changed if a run from a later step takes a last result. Values and data may not: it
would be the result of others.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What was found. made: the result that can be taken, None if the step must run. reason: why.

    changed, detail: which parts of the key made it run, and how they differ; see `Explanation`.
    """

    parts: Parts
    made: Result | None
    reason: str
    changed: tuple[str, ...] = ()
    detail: str = ""


class Assessor:
    """Examines the steps of one run; environments are read once."""

    def __init__(
        self,
        root: Path,
        store: RunStore,
        contents: Contents,
        *,
        pipeline: str,
        force: bool,
        plan: RunRequest | None = None,
    ) -> None:
        self._root = root
        self._store = store
        self._contents = contents
        self._pipeline = pipeline
        self._force = force
        self._plan = plan or RunRequest()
        self._environments: dict[str, Environment] = {}

    def look(self, step: StepDefinition, *, untouched: bool = True) -> Assessment:
        """untouched: nothing that the step takes was made in this run.

        Raises NotFound if an input is missing, NotFound or Unprocessable if the notebook is missing
        or cannot be read.
        """
        result = self._store.result(self._pipeline, step.name, step.slot)
        kept_result = self._kept_result(step, result) if untouched else None
        if kept_result is not None and self._plan.repairs:
            return Assessment(
                parts=kept_result.parts,
                made=kept_result,
                reason=f"succeeded in run {self._plan.repairs}",
            )
        parts = self.parts(step)
        found = self._changes(result, parts)
        if kept_result is not None and set(parts_of(found)) <= _MAY_DIFFER:
            reason = f"last result taken, though {explain(found)}" if found else "nothing changed"
            return Assessment(parts=kept_result.parts, made=kept_result, reason=reason)
        reason = self._why_not(step, result, found)
        if not reason:
            return Assessment(parts=parts, made=result, reason="nothing changed")
        changed, explanation = self._explanation(step, parts, result, reason)
        return Assessment(
            parts=parts, made=None, reason=reason, changed=changed, detail=explanation
        )

    def outputs(self, step: StepDefinition) -> dict[str, str]:
        """Content ids of what the step made. Raises NotFound if something is missing."""
        self._contents.forget()
        why = (
            f"The `out` of the step names it, below the project's folder, and {step.notebook} has"
            " ended without it."
        )
        fix = f"Let {step.notebook} write it there, or remove it from `out`."
        return require(self._contents.of, step.outputs, f"Step {step.name} did not make", fix, why)

    def parts(self, step: StepDefinition, *, without: Collection[str] = ()) -> Parts:
        """What the step would be made from now. without: inputs that are ignored. Raises as `look`
        does.
        """
        path = self._root / step.notebook
        notebook = read_notebook(path, step.notebook, parametrized=bool(step.parameters))
        references = [reference for reference in step.inputs if reference not in without]
        inputs = require(
            self._contents.of,
            references,
            f"Step {step.name} takes",
            "Make it first; it is gone, or its step failed to make it.",
        )
        if notebook.kernel not in self._environments:
            self._environments[notebook.kernel] = environment_of(notebook.kernel)
        environment = self._environments[notebook.kernel]
        self._store.keep_packages(environment.digest, environment.packages)
        interpreter = interpreter_of(notebook.kernel)
        return Parts(
            cells=cell_digests(notebook),
            places=[cell.number for cell in notebook.cells],
            modules=local_modules(notebook, path.parent, self._root, interpreter),
            parameters=step.parameters,
            inputs=inputs,
            kernel=environment.kernel,
            python=environment.python,
            environment=environment.digest,
            stamps={reference: self._contents.stamp(reference) for reference in inputs},
        )

    def changed_since(self, step: StepDefinition, parts: Parts, notebook: Notebook) -> list[str]:
        """Inputs and modules that have changed since the step was examined, even if only for a
        while. notebook: the executed one.

        It is then unknown which content the step has read.
        """
        found = [reference for reference in step.inputs if not self._is_untouched(reference, parts)]
        modules = local_modules(
            notebook,
            (self._root / step.notebook).parent,
            self._root,
            interpreter_of(notebook.kernel),
        )
        return [
            *found,
            *(
                name
                for name in sorted({*modules, *parts.modules})
                if modules.get(name) != parts.modules.get(name)
            ),
        ]

    def _is_untouched(self, reference: str, parts: Parts) -> bool:
        try:
            now, stamp = self._contents.of(reference), self._contents.stamp(reference)
        except Unavailable:
            raise
        except MLInfraError:
            return False
        return now == parts.inputs.get(reference) and stamp == parts.stamps.get(reference, stamp)

    def is_current(self, step: StepDefinition, entry: StepEntry) -> bool:
        """Whether a step of an interrupted run was started with the present inputs, and what it has
        made since still exists. A waiting step always is.
        """
        if entry.parts is None:
            return True
        is_kept = entry.step.state is StepState.CACHED and step.name in self._plan.keep
        result = self._store.result(self._pipeline, step.name, step.slot)
        if is_kept and self._plan.repairs:
            return self._kept_result(step, result) is not None
        if entry.step.state in DONE and not self.stands(step):
            return False
        try:
            parts = self.parts(step)
        except (NotFound, Unprocessable):
            return False
        found = changes(
            entry.parts, parts, self._store.packages([entry.parts.environment, parts.environment])
        )
        return set(parts_of(found)) <= (_MAY_DIFFER if is_kept else set())

    def takes_other(self, step: StepDefinition, parts: Parts) -> bool:
        """Whether the plan takes a result of this step that was made from something other than
        `parts`; inputs missing in `parts` do not count.
        """
        kept_result = self._kept_result(
            step, self._store.result(self._pipeline, step.name, step.slot)
        )
        if kept_result is None:
            return False
        before = replace(
            kept_result.parts,
            inputs={
                name: content
                for name, content in kept_result.parts.inputs.items()
                if name in parts.inputs or name not in step.inputs
            },
        )
        return bool(changes(before, parts, {}))

    def stands(self, step: StepDefinition) -> bool:
        """Whether the newest execution of a step made what is there now."""
        result = self._store.result(self._pipeline, step.name, step.slot)
        return result is not None and result.whole and not self._spoiled(step, result)

    def has_run(self, step: StepDefinition) -> bool:
        """Whether any execution of the step is known."""
        return self._store.result(self._pipeline, step.name, step.slot) is not None

    def _kept_result(self, step: StepDefinition, result: Result | None) -> Result | None:
        """The result that the plan says to take, if it is still the newest and its outputs are
        unchanged.
        """
        job = self._plan.keep.get(step.name)
        if (
            job is None
            or result is None
            or result.job != job
            or not (result.whole or self._plan.repairs)
            or self._spoiled(step, result)
        ):
            return None
        return result

    def _changes(self, result: Result | None, parts: Parts) -> list[Change]:
        if result is None:
            return []
        return changes(
            result.parts, parts, self._store.packages([result.parts.environment, parts.environment])
        )

    def _why_not(self, step: StepDefinition, result: Result | None, found: list[Change]) -> str:
        """Why the step must run; empty if its result can be taken."""
        if step.name in self._plan.again:
            return self._plan.again[step.name]
        if self._force:
            return "forced"
        if not step.cache:
            return "cache is off"
        if result is None:
            return "first run"
        differs = explain(found)
        if not result.whole:
            why = (
                "not finished last time"
                if result.job is None
                else "what it takes changed while it ran last time"
            )
            return f"{why}; {differs}" if differs else why
        return differs or self._spoiled(step, result)

    def _explanation(
        self, step: StepDefinition, parts: Parts, result: Result | None, reason: str
    ) -> tuple[tuple[str, ...], str]:
        """How the step differs from the last complete result, which may be older than the newest
        execution.
        """
        last = (
            result
            if result is None or result.whole
            else self._store.last_whole(self._pipeline, step.name)
        )
        if last is None:
            return ("unfinished" if result else "first run",), reason
        differences = self._changes(last, parts)
        changed = list(parts_of(differences))
        if result is not None and not result.whole:
            changed.insert(0, "unfinished")
        elif not changed and (spoiled := self._spoiled(step, last)):
            changed.append("outputs")
            reason = spoiled if reason == spoiled else f"{reason}; {spoiled}"
        if not step.cache:
            changed.append("cache off")
        explanation = detail(self._root, step.notebook, last, parts, differences)
        return tuple(changed), explanation if explanation.startswith(
            reason
        ) else f"{reason}\n\n{explanation}".strip()

    def _spoiled(self, step: StepDefinition, result: Result) -> str:
        """What is wrong with the existing outputs.

        A file must be the one that was made: half a file is not a result. A reference need only
        exist: its domain keeps it consistent, and others may have changed it since (a new snapshot,
        other traffic).
        """
        for output in step.outputs:
            now = self._contents.of(output)
            if now is None:
                return f"output missing: {output}"
            if kind_of(output) == "file" and now != result.outputs.get(output):
                return f"output changed: {output}"
        return ""


def require(
    content: Callable[[str], str | None],
    references: Any,
    subject: str,
    fix: str,
    why: str = "It does not exist.",
) -> dict[str, str]:
    """Content ids of all references. Raises NotFound naming the first that is missing."""
    found: dict[str, str] = {}
    for reference in references:
        identity = content(reference)
        if identity is None:
            raise NotFound(f"{subject} {reference}.", why, fix)
        found[reference] = identity
    return found
