"""The test before traffic *rows*, on versions that do not like some row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import Unavailable
from jupyter_mlinfra.deployments import row_test
from jupyter_mlinfra.deployments.client import Answer
from jupyter_mlinfra.deployments.row_test import RowTest
from jupyter_mlinfra.deployments.runtime.guard import ENDS

SAMPLE = {"names": ["x"], "ndarray": [[0.0], [1.0], [2.0]]}
TENSORS = {"names": ["a", "b"], "jsonData": {"a": [[0.0], [1.0], [2.0]], "b": [7, 8, 9]}}
Ask = Callable[[Mapping[str, Any], float], Answer]


def answered(version: str = "v2", status: int = 200, **body: Any) -> Answer:
    return Answer(status, version, body, 1.0)


def judged(
    ask: Ask,
    sample: Mapping[str, Any] = SAMPLE,
    processes: Callable[[], list[int]] = lambda: [1, 2],
) -> tuple[bool | None, str, bool]:
    """Whether it passed, what it says, and whether no other test makes sense."""
    test = RowTest("v2", ask, processes)
    gate = test.gate(sample)
    assert gate.name == "rows"
    return gate.passed, gate.measured, test.deadly


@pytest.mark.parametrize("sample", [SAMPLE, TENSORS], ids=["rows", "tensors"])
def test_each_row_is_asked_alone(sample: Mapping[str, Any]) -> None:
    asked: list[Mapping[str, Any]] = []

    def ask(row: Mapping[str, Any], _: float) -> Answer:
        asked.append(row.get("jsonData") or row["ndarray"])
        return answered()

    assert judged(ask, sample) == (True, "3 answered", False)
    assert asked == (
        [[[0.0]], [[1.0]], [[2.0]]]
        if sample is SAMPLE
        else [{"a": [[0.0]], "b": [7]}, {"a": [[1.0]], "b": [8]}, {"a": [[2.0]], "b": [9]}]
    )


@pytest.mark.parametrize(
    "answer", [answered("v1"), answered(status=503, what="No worker can answer.")]
)
def test_a_row_that_ends_a_process_is_named_whoever_answers_for_it(answer: Answer) -> None:
    alive = [1, 2]

    def ask(row: Mapping[str, Any], _: float) -> Answer:
        if row["ndarray"] != [[1.0]]:
            return answered()
        alive[0] = 3  # the process was started again
        return answer

    passed, measured, deadly = judged(ask, processes=lambda: list(alive))
    assert (passed, deadly) == (False, True)
    assert measured == "row 2 of the sample ends the model's process (exit or crash)"


def test_a_row_that_ends_a_child_of_the_process_is_named_by_what_the_guard_says() -> None:
    passed, measured, deadly = judged(lambda *_: answered(status=500, what=ENDS, why="It died."))
    assert (passed, deadly) == (False, True)
    assert measured == "row 1 of the sample ends the model's process (exit or crash)"


def test_a_row_that_hangs_is_named_with_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_test, "ROW_SECONDS", 0.0)
    monkeypatch.setattr(row_test, "GONE_SECONDS", 0.0)

    def ask(*_: Any) -> Answer:
        raise Unavailable("The gateway does not answer.")

    passed, measured, deadly = judged(ask)
    assert (passed, deadly) == (False, True)
    assert measured == "row 1 of the sample is not answered within 0 s: the model hangs"


def test_a_row_that_is_refused_is_named_with_the_reason_and_the_other_tests_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(row_test, "GONE_SECONDS", 0.0)

    def ask(row: Mapping[str, Any], _: float) -> Answer:
        bad = row["ndarray"] == [[2.0]]
        return (
            answered(status=500, what="The model failed.", why="KeyError: 2.")
            if bad
            else answered()
        )

    assert judged(ask) == (
        False,
        "row 3 of the sample is refused: The model failed. KeyError: 2.",
        False,
    )


def test_the_rows_and_their_time_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    many = {"names": ["x"], "ndarray": [[float(place)] for place in range(1000)]}
    assert judged(lambda *_: answered(), many)[1] == "200 answered"
    monkeypatch.setattr(row_test, "SECONDS", 0.0)
    assert judged(lambda *_: answered())[0] is None, "nothing was asked"
