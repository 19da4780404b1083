"""The tests that a version must pass before it gets traffic. Each has a limit and a measured value;
one failure blocks the version.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from ..core.errors import MLInfraError
from . import client, measuring
from .bodies import (
    first_rows,
    open_inference_body,
    rows_in,
    sample_body,
    seldon_body,
    twice,
)
from .gate_list import GateList
from .gateway import Keys
from .log_tail import without_secrets
from .memory_test import Grown, Memory, MemoryLimits
from .own_answers import compared
from .own_tests import OwnTests
from .packaging import Bundle
from .row_test import RowTest
from .runtime import by_row
from .spec import Gate

TOLERANCE = 1e-6
LATENCY_MS = 100.0
SIGNATURE = "inputs are named and typed"
_NO_INFINITY = ", for which JSON has null, as for a missing value"
ENGINE = "onnxruntime if it answers as torch does, else torch"


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
    """The version under test. url: its predictions through the gateway.

    expected: what `own_answers` returns for `compared`; it is computed while the processes start.
    open_inference_url: the same deployment by the other protocol. rows: of a version that reads
    some of its inputs from the online store. processes: the numbers of its processes now; empty
    where nobody knows. replay: the test of that name; None if no other version has
    traffic.
    """

    url: str
    open_inference_url: str
    keys: Keys
    version: str
    bundle: Bundle
    expected: Future[Mapping[str, list[Any]]]
    rows: ProofRows | None = None
    processes: Callable[[], Collection[int]] = tuple
    name: str = ""
    model: str = ""
    latency_ms: float = LATENCY_MS
    own_tests: OwnTests | None = None
    memory: MemoryLimits | None = None
    replay: Callable[[], Gate | None] = lambda: None


def run(
    subject: Subject, gates: GateList, on_progress: Callable[[str], None] = lambda _: None
) -> None:
    """All tests in order, into `gates`. A test that cannot be carried out counts as failed;
    `measured` says why. None follows a row that ends or hangs the model's process: it would fail
    for the same reason.
    """
    if subject.rows is not None:
        gates.add(subject.rows.gate)
    on_progress("test before traffic: rows")
    rows = RowTest(subject.version, partial(_one_row, subject), subject.processes)
    gates.add(rows.gate(_asked(subject)))
    if rows.deadly:
        return
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
            memory.begin(partial(_first_row, subject))
        passed: bool | None
        try:
            measured, passed = test(subject)
        except Grown as error:  # the test *memory* says it again, and fails
            measured, passed = str(error), None
        except MLInfraError as error:
            measured, passed = without_secrets(str(error))[:500], False
        gates.add(Gate(name=name, limit=limit, measured=measured, passed=passed))
    if memory:
        on_progress("test before traffic: memory")
        gates.add(memory.gate(partial(_first_row, subject)))
    on_progress("test before traffic: replay")
    if replayed := subject.replay():
        gates.add(replayed)
    if subject.own_tests is not None:
        for name in subject.own_tests.names:
            on_progress(f"test before traffic: {name}")
            gates.add(_own_gate(subject, subject.own_tests, name))


def signature(bundle: Bundle) -> Gate:
    """What requests have to carry, and what is answered."""
    inputs = len(bundle.inputs)
    optional = sum(column.optional for column in bundle.inputs)
    params = f"; parameters {', '.join(item.name for item in bundle.params)}" * bool(bundle.params)
    measured = (
        f"{inputs} input{'' if inputs == 1 else 's'}, {optional} may be missing{params}; answers"
        f" {bundle.answers}; engine {bundle.engine}"
    )
    return Gate(name="signature", limit=SIGNATURE, measured=measured, passed=True)


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


def _equal_answers(subject: Subject) -> tuple[str, bool]:
    """Both protocols against the model's own pyfunc."""
    bundle = subject.bundle
    rows = compared(bundle) if subject.rows is None else subject.rows.asked
    if subject.rows is not None and not rows["ndarray"]:
        return "the online store has no complete row to compare", False
    expected = subject.expected.result()
    worst = 0.0
    answer = _ask_open_inference(subject, rows)
    if fault := _not_by_row(subject, rows, answer):
        return fault, False
    for protocol, found in (
        ("V1", _values(_ask(subject, subject.url, seldon_body(bundle, rows)))),
        ("V2", _by_name(answer)),
    ):
        pairs = _pairs(found, expected)
        if pairs is None:
            counts = sum(map(len, found.values())), sum(map(len, expected.values()))
            return f"{protocol}: {counts[0]} values, {counts[1]} expected", False
        for value, right in pairs:
            difference = _difference(value, right)
            if difference is None:
                why = _NO_INFINITY * (right in (math.inf, -math.inf))
                return f"{protocol}: {value!r:.80}, expected {right!r:.80}{why}", False
            worst = max(worst, difference)
    return f"{worst:.2g} over {rows_in(rows)} rows, both protocols", worst <= _tolerance(bundle)


def _not_by_row(subject: Subject, rows: Mapping[str, Any], answer: client.Answer) -> str:
    """What breaks the rule of `by_row` in an answer to these rows; empty if nothing does. One row
    is asked again twice in one request: an answer to one row may have one row by chance.
    """
    count = rows_in(rows)
    if count == 1:
        count, answer = 2, _ask_open_inference(subject, twice(rows))
    faults = (by_row.fault(item["name"], item["shape"], count) for item in answer.body["outputs"])
    found = next(filter(None, faults), "")
    return f"{by_row.WHAT} {found}" if found else ""


def _tolerance(bundle: Bundle) -> float:
    """A PyTorch model computes in float32, and with a batch of another size in another order."""
    return float(bundle.export.get("tolerance", TOLERANCE))


def _ask(subject: Subject, url: str, body: Mapping[str, Any]) -> client.Answer:
    answer = client.post(
        url, orjson.dumps(body), keys=subject.keys, version=subject.version, probe=True
    )
    client.prediction(answer, version=subject.version)
    return answer


def _asked(subject: Subject) -> Mapping[str, Any]:
    """The sample as requests carry it."""
    return subject.bundle.asked if subject.rows is None else subject.rows.asked


def _one_row(subject: Subject, row: Mapping[str, Any], seconds: float) -> client.Answer:
    """A row, for which one waits so long."""
    return client.post(
        subject.url,
        orjson.dumps(seldon_body(subject.bundle, row)),
        keys=subject.keys,
        version=subject.version,
        probe=True,
        timeout=seconds,
    )


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
        right = _flat([expected[name] for name in order])
    elif len(found) == 1 and len(expected) > 1:
        # Seldon's protocol answers row by row.
        (left,) = found.values()
        columns = list(expected.values())
        by_row = _flat(list(zip(*columns, strict=False)))
        same = len({len(column) for column in columns}) == 1 and len(left) == len(by_row)
        right = by_row if same else _flat(columns)
    else:
        left, right = _flat(list(found.values())), _flat(list(expected.values()))
    return list(zip(left, right, strict=True)) if len(left) == len(right) else None


def _difference(found: Any, expected: Any) -> float | None:
    """How far two values are from each other, relative to the expected one if that is above 1.
    None if they are not comparable, or texts that differ.
    """
    if isinstance(found, str) or isinstance(expected, str) or None in (found, expected):
        return 0.0 if found == expected else None
    if not (math.isfinite(found) and math.isfinite(expected)):
        return None  # their difference is NaN, which no limit would notice
    return abs(float(found) - float(expected)) / max(1.0, abs(float(expected)))


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


def _first_row(subject: Subject) -> None:
    """One more request of the test *latency*. Raises what a refused one stands for."""
    body = orjson.dumps(sample_body(subject.bundle, 1))
    answer = client.post(subject.url, body, keys=subject.keys, version=subject.version, probe=True)
    client.prediction(answer, version=subject.version)


def _flat(values: Any) -> list[Any]:
    """Numbers as floats, texts and nulls as they are, the names in an object before its values."""
    if isinstance(values, Mapping):
        return [item for pair in values.items() for item in _flat(pair)]
    if isinstance(values, list | tuple):
        return [item for value in values for item in _flat(value)]
    return [float(values) if isinstance(values, bool | int | float) else values]
