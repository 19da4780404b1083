"""What a new user meets first: the `mlinfra.toml` of a new project, what to do next, and a notebook
that runs through it on made-up data.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from .files import write_atomic
from .settings import FILE

NOTEBOOK = "first-steps.ipynb"

CARD = b"""# The project card. Every line may stay as it is: an empty file is a project too.
# [project]
# title = "Which customers will leave?"
# goal = "Call those who probably will, once a week"
# [project.targets]            # mlinfra project check measures each
# datasets = ["shop.orders"]
# requests_per_second = 20
"""

NEXT = (
    "jupyter lab, and in its launcher: First Steps (a notebook that runs as it is)",
    "mlinfra catalog ingest FILES --into shop.orders   (your data, as a dataset)",
    "%load_ext jupyter_mlinfra in a notebook: plain mlflow is tracked, every noun has a magic",
    "mlinfra jobs submit NOTEBOOK   (away from the kernel)",
    "the card in mlinfra.toml, then: mlinfra project check",
)

_CELLS: tuple[tuple[str, str], ...] = (
    (
        "markdown",
        (
            "# First steps\n\nEach cell runs as it is, on made-up data. What it makes appears in"
            " the panels at the left."
        ),
    ),
    ("code", "%load_ext jupyter_mlinfra\nimport jupyter_mlinfra as ml"),
    (
        "markdown",
        (
            "## A dataset\n\nFiles become a table with snapshots; the panel *Catalog* shows its"
            " columns and their profile."
        ),
    ),
    (
        "code",
        (
            "import random\nfrom pathlib import Path\n\nrandom.seed(1)\nrows ="
            ' [f"{n},{random.randint(1, 90)},{random.random() < 0.3:d}" for n in'
            ' range(500)]\nPath("first-orders.csv").write_text("\\n".join(["order,days,returned",'
            " *rows]))\n%catalog ingest first-orders.csv --into first.orders"
        ),
    ),
    ("code", 'orders = ml.dataset("first.orders").scan().collect()\norders.head()'),
    (
        "markdown",
        (
            "## A run\n\nPlain `mlflow` calls reach the same place, `mlflow.autolog()` too. The run"
            " knows the notebook and the snapshot of its data."
        ),
    ),
    (
        "code",
        (
            'for limit in (30, 60):\n    with ml.track("first", name=f"limit {limit}",'
            ' datasets=["first.orders"]) as run:\n        run.log_params({"limit": limit})\n       '
            ' guessed = (orders["days"] > limit) == (orders["returned"] == 1)\n       '
            ' run.log_metrics({"accuracy": guessed.mean()})\nml.runs("first",'
            ' sort="-metrics.accuracy")'
        ),
    ),
    (
        "markdown",
        (
            "## A job\n\nIt goes on when this kernel ends; the panel *Jobs* shows its log. A"
            " notebook is submitted by `%jobs submit NAME.ipynb -p depth=6`."
        ),
    ),
    ("code", "%jobs submit -- python -c \"print('from a job')\""),
    (
        "markdown",
        (
            "## What comes next\n\n- Your own data: `mlinfra catalog ingest FILES --into"
            " NAMESPACE.TABLE`\n- Features, pipelines, deployments and monitoring: the flights"
            " project of the source repository (`make demo`) goes through all of them on real"
            " data.\n- The card in `mlinfra.toml` says what is asked of the project; `mlinfra"
            " project check` measures it.\n- Press `i` on a row of any panel: it is put into the"
            " notebook as code."
        ),
    ),
)


def begin(root: Path) -> bool:
    """Make a folder a project; returns whether it was not one yet. Existing files stay as
    they are.
    """
    new = not (root / FILE).exists()
    if new:
        write_atomic(root / FILE, CARD, mode=0o644)
    return new


def first_notebook(root: Path) -> Path:
    """Write the notebook of the first steps, unless a file of its name exists."""
    path = root / NOTEBOOK
    if not path.exists():
        write_atomic(path, (json.dumps(_notebook(), indent=1) + "\n").encode(), mode=0o644)
    return path


def _notebook() -> dict[str, Any]:
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    # All that ipykernel says of its language: JupyterLab would add what is missing, and a notebook
    # that was only opened would have changes to save.
    language = {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
        "version": sys.version.split()[0],
    }
    cells = [_cell(number, kind, text) for number, (kind, text) in enumerate(_CELLS)]
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": language},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _cell(number: int, kind: str, text: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "cell_type": kind,
        "id": f"step-{number}",
        "metadata": {},
        "source": text.splitlines(keepends=True),
    }
    return found | ({"execution_count": None, "outputs": []} if kind == "code" else {})
