"""Fixtures that every test folder shares."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlinfra.core.project import Project

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # children would compile the same libraries again and again


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A fresh project with an almost empty `mlinfra.toml`; the working directory is its root."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "mlinfra.toml").write_text('[project]\nname = "test"\n')
    for name in [name for name in os.environ if name.startswith("MLINFRA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLINFRA_USER", "ana")
    monkeypatch.chdir(root)
    project = Project.open(root)
    yield project
    project.database.close()
