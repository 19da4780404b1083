"""The tests that a version must pass before it gets traffic. Each has a limit and a measured value;
one failure blocks the version.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from ..core.errors import MLInfraError, Unavailable, Unprocessable
from . import client, measuring, oracle
from .gateway import Keys
from .logged import Input
from .packaging import Bundle
from .spec import Gate
from .targets.inherited import inherited_variables

TOLERANCE = 1e-6
LATENCY_MS = 100.0
ORACLE_SECONDS = 300
COMPARED_ROWS = 100
"""Rows that are compared: those of the sample, and mixtures of their values and of `_SPREAD`, so
that they reach many leaves of the trees.
"""

_SPREAD = (-1000.0, -10.0, -1.5, -0.5, 0.0, 0.25, 0.5, 1.5, 10.0, 1000.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The version under test. url: its predictions through the gateway. started_seconds: how long
    its start took.

    expected: what `own_answers` returns for `compared_rows`; it is computed while the processes
    start.
    """

    url: str
    keys: Keys
    version: str
    bundle: Bundle
    workers: int
    started_seconds: float
    expected: Future[list[Any]]
    latency_ms: float = LATENCY_MS


def run(subject: Subject, on_progress: Callable[[str], None] = lambda _: None) -> list[Gate]:
    """All tests in order. A test that cannot be carried out counts as failed; `measured`
    says why.
    """
    optional = sum(column.optional for column in subject.bundle.columns)
    signature = (
        f"{len(subject.bundle.columns)} inputs, {optional} may be missing; answers"
        f" {subject.bundle.answers}"
    )
    gates = [
        Gate(name="signature", limit="inputs are named and typed", measured=signature, passed=True),
        Gate(
            name="start",
            limit="every process answers",
            measured=f"{subject.workers} in {subject.started_seconds:.1f} s",
            passed=True,
        ),
    ]
    for name, limit, test in (
        ("equal", f"answers differ from the model's own by at most {TOLERANCE:g}", _equal_answers),
        ("refuses", "bad requests get 4xx with a reason", _refuses_bad_requests),
        ("latency", f"p99 at most {subject.latency_ms:g} ms for one row", _latency),
    ):
        on_progress(f"test before traffic: {name}")
        try:
            measured, passed = test(subject)
        except MLInfraError as error:
            measured, passed = str(error)[:500], False
        gates.append(Gate(name=name, limit=limit, measured=measured, passed=passed))
    return gates


def check(gates: Sequence[Gate], name: str) -> None:
    """Raise Unprocessable if one has failed."""
    failed = [gate for gate in gates if not gate.passed]
    if failed:
        why = "; ".join(f"{gate.name}: {gate.limit}, measured {gate.measured}" for gate in failed)
        what = (
            f"{name} did not pass its tests before traffic ({len(gates) - len(failed)} of"
            f" {len(gates)})."
        )
        raise Unprocessable(
            what,
            f"{why}.",
            "Correct the model and register a new version. The traffic is unchanged.",
        )


def _equal_answers(subject: Subject) -> tuple[str, bool]:
    rows = compared_rows(subject.bundle)
    body = orjson.dumps({"data": {"names": subject.bundle.sample["names"], "ndarray": rows}})
    answer = client.post(subject.url, body, keys=subject.keys, version=subject.version, probe=True)
    answers = _flat(client.prediction(answer, version=subject.version).predictions)
    expected = _flat(subject.expected.result())
    if len(answers) != len(expected):
        return f"{len(answers)} values, {len(expected)} expected", False
    worst = max(abs(a - b) / max(1.0, abs(b)) for a, b in zip(answers, expected, strict=True))
    return f"{worst:.2g} over {len(rows)} rows", worst <= TOLERANCE


def compared_rows(bundle: Bundle) -> list[list[Any]]:
    """Rows that the signature allows, the sample first; always the same for the same bundle."""
    sample = list(bundle.sample["ndarray"])
    chance = random.Random(bundle.id)  # noqa: S311 (no secret: rows for a test)
    choices = [
        _choices(column, [row[position] for row in sample])
        for position, column in enumerate(bundle.columns)
    ]
    return [
        *sample,
        *(
            [chance.choice(values) for values in choices]
            for _ in range(COMPARED_ROWS - len(sample))
        ),
    ]


def _choices(column: Input, sampled: Sequence[Any]) -> list[Any]:
    """Values of the sample, and others of the same type. Other than in the sample, only numbers may
    be missing.
    """
    spread: dict[str, Sequence[Any]] = {
        "boolean": (False, True),
        "string": (),
        "integer": (-10, -1, 0, 1, 2, 10),
        "long": (-10, -1, 0, 1, 2, 10),
    }
    missing = [None] if column.optional and column.type in ("double", "float") else []
    return [*sampled, *spread.get(column.type, _SPREAD), *missing]


def own_answers(bundle: Bundle, python: str) -> list[Any]:
    """What the logged model's own pyfunc answers for `compared_rows`. python: of its own
    environment, where it runs in a separate process.

    Raises Unprocessable if it does not answer, Unavailable if that takes too long.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "MLmodel").write_text(json.dumps(bundle.document))  # JSON is valid YAML
        (folder / bundle.model_file).symlink_to(bundle.folder / bundle.model_file)
        columns = [{"name": column.name, "type": column.type} for column in bundle.columns]
        facts = {
            "columns": columns,
            "rows": compared_rows(bundle),
            "answers": bundle.answers,
            "model_class": bundle.model_class,
        }
        (folder / "rows.json").write_text(json.dumps(facts))
        command = [python, "-I", str(Path(oracle.__file__)), name, str(folder / "rows.json")]
        environment = {
            **inherited_variables(os.environ),
            "CUDA_VISIBLE_DEVICES": "",
            "OMP_NUM_THREADS": "1",
            "MLFLOW_TRACKING_URI": folder.as_uri(),
        }
        try:
            result = subprocess.run(
                command,
                cwd=name,
                env=environment,
                capture_output=True,
                text=True,
                timeout=ORACLE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise Unavailable(
                "The model's own prediction took too long.",
                f"Over {ORACLE_SECONDS} s.",
                "Deploy it again.",
            ) from error
    if result.returncode:
        last_line = (result.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise Unprocessable(
            "The model's own pyfunc does not answer.",
            last_line[:400],
            "Log the model again with a signature that fits its inputs.",
        )
    return list(json.loads(result.stdout))


def _refuses_bad_requests(subject: Subject) -> tuple[str, bool]:
    names, first_row = subject.bundle.sample["names"], subject.bundle.sample["ndarray"][0]
    numeric = next(
        (
            position
            for position, column in enumerate(subject.bundle.columns)
            if column.type != "string"
        ),
        None,
    )
    wrong_type = [
        {"not": "a number"} if position == (numeric or 0) else value
        for position, value in enumerate(first_row)
    ]
    cases = {
        "an unknown column": orjson.dumps(
            {"data": {"names": [*names[:-1], "no such column"], "ndarray": [first_row]}}
        ),
        "a wrong type": orjson.dumps({"data": {"names": names, "ndarray": [wrong_type]}}),
        "an empty batch": orjson.dumps({"data": {"names": names, "ndarray": []}}),
        "broken JSON": b'{"data": {"ndarray": [[',
    }
    for name, body in cases.items():
        answer = client.post(
            subject.url, body, keys=subject.keys, version=subject.version, probe=True
        )
        if not (
            400 <= answer.status < 500
            and isinstance(answer.body, dict)
            and answer.body.get("what")
            and answer.body.get("fix")
        ):
            return f"{name} got status {answer.status}", False
    return f"{len(cases)} of {len(cases)}", True


def _latency(subject: Subject) -> tuple[str, bool]:
    body = orjson.dumps(
        {
            "data": {
                "names": subject.bundle.sample["names"],
                "ndarray": subject.bundle.sample["ndarray"][:1],
            }
        }
    )
    latency = measuring.latency(
        subject.url, body, at_most_ms=subject.latency_ms, keys=subject.keys, version=subject.version
    )
    return str(latency), latency.p99_ms <= subject.latency_ms


def _flat(values: Sequence[Any]) -> list[float]:
    return [
        item
        for value in values
        for item in (_flat(value) if isinstance(value, list) else [float(value)])
    ]
