"""The tests that a version passes before it gets traffic. Each gives its limit and what was measured; one failure blocks."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from ..core.errors import MLInfraError, Unavailable, Unprocessable
from . import client, measuring
from .packaging import RUNTIME_NAME, Bundle
from .spec import Gate

TOLERANCE = 1e-6
LATENCY_MS = 100.0
OFFLINE_SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The version under test. url: its predictions through the gateway. started_seconds: what its start took.

    expected: what `offline` gives for the rows of the bundle's sample; it is reckoned while the processes start.
    """

    url: str
    version: str
    bundle: Bundle
    workers: int
    started_seconds: float
    expected: Future[list[Any]]
    latency_ms: float = LATENCY_MS


def run(subject: Subject, on_progress: Callable[[str], None] = lambda _: None) -> list[Gate]:
    """All tests in their order. A test that cannot be carried out has failed; `measured` says why."""
    optional = sum(column.optional for column in subject.bundle.columns)
    gates = [
        Gate(name="signature", limit="inputs are named and typed", measured=f"{len(subject.bundle.columns)} inputs, {optional} may be missing", passed=True),
        Gate(name="start", limit="every process answers", measured=f"{subject.workers} in {subject.started_seconds:.1f} s", passed=True),
    ]
    for name, limit, test in (
        ("equal", f"answers differ from offline predictions by at most {TOLERANCE:g}", _equal),
        ("refuses", "bad requests get 4xx with a reason", _refuses),
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
    """Raises Unprocessable when one has failed."""
    failed = [gate for gate in gates if not gate.passed]
    if failed:
        why = "; ".join(f"{gate.name}: {gate.limit}, measured {gate.measured}" for gate in failed)
        what = f"{name} did not pass its tests before traffic ({len(gates) - len(failed)} of {len(gates)})."
        raise Unprocessable(what, f"{why}.", "Mend the model and register a new version. The traffic is as it was.")


def _equal(subject: Subject) -> tuple[str, bool]:
    rows = subject.bundle.sample["ndarray"]
    answer = client.post(subject.url, orjson.dumps({"data": subject.bundle.sample}), version=subject.version, probe=True)
    given = _flat(client.prediction(answer, version=subject.version).predictions)
    wanted = _flat(subject.expected.result())
    if len(given) != len(wanted):
        return f"{len(given)} values, {len(wanted)} expected", False
    worst = max(abs(a - b) / max(1.0, abs(b)) for a, b in zip(given, wanted, strict=True))
    return f"{worst:.2g} over {len(rows)} rows", worst <= TOLERANCE


def offline(bundle: Bundle, python: str) -> list[Any]:
    """What the model predicts for the rows of the sample without a server, in a process of its own.

    The workbench's own XGBoost is asked when it is installed, so that a difference between the two environments shows; else the serving one.
    """
    asked = sys.executable if importlib.util.find_spec("xgboost") else python
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.json"
        file.write_text(json.dumps({"names": [column.name for column in bundle.columns], "rows": bundle.sample["ndarray"]}))
        command = [asked, "-m", f"{RUNTIME_NAME}.offline", str(bundle.folder / bundle.model_file), str(file)]
        environment = {**os.environ, "PYTHONPATH": str(bundle.folder), "PYTHONDONTWRITEBYTECODE": "1", "CUDA_VISIBLE_DEVICES": ""}
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=OFFLINE_SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            raise Unavailable("The offline prediction took too long.", f"Over {OFFLINE_SECONDS} s.") from error
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise Unprocessable("The model cannot be asked offline.", said[:400])
    return list(json.loads(done.stdout))


def _refuses(subject: Subject) -> tuple[str, bool]:
    names, first = subject.bundle.sample["names"], subject.bundle.sample["ndarray"][0]
    typed = next((place for place, column in enumerate(subject.bundle.columns) if column.type != "string"), None)
    wrong_type = [{"not": "a number"} if place == (typed or 0) else value for place, value in enumerate(first)]
    cases = {
        "an unknown column": orjson.dumps({"data": {"names": [*names[:-1], "no such column"], "ndarray": [first]}}),
        "a wrong type": orjson.dumps({"data": {"names": names, "ndarray": [wrong_type]}}),
        "an empty batch": orjson.dumps({"data": {"names": names, "ndarray": []}}),
        "broken JSON": b'{"data": {"ndarray": [[',
    }
    for name, body in cases.items():
        answer = client.post(subject.url, body, version=subject.version, probe=True)
        if not (400 <= answer.status < 500 and isinstance(answer.body, dict) and answer.body.get("what") and answer.body.get("fix")):
            return f"{name} got status {answer.status}", False
    return f"{len(cases)} of {len(cases)}", True


def _latency(subject: Subject) -> tuple[str, bool]:
    body = orjson.dumps({"data": {"names": subject.bundle.sample["names"], "ndarray": subject.bundle.sample["ndarray"][:1]}})
    found = measuring.latency(subject.url, body, at_most_ms=subject.latency_ms, version=subject.version)
    return str(found), found.p99_ms <= subject.latency_ms


def _flat(values: Sequence[Any]) -> list[float]:
    return [item for value in values for item in (_flat(value) if isinstance(value, list) else [float(value)])]
