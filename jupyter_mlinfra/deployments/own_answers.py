"""The correct answers for the test before traffic *equal*: which rows are asked, and what the
logged model's own pyfunc answers to them, in its own environment and process.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from ..core.errors import Unavailable, Unprocessable
from ..core.processes import TOKEN, end_token
from . import oracle
from .environment import bytecode_folder
from .logged import Input
from .packaging import MODEL_FOLDER, Bundle
from .samples import MADE_UP
from .targets.inherited import inherited_variables

SECONDS = 300.0
GRACE_SECONDS = 10.0
"""After so much more the process ends itself: then nobody is left who would have ended it."""

COMPARED_ROWS = 100
"""Rows that are compared: those of the sample, and mixtures of their values and of `_SPREAD`, so
that they reach many leaves of the trees.
"""

_SPREAD = (-1000.0, -10.0, -1.5, -0.5, 0.0, 0.25, 0.5, 1.5, 10.0, 1000.0)
_LOOK_SECONDS = 0.2


def compared(bundle: Bundle) -> Mapping[str, Any]:
    """Rows that the signature allows, in the form of the bundle's sample, which comes first;
    always the same for the same bundle.

    For boosters also mixtures of their values and of `_SPREAD`. A model with code of its own may
    refuse what its author never saw, so it is compared on mixtures of the sample alone; one that
    had to be made up is mixed with ones, so that the rows differ.
    """
    from .runtime.values import NUMBERS  # loads NumPy, which a change of traffic does not need

    if bundle.engine not in ("xgboost", "lightgbm", "sklearn") or bundle.layout != "columns":
        return bundle.sample
    sample = list(bundle.sample["ndarray"])
    chance = random.Random(bundle.id)  # noqa: S311 (no secret: rows for a test)
    spread = bundle.engine != "sklearn"
    ones = [1] if bundle.sample.get(MADE_UP) and not spread else []
    choices = [
        _choices(column, [row[position] for row in sample], spread=spread)
        + (ones if column.type in NUMBERS else [])
        for position, column in enumerate(bundle.columns)
    ]
    mixed = [
        [chance.choice(values) for values in choices] for _ in range(COMPARED_ROWS - len(sample))
    ]
    return {**bundle.sample, "ndarray": [*sample, *mixed]}


def _choices(column: Input, sampled: Sequence[Any], *, spread: bool) -> list[Any]:
    """Values that a row may have in one column."""
    missing = [None] if column.optional and column.type in ("double", "float") else []
    numbers: Mapping[str, Sequence[Any]] = {
        "boolean": (False, True),
        "integer": (-10, -1, 0, 1, 2, 10),
        "long": (-10, -1, 0, 1, 2, 10),
        "double": _SPREAD,
        "float": _SPREAD,
    }
    return [
        *sampled,
        *(numbers.get(column.type, ()) if spread else ()),
        *(missing if spread else []),
    ]


def own_answers(
    bundle: Bundle,
    python: str,
    rows: Mapping[str, Any] | None = None,
    *,
    unwanted: Callable[[], bool] = lambda: False,
) -> Mapping[str, list[Any]]:
    """What the logged model's own pyfunc answers for `compared`, or these rows: flat values by
    output. python: of its own environment, where it runs in a separate process. unwanted: whether
    nobody waits for the answers any more, so that the process is ended.

    Raises Unprocessable if it does not answer, Unavailable if it is unwanted.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = _model_folder(bundle, folder)
        facts = {
            "columns": [asdict(column) for column in bundle.columns],
            "layout": bundle.layout,
            "engine": "torch" if bundle.export else bundle.engine,
            "rows_at_once": bundle.export.get("rows_at_once", 0),
            "sample": compared(bundle) if rows is None else rows,
            "answers": bundle.answers,
            "model_class": bundle.model_class,
        }
        request, answers = folder / "rows.json", folder / "answers.json"
        request.write_bytes(orjson.dumps(facts))
        script = str(Path(oracle.__file__))
        # As the serving processes: compiled once, and beside the environment. Isolated, it reads no
        # variable that would say so.
        compiled = f"pycache_prefix={bytecode_folder(Path(python))}"
        paths = [script, str(model), str(request), str(answers)]
        command = [python, "-I", "-X", compiled, *paths]
        status, last_line = _run(command, folder, unwanted)
        if status or not answers.is_file():
            why = last_line if last_line and status in (0, 1) else _ended(status)
            raise Unprocessable("The model's own pyfunc does not answer.", why, _FIX)
        return dict(json.loads(answers.read_text(encoding="utf-8")))


_FIX = "Load the logged model in a notebook and predict its input example: it must answer there."


def _run(command: Sequence[str], folder: Path, unwanted: Callable[[], bool]) -> tuple[int, str]:
    """How it ended, and the last line that it said. What it started ends with it.

    It stays in the session of the deploy, so that it ends with the job that deploys. Raises
    Unprocessable if it takes too long.
    """
    token = f"mlinfra-oracle-{uuid.uuid4().hex}"
    environment = {
        **inherited_variables(os.environ),
        TOKEN: token,
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
        "MLFLOW_TRACKING_URI": folder.as_uri(),
    }
    deadline = time.monotonic() + SECONDS
    process = subprocess.Popen(
        [*command, f"{SECONDS + GRACE_SECONDS}"],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        process_group=0,
    )
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                _, errors = process.communicate(timeout=_LOOK_SECONDS)
                lines = errors.decode(errors="replace").strip().splitlines()
                return process.returncode, "".join(lines[-1:])[:400]
            if unwanted():
                raise Unavailable("The model's own pyfunc was not waited for.")
            if time.monotonic() > deadline:
                raise Unprocessable(
                    "The model's own pyfunc does not answer.",
                    f"It was ended after {SECONDS:g} s, in another process than those that serve.",
                    _FIX,
                )
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        end_token(token, grace_seconds=0)  # what the model has started and has left the group


def _ended(status: int) -> str:
    """How a process ended that no exception has ended."""
    if status < 0:
        return f"Its process was ended by {signal.Signals(-status).name}."
    return f"Its process ended with status {status}."


def _model_folder(bundle: Bundle, folder: Path) -> Path:
    """Where MLflow can load the model from. The bundle of a format without code holds the model's
    file alone.
    """
    if bundle.engine not in ("xgboost", "lightgbm"):
        return bundle.folder / MODEL_FOLDER
    (folder / "MLmodel").write_text(json.dumps(bundle.document))  # JSON is valid YAML
    stored = next(iter(bundle.files))
    (folder / bundle.model_file).symlink_to(bundle.folder / stored)
    return folder
