"""Looking at a step before it runs: what it would be made of, and whether that was made already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import NotFound
from .cache import Parts, cell_digests, changes, explain
from .contents import Contents
from .definition import StepDefinition, render
from .environment import Environment, environment_of
from .imports import local_modules
from .notebook import read_notebook
from .references import kind_of
from .store import Result, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What was found. made: the result that can be taken, None when the step has to run. reason: why."""

    parts: Parts
    made: Result | None
    reason: str


class Assessor:
    """Looks at the steps of one run; environments are looked up once."""

    def __init__(self, root: Path, store: Store, contents: Contents, *, pipeline: str, values: Mapping[str, Any], force: bool) -> None:
        self._root = root
        self._store = store
        self._contents = contents
        self._pipeline = pipeline
        self._values = values
        self._force = force
        self._environments: dict[str, Environment] = {}

    def parameters(self, step: StepDefinition) -> dict[str, Any]:
        """The step's parameters with the run's values in place."""
        return {name: render(value, self._values) for name, value in step.parameters.items()}

    def look(self, step: StepDefinition) -> Assessment:
        """Raises NotFound when an input is not there, NotFound or Unprocessable when the notebook is not or cannot be read."""
        parts = self._parts(step)
        result = self._store.result(self._pipeline, step.name)
        reason = self._why_not(step, parts, result)
        return Assessment(parts=parts, made=None if reason else result, reason=reason or "nothing changed")

    def outputs(self, step: StepDefinition) -> dict[str, str]:
        """Content ids of what the step has made. Raises NotFound when something is missing."""
        self._contents.forget()
        return require(self._contents.of, step.outputs, f"Step {step.name} did not make", "Make it in the notebook, or take it out of `out`.")

    def _parts(self, step: StepDefinition) -> Parts:
        path = self._root / step.notebook
        notebook = read_notebook(path, step.notebook)
        inputs = require(self._contents.of, step.inputs, f"Step {step.name} takes", "Make it first; it is gone, or its step failed to make it.")
        if notebook.kernel not in self._environments:
            self._environments[notebook.kernel] = environment_of(notebook.kernel)
        environment = self._environments[notebook.kernel]
        self._store.keep_packages(environment.digest, environment.packages)
        return Parts(
            cells=cell_digests(notebook),
            places=[cell.number for cell in notebook.cells],
            modules=local_modules(notebook, path.parent, self._root),
            parameters=self.parameters(step),
            inputs=inputs,
            kernel=environment.kernel,
            python=environment.python,
            environment=environment.digest,
        )

    def _why_not(self, step: StepDefinition, parts: Parts, result: Result | None) -> str:
        """Why the step has to run; empty when its result can be taken."""
        if self._force:
            return "forced"
        if not step.cache:
            return "cache is off"
        if result is None:
            return "first run"
        packages = self._store.packages([result.parts.environment, parts.environment])
        differs = explain(changes(result.parts, parts, packages))
        if not result.whole:
            return f"not finished last time; {differs}" if differs else "not finished last time"
        return differs or self._spoiled(step, result)

    def _spoiled(self, step: StepDefinition, result: Result) -> str:
        """What is wrong with the outputs that there are.

        A file must be the one that was made: half a file is no result. Of a reference it is enough that it is there: its domain
        keeps it whole, and others may rightly have gone on from it (a new snapshot, a shift of traffic).
        """
        for output in step.outputs:
            now = self._contents.of(output)
            if now is None:
                return f"output missing: {output}"
            if kind_of(output) == "file" and now != result.outputs.get(output):
                return f"output changed: {output}"
        return ""


def require(content: Callable[[str], str | None], references: Any, what: str, fix: str) -> dict[str, str]:
    """Content ids of all references. Raises NotFound naming the first that is not there."""
    found: dict[str, str] = {}
    for reference in references:
        identity = content(reference)
        if identity is None:
            raise NotFound(f"{what} {reference}.", "It does not exist.", fix)
        found[reference] = identity
    return found
