"""A project whose folder is removed while it serves: its processes end by themselves."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pytest

from jupyter_mlinfra.core.processes import Identity
from jupyter_mlinfra.deployments import Deployments
from jupyter_mlinfra.deployments.targets.process_table import ProcessTable
from tests.deployments.test_faults import keeper, until

pytestmark = pytest.mark.slow


def removed(folder: Path) -> bool:
    """Remove a folder; whether nothing was written to it at that moment."""
    with contextlib.suppress(OSError):
        shutil.rmtree(folder)
    return not folder.exists()


def test_nothing_outlives_the_projects_folder(
    tmp_path: Path, models: Mapping[int, Path], kit: ModuleType
) -> None:
    project = kit.open_project(tmp_path / "gone", "[deployments]\nworkers = 1\n")
    deployments = Deployments(project, kit.Registry(models))
    deployments.deploy("flights", version="flights/1")
    identities, pid = (
        [row.identity for row in ProcessTable(deployments._project.database).rows()],
        keeper(deployments),
    )
    assert pid is not None
    until(lambda: removed(project.home))  # its processes write to it meanwhile
    until(lambda: Identity.of(pid) is None and not any(identity.alive() for identity in identities))
    assert not project.home.exists()
    project.database.close()
