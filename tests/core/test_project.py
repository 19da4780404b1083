"""Who acts in a project."""

from __future__ import annotations

import os
import pwd

import pytest

from jupyter_mlinfra.core.project import Project


def test_a_user_without_an_account_is_known_by_number(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLINFRA_USER", "JUPYTERHUB_USER", "LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)

    def unknown(number: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert project.user == f"uid-{os.getuid()}"
