"""A project with tiny notebooks, and pipelines that run them with the real jobs."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Jobs
from jupyter_mlinfra.pipelines import Pipelines

COUNT = """
from pathlib import Path
with open("{0}.count", "a") as counter:
    counter.write("run\\n")
"""
"""A cell that leaves one line each time it runs."""


class Workshop:
    """Writes notebooks and pipeline files into a project, and reads what their runs left."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def notebook(
        self, name: str, *cells: str, parameters: str = "", kernel: str = "python3"
    ) -> Path:
        """A notebook `name.ipynb`; `parameters` becomes the tagged cell at its top."""
        made = [self._cell(parameters, ["parameters"])] if parameters else []
        made += [self._cell(textwrap.dedent(cell).strip("\n")) for cell in cells]
        return self.raw(name, made, kernel=kernel)

    def raw(self, name: str, cells: list[dict[str, Any]], *, kernel: str = "python3") -> Path:
        """A notebook of ready cells."""
        path = self.root / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        metadata = {"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}}
        path.write_text(
            json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})
        )
        return path

    def step(self, name: str, *, takes: str = "", makes: str = "", then: str = "") -> Path:
        """A notebook that counts its runs, copies what it takes to what it makes, and adds its
        name.
        """
        body = COUNT.format(name) + then
        if makes:
            body += (
                f"\nPath('{makes}').write_text((Path('{takes}').read_text() if '{takes}' else '') +"
                f" '{name}')"
            )
        return self.notebook(name, body)

    def pipeline(self, text: str, name: str = "p.mlpipeline.yaml") -> Path:
        """A pipeline file."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))
        return path

    def count(self, name: str) -> int:
        """How often a step has run."""
        path = self.root / f"{name}.count"
        return len(path.read_text().splitlines()) if path.exists() else 0

    @staticmethod
    def _cell(source: str, tags: list[str] | None = None) -> dict[str, Any]:
        return {
            "cell_type": "code",
            "id": f"c{abs(hash(source)) % 10**8}",
            "metadata": {"tags": tags} if tags else {},
            "source": source.splitlines(keepends=True),
            "outputs": [],
            "execution_count": None,
        }


@pytest.fixture
def workshop(project: Project) -> Workshop:
    """The test's project, to write notebooks into."""
    return Workshop(project.root)


@pytest.fixture
def jobs(project: Project) -> Iterator[Jobs]:
    """Real jobs; all of them are ended after the test."""
    jobs = Jobs(project)
    yield jobs
    jobs.stop(cancel_running=True)


@pytest.fixture
def fingerprints() -> dict[str, Callable[[str], str | None]]:
    """What the domains would say of references; a test fills it."""
    return {}


@pytest.fixture
def pipelines(
    project: Project, jobs: Jobs, fingerprints: dict[str, Callable[[str], str | None]]
) -> Pipelines:
    """Pipelines on real jobs."""
    return Pipelines(project, jobs, fingerprints)
