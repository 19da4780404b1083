"""The tests that a version must pass before it gets traffic. Each has a limit and a measured value;
one failure blocks the version.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from ..core.errors import MLInfraError, Unavailable, Unprocessable
from . import client, measuring, oracle
from .bodies import first_rows, open_inference_body, sample_body, seldon_body
from .environment import bytecode_folder
from .gateway import Keys
from .logged import Input
from .memory_test import Memory, MemoryLimits
from .onnx_export import said
from .own_tests import OwnTests
from .packaging import MODEL_FOLDER, Bundle
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
class ProofRows:
    """The sample of a version that is asked by keys: asked: as requests carry it; complete: the
    same rows with all inputs, as training would have them. gate: whether the online store has what
    training would have.
    """

    asked: Mapping[str, Any]
    complete: Mapping[str, Any]
    gate: Gate


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The version under test. url: its predictions through the gateway. started_seconds: how long
    its start took.

    expected: what `own_answers` returns for `compared`; it is computed while the processes start.
    open_inference_url: the same deployment by the other protocol. rows: of a version that reads
    some of its inputs from the online store. replay: the test of that name; None if nothing is
    logged.
    """

    url: str
    open_inference_url: str
    keys: Keys
    version: str
    bundle: Bundle
    workers: int
    started_seconds: float
    expected: Future[Mapping[str, list[Any]]]
    rows: ProofRows | None = None
    name: str = ""
    model: str = ""
    latency_ms: float = LATENCY_MS
    own_tests: OwnTests | None = None
    memory: MemoryLimits | None = None
    replay: Callable[[], Gate | None] = lambda: None


def run(subject: Subject, on_progress: Callable[[str], None] = lambda _: None) -> list[Gate]:
    """All tests in order. A test that cannot be carried out counts as failed; `measured`
    says why.
    """
    optional = sum(column.optional for column in subject.bundle.inputs)
    signature = (
        f"{len(subject.bundle.inputs)} inputs, {optional} may be missing; answers"
        f" {subject.bundle.answers}; engine {subject.bundle.engine}"
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
    if report := subject.bundle.export:
        limit = "onnxruntime if it answers as torch does, else torch"
        gates.insert(1, Gate(name="engine", limit=limit, measured=said(report), passed=True))
    if subject.rows is not None:
        gates.append(subject.rows.gate)
    tolerance = _tolerance(subject.bundle)
    memory = Memory(subject.memory) if subject.memory else None
    latency = partial(_latency, on_answer=memory.count if memory else _nothing)
    for name, limit, test in (
        ("equal", f"answers differ from the model's own by at most {tolerance:g}", _equal_answers),
        ("refuses", "bad requests get 4xx with a reason", _refuses_bad_requests),
        ("latency", f"p99 at most {subject.latency_ms:g} ms for one row", latency),
    ):
        on_progress(f"test before traffic: {name}")
        if memory and name == "latency":
            memory.begin()
        try:
            measured, passed = test(subject)
        except MLInfraError as error:
            measured, passed = str(error)[:500], False
        gates.append(Gate(name=name, limit=limit, measured=measured, passed=passed))
    if memory:
        on_progress("test before traffic: memory")
        gates.append(memory.gate(lambda: _one_row(subject)))
    on_progress("test before traffic: replay")
    gates += [gate for gate in [subject.replay()] if gate]
    if subject.own_tests is not None:
        for name in subject.own_tests.names:
            on_progress(f"test before traffic: {name}")
            gates.append(_own_gate(subject, subject.own_tests, name))
    return gates


def _own_gate(subject: Subject, tests: OwnTests, name: str) -> Gate:
    """A test of the project's own."""
    sample = subject.bundle.asked
    return tests.gate(
        name,
        url=subject.url,
        keys=subject.keys,
        version=subject.version,
        deployment=subject.name,
        model=subject.model,
        sample=[dict(zip(sample["names"], row, strict=True)) for row in sample.get("ndarray", ())],
    )


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
    """Both protocols against the model's own pyfunc."""
    bundle = subject.bundle
    rows = compared(bundle) if subject.rows is None else subject.rows.asked
    if subject.rows is not None and not rows["ndarray"]:
        return "the online store has no complete row to compare", False
    expected = subject.expected.result()
    worst = 0.0
    for protocol, found in (
        ("V1", _values(_ask(subject, subject.url, seldon_body(bundle, rows)))),
        ("V2", _by_name(_ask_open_inference(subject, rows))),
    ):
        pairs = _pairs(found, expected)
        if pairs is None:
            counts = sum(map(len, found.values())), sum(map(len, expected.values()))
            return f"{protocol}: {counts[0]} values, {counts[1]} expected", False
        for value, right in pairs:
            difference = _difference(value, right)
            if difference is None:
                return f"{protocol}: {value!r:.80}, expected {right!r:.80}", False
            worst = max(worst, difference)
    count = len(next(iter(rows.get("jsonData", {"": rows.get("ndarray", ())}).values())))
    return f"{worst:.2g} over {count} rows, both protocols", worst <= _tolerance(bundle)


def _tolerance(bundle: Bundle) -> float:
    """A PyTorch model computes in float32, and with a batch of another size in another order."""
    return float(bundle.export.get("tolerance", TOLERANCE))


def _ask(subject: Subject, url: str, body: Mapping[str, Any]) -> client.Answer:
    answer = client.post(
        url, orjson.dumps(body), keys=subject.keys, version=subject.version, probe=True
    )
    if answer.status != 200 or not isinstance(answer.body, dict):
        raise client.refusal(answer)
    return answer


def _ask_open_inference(subject: Subject, rows: Mapping[str, Any]) -> client.Answer:
    body = open_inference_body(subject.bundle, rows)
    return _ask(subject, subject.open_inference_url, body)


def _values(answer: client.Answer) -> dict[str, list[Any]]:
    """All values of an answer of Seldon's protocol, by output if there are tensors."""
    body = answer.body
    if "jsonData" in body:
        return {name: _flat(values) for name, values in body["jsonData"].items()}
    return {"": _flat(client.prediction(answer).predictions)}


def _by_name(answer: client.Answer) -> dict[str, list[Any]]:
    """The outputs of an answer of the Open Inference Protocol."""
    return {item["name"]: _flat(item["data"]) for item in answer.body["outputs"]}


def _pairs(
    found: Mapping[str, list[Any]], expected: Mapping[str, list[Any]]
) -> list[tuple[Any, Any]] | None:
    """Values side by side: by name where both have the same names, else in order. None if their
    numbers differ.
    """
    if set(found) == set(expected):
        order = list(expected)
        left = [value for name in order for value in found[name]]
        right = [value for name in order for value in expected[name]]
    elif len(found) == 1 and len(expected) > 1:
        # Seldon's protocol answers row by row.
        (left,) = found.values()
        columns = list(expected.values())
        same = len({len(column) for column in columns}) == 1 and len(left) == sum(map(len, columns))
        by_row = [value for row in zip(*columns, strict=False) for value in row]
        right = by_row if same else [value for column in columns for value in column]
    else:
        left, right = _flat(list(found.values())), _flat(list(expected.values()))
    return list(zip(left, right, strict=True)) if len(left) == len(right) else None


def _difference(found: Any, expected: Any) -> float | None:
    """How far two values are from each other, relative to the expected one if that is above 1.
    None if they are not comparable, or texts that differ.
    """
    if isinstance(found, str) or isinstance(expected, str) or None in (found, expected):
        return 0.0 if found == expected else None
    return abs(float(found) - float(expected)) / max(1.0, abs(float(expected)))


def compared(bundle: Bundle) -> Mapping[str, Any]:
    """Rows that the signature allows, in the form of the bundle's sample, which comes first;
    always the same for the same bundle.

    For models of numbers also mixtures of their values and of `_SPREAD`. A model with code of its
    own may refuse what its author never saw, so it is compared on the sample alone.
    """
    if bundle.engine not in ("xgboost", "lightgbm", "sklearn") or bundle.layout != "columns":
        return bundle.sample
    sample = list(bundle.sample["ndarray"])
    chance = random.Random(bundle.id)  # noqa: S311 (no secret: rows for a test)
    spread = bundle.engine != "sklearn"
    choices = [
        _choices(column, [row[position] for row in sample], spread=spread)
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
    bundle: Bundle, python: str, rows: Mapping[str, Any] | None = None
) -> Mapping[str, list[Any]]:
    """What the logged model's own pyfunc answers for `compared`, or these rows: flat values by
    output. python: of its own environment, where it runs in a separate process.

    Raises Unprocessable if it does not answer, Unavailable if that takes too long.
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
        if result.returncode or not answers.is_file():
            last_line = (result.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise Unprocessable(
                "The model's own pyfunc does not answer.",
                last_line[:400],
                "Log the model again with a signature that fits its inputs.",
            )
        return dict(json.loads(answers.read_text(encoding="utf-8")))


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


def _refuses_bad_requests(subject: Subject) -> tuple[str, bool]:
    cases = _bad_bodies(subject.bundle)
    for name, (protocol, body) in cases.items():
        url = subject.url if protocol == "V1" else subject.open_inference_url
        answer = client.post(url, body, keys=subject.keys, version=subject.version, probe=True)
        if not (
            400 <= answer.status < 500
            and isinstance(answer.body, dict)
            and answer.body.get("what")
            and answer.body.get("fix")
        ):
            return f"{name} got status {answer.status} ({protocol})", False
    return f"{len(cases)} of {len(cases)}", True


def _bad_bodies(bundle: Bundle) -> Mapping[str, tuple[str, bytes]]:
    """Requests that no model may answer, with their protocol."""
    row = first_rows(bundle.asked, 1)
    v1, v2 = seldon_body(bundle, row), open_inference_body(bundle, row)
    inputs = v2["inputs"]
    cases = {
        "an empty batch": ("V1", orjson.dumps(seldon_body(bundle, first_rows(row, 0)))),
        "broken JSON": ("V1", b'{"data": {"ndarray": [['),
        "no inputs": ("V2", b'{"inputs": []}'),
        "a wrong shape": (
            "V2",
            orjson.dumps({"inputs": [{**inputs[0], "shape": [7, 7, 7]}, *inputs[1:]]}),
        ),
    }
    if bundle.layout != "columns":
        return cases
    names, first = list(row["names"]), list(row["ndarray"][0])
    columns = bundle.inputs
    wrong = next((i for i, item in enumerate(columns) if item.type != "string"), 0)
    unknown = {**v1["data"], "names": [*names[:-1], "no such column"]}
    typed = [
        ["not", "a value"] if at == wrong and columns[at].type != "array" else value
        for at, value in enumerate(first)
    ]
    cases["an unknown column"] = "V1", orjson.dumps({"data": unknown})
    if columns[wrong].type not in ("array", "any"):
        cases["a wrong type"] = "V1", orjson.dumps({"data": {**v1["data"], "ndarray": [typed]}})
    return cases


def _nothing() -> None: ...


def _latency(subject: Subject, on_answer: Callable[[], None]) -> tuple[str, bool]:
    latency = measuring.latency(
        subject.url,
        orjson.dumps(sample_body(subject.bundle, 1)),
        at_most_ms=subject.latency_ms,
        keys=subject.keys,
        version=subject.version,
        on_answer=on_answer,
    )
    return str(latency), latency.p99_ms <= subject.latency_ms


def _one_row(subject: Subject) -> None:
    """One more request of the test *latency*. Raises what a refused one stands for."""
    body = orjson.dumps(sample_body(subject.bundle, 1))
    answer = client.post(subject.url, body, keys=subject.keys, version=subject.version, probe=True)
    client.prediction(answer, version=subject.version)


def _flat(values: Any) -> list[Any]:
    """Numbers as floats, texts and nulls as they are."""
    if isinstance(values, list | tuple):
        return [item for value in values for item in _flat(value)]
    return [float(values) if isinstance(values, bool | int | float) else values]
