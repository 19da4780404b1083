"""Who acts in a project, and what its folder shows of it."""

from __future__ import annotations

import os
import pwd
import subprocess

import pytest

from jupyter_mlinfra.core.project import Project


def test_a_user_without_an_account_is_known_by_number(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLINFRA_USER", "JUPYTERHUB_USER", "LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)

    def unknown(number: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert project.user == f"uid-{os.getuid()}"


def test_git_never_lists_the_state(project: Project) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=project.root, check=True)
    project.events.last_id()
    listed = subprocess.run(["git", "status", "--porcelain", "-uall"], cwd=project.root, capture_output=True, text=True, check=True).stdout
    assert listed.split() == ["??", "mlinfra.toml"]
    assert (project.home / "state.db").exists()
