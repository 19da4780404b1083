"""What opens the project of a batch job in a test of its process: models from folders, and a real
catalog.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.project import Project

from .conftest import Registry


def open_bench(root: str | Path) -> Any:
    """The project at `root`, with the model folders that its models.json names."""
    project = Project.open(Path(root))
    folders = json.loads((Path(root) / "models.json").read_text())
    registry = Registry({int(number): Path(folder) for number, folder in folders.items()}, "trips")
    return SimpleNamespace(project=project, experiments=registry, catalog=Catalog(project))
