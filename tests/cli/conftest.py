"""The command line, in this process over a noted workbench, or in a process of its own over a real
project.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from jupyter_mlinfra import workbench
from jupyter_mlinfra.cli import Session
from jupyter_mlinfra.cli import run as carry_out
from jupyter_mlinfra.core.project import Project
from tests.server.noted import Noted


@dataclass(frozen=True)
class Said:
    """What a process of the command line left."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """The one JSON value on standard output; fails when there is more or less."""
        return json.loads(self.out)


@pytest.fixture
def mlinfra(project: Project) -> Callable[..., Said]:
    """Run `mlinfra WORDS` in the project."""

    def call(*words: str, timeout: float = 60, cwd: Any = None, stdin: str | None = None) -> Said:
        command = [sys.executable, "-m", "jupyter_mlinfra.cli", *words]
        done = subprocess.run(
            command,
            cwd=cwd or project.root,
            capture_output=True,
            text=True,
            timeout=timeout,
            input=stdin,
        )
        assert "Traceback" not in done.stdout + done.stderr
        return Said(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def noted(project: Project, monkeypatch: pytest.MonkeyPatch) -> Noted:
    """The workbench of every session."""
    notes = Noted()
    notes.__dict__["project"] = project
    monkeypatch.setattr(workbench, "current", lambda path=None: notes)
    return notes


@pytest.fixture
def verb(noted: Noted) -> Callable[[Sequence[str]], Any]:
    """Carry out words in this process; what it ended with."""
    return lambda words: carry_out(words, Session(json=True))
