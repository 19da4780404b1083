"""A shell with the magics, over a noted workbench or a real project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from jupyter_mlinfra import workbench
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.magics import load
from tests.server.noted import Noted


@pytest.fixture
def shell(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A fresh shell after `%load_ext jupyter_mlinfra`."""
    monkeypatch.setenv("IPYTHONDIR", str(project.root / "ipython"))
    InteractiveShell.clear_instance()
    # Nothing to write at exit, when its folder is gone.
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    load(shell)
    yield shell
    InteractiveShell.clear_instance()


@pytest.fixture
def noted(project: Project, monkeypatch: pytest.MonkeyPatch) -> Noted:
    """The workbench of every session."""
    notes = Noted()
    notes.__dict__["project"] = project
    monkeypatch.setattr(workbench, "current", lambda path=None: notes)
    return notes
