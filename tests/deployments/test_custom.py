"""What a model says of its answers by Seldon's methods, and what Prometheus reads of it."""

from __future__ import annotations

import math
import shutil
import subprocess
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import numpy as np
import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

from jupyter_mlinfra.deployments.runtime.custom import MOST_SERIES, Custom
from jupyter_mlinfra.deployments.targets.own_metrics import merged


class Talking:
    """A model that says what it is told to say."""

    def __init__(self, metrics: Any = (), tags: Any = None) -> None:
        self.said, self.tagged = metrics, {} if tags is None else tags

    def metrics(self) -> Any:
        if isinstance(self.said, Exception):
            raise self.said
        return self.said

    def tags(self) -> Any:
        return self.tagged


def metric(kind: str, key: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"type": kind, "key": key, "value": value, **more}


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_counters_add_up_gauges_are_the_last_and_timers_are_in_ranges_of_seconds() -> None:
    model = Talking(tags={"team": "blue", "size": np.int64(3)})
    custom = Custom(model)
    for value in (2.0, np.float32(0.5)):
        model.said = [
            metric("COUNTER", "rows", value, tags={"kind": "a"}),
            metric("GAUGE", "depth", value),
            metric("TIMER", "think", 1000 * value),
        ]
        said = custom.said()
        assert said.tags == {"team": "blue", "size": 3}
        assert [item["value"] for item in said.metrics] == [value, value, 1000 * value]
    found = samples(custom.exposition({"version": "v1"}))
    one, kind = frozenset({("version", "v1")}), ("kind", "a")
    assert found["rows_total", one | {kind}] == 2.5
    assert found["depth", one] == 0.5
    assert (found["think_count", one], found["think_sum", one]) == (2, 2.5)
    below = {
        float(dict(labels)["le"]): count
        for (name, labels), count in found.items()
        if name == "think_bucket"
    }
    assert below[math.inf] == 2
    edge = min(bound for bound, count in below.items() if count == 1)
    assert 0.5 <= edge < 0.7, "of Seldon's ranges, the one that ends beyond half a second"


@pytest.mark.parametrize(
    "said",
    [
        RuntimeError("no figures today"),
        "no list",
        [metric("SUMMARY", "a", 1)],
        [metric("COUNTER", "a", "many")],
        [metric("COUNTER", "a", True)],
        [metric("COUNTER", "a", math.nan)],
        [metric("COUNTER", "a", 1, tags="x")],
        [{"key": "a"}],
    ],
)
def test_what_is_no_metric_is_left_out_and_said_once(
    said: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    model = Talking(said, tags={"team": "blue"})
    custom = Custom(model)
    assert [(custom.said().metrics, custom.said().tags) for _ in range(2)] == [
        ([], {"team": "blue"})
    ] * 2
    assert custom.exposition({}) == ""
    assert capsys.readouterr().err.count("metrics() of the model is left out") == 1
    model.said = [metric("COUNTER", "a", 1), metric("COUNTER", "b", "x")]
    assert [item["key"] for item in custom.said().metrics] == ["a"]


def test_attributes_that_are_no_such_methods_are_left_alone() -> None:
    class Other:
        tags = ("a", "b")

        def metrics(self, frame: Any) -> Any:
            raise AssertionError(frame)

    assert not Custom(Other()).said().tags
    assert not Custom(None).said().metrics


def test_a_model_that_invents_names_without_end_does_not_fill_the_memory() -> None:
    model = Talking()
    custom = Custom(model)
    for start in range(0, MOST_SERIES + 500, 500):
        model.said = [metric("COUNTER", f"name_{start + at}", 1) for at in range(500)]
        assert len(custom.said().metrics) == 500
    assert len(samples(custom.exposition({}))) == MOST_SERIES


def test_odd_names_and_labels_are_read_by_prometheus_and_processes_become_one_text() -> None:
    custom = Custom(Talking([metric("GAUGE", "7 of-9", 1, tags={"who is": 'a "b"\\\n'})]))
    custom.said()
    one, two = (custom.exposition({"process": name}) for name in ("1", "2"))
    text = merged([one, two, "# TYPE mlinfra_deployment_processes gauge\nmlinfra_x 1\n"])
    assert text.count("# TYPE") == 1
    assert set(samples(text)) == {
        ("_7_of_9", frozenset({("who_is", 'a "b"\\\n'), ("process", name)})) for name in ("1", "2")
    }


def test_a_label_may_hold_any_character_that_ends_a_line_elsewhere() -> None:
    odd = "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029# TYPE x"
    custom = Custom(Talking([metric("GAUGE", "depth", 1, tags={"odd": odd})]))
    custom.said()
    lines = merged([custom.exposition({})]).split("\n")
    assert lines[2:] == [f'depth{{odd="{odd}"}} 1', ""]


def passed_by_promtool(text: str) -> list[str]:
    """The samples of a text that Prometheus takes."""
    path = shutil.which("promtool")
    assert path, "This test asks Prometheus itself. On Debian: apt-get install promtool"
    done = subprocess.run(
        [path, "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = [line.rpartition(" ")[0] for line in text.split("\n") if line and line[0] != "#"]
    assert len(set(found)) == len(found), "a sample twice fails the whole scrape"
    return found


def test_no_tag_and_no_name_of_a_model_breaks_the_scrape() -> None:
    tags: list[Mapping[str, str]] = [
        {"b": "1", "a": "2"},
        {"a": "2", "b": "1", "le": "5", "version": "mine", "process": "0", "empty": ""},
        {"a:b": "1", "a.b": "2", "a_b": "3"},
        {"__name__": "x", "7": "y", "": "z"},
    ]
    said = [
        metric(kind, kind[0].lower(), 1, tags=item)
        for item in tags
        for kind in ("COUNTER", "TIMER")
    ]
    said += [metric("GAUGE", name, 1) for name in ("c_total", "t_count", "t", "size")]
    said += [metric("COUNTER", "c_total", 1), metric("COUNTER", "c", -1)]
    passed_on: list[Any] = []
    custom = Custom(Talking(said), passed_on.extend)
    custom.said()
    other_process = "# TYPE c_total gauge\nc_total 1\n"
    found = passed_by_promtool(merged([custom.exposition({"version": "v1"}), other_process]))
    assert [line for line in found if not line.startswith("t_")] == [
        'c_total{_="z",_7="y",name__="x",version="v1"}',
        'c_total{a="2",b="1",version="v1"}',
        'c_total{a_b="3",version="v1"}',
        'c_total{version="v1"}',
        'size{version="v1"}',
    ]
    assert {item["key"] for item in passed_on} == {"c", "t", "size"}
    assert {tuple(item["tags"]) for item in passed_on} == {
        (),
        ("a", "b"),
        ("a_b",),
        ("_", "_7", "name__"),
    }


class Odd(Exception):
    """An error that cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError


class Kind(StrEnum):
    COUNTER = "COUNTER"


@pytest.mark.parametrize(
    "said",
    [
        Odd(),
        [metric("COUNTER", "a", 1), metric([], "b", 1)],  # type: ignore[arg-type]
        [metric("COUNTER", "a", 1), metric("GAUGE", "b", 1, tags=np.array([1, 2]))],
        [metric(Kind.COUNTER, np.str_("a"), np.int8(1)), metric("GAUGE", "b", 1, tags={1: Odd()})],
        [metric("COUNTER", "a\ud800", 1, tags={"\ud800": "\ud800"})],
    ],
)
def test_an_answer_never_fails_by_what_a_model_says_of_it(said: Any) -> None:
    def counted_elsewhere(_: Any) -> None:
        raise ConnectionError

    tags = {"half": "\ud800", "\udfff": 1, "deep": {1, 2}, "nan": math.nan, "large": 2**64 - 1}
    custom = Custom(Talking(said, tags), counted_elsewhere)
    answer = custom.said()
    orjson.dumps([answer.metrics, answer.tags])
    assert answer.tags == {
        "half": "?",
        "?": 1,
        "deep": "{1, 2}",
        "nan": None,
        "large": "18446744073709551615",
    }
    assert len(answer.metrics) == (0 if isinstance(said, Odd) else 1)
    assert len(samples(custom.exposition({}))) == len(answer.metrics)
    custom.exposition({}).encode()
    assert Custom(Talking(said, np.array([1, 2]))).said().tags == {}
