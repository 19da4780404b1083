"""Requests of the payload log as a page shows them: newest first, each once, within bounds."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import orjson
import polars as pl
import pytest

from jupyter_mlinfra.core.errors import BadRequest, Conflict, NotFound
from jupyter_mlinfra.deployments import (
    latencies,
    request_verbs,
    requests,
    version_verdicts,
)
from jupyter_mlinfra.deployments.logged import Input
from jupyter_mlinfra.deployments.payload_log import compacting, reading
from jupyter_mlinfra.deployments.payload_log.frames import facts_of
from jupyter_mlinfra.deployments.payload_log.merging import compacted_files
from jupyter_mlinfra.deployments.payload_log.sums import span_sums
from jupyter_mlinfra.deployments.request_verbs import RequestVerbs
from jupyter_mlinfra.deployments.requests import LoggedRequest, Wanted
from jupyter_mlinfra.deployments.runtime.journal import Journal
from jupyter_mlinfra.experiments import outcomes_needed, verdict_of
from jupyter_mlinfra.faces.rows import row_of

START = 1_700_000_000.0


def logged(
    folder: Path,
    version: str,
    *entries: dict[str, Any],
    outputs: Sequence[str] = (),
    names: Sequence[str] = ("a", "ssn"),
) -> None:
    """The closed journal of one process, with the times that it would have had."""
    head = {"deployment": "flights", "version": version, "names": list(names), "types": []}
    head["outputs"] = list(outputs)
    before = set(folder.glob("*.jsonl"))
    journal = Journal(folder, head)
    for entry in entries:
        journal.put(entry)
    journal.close()
    (written,) = set(folder.glob("*.jsonl")) - before
    times = [entry["ts"] for entry in entries]
    file = folder / f"{version}-{int(min(times) * 1e6)}-{len(before) + 1}.jsonl"
    written.rename(file)
    os.utime(file, (max(times), max(times)))


def answered(number: int, *, rows: int = 1, ms: float = 1.5, status: int = 200) -> dict[str, Any]:
    """A request that arrived `number` seconds after the start."""
    entry = {
        "id": f"r{number}",
        "u": f"u{number}",
        "ts": START + number,
        "ms": ms,
        "st": status,
    }
    if status >= 400:
        return entry | {"k": "e", "what": f"why {number}", "b": "its body"}
    return entry | {
        "k": "p",
        "x": np.array([[number, row] for row in range(rows)], dtype=float),
        "y": np.full(rows, number / 10),
    }


def no_labels(since: datetime, until: datetime) -> Mapping[tuple[str, int], float]:
    return {}


def every(folder: Path, wanted: Wanted, limit: int) -> list[LoggedRequest]:
    """All pages."""
    found, cursor = [], None
    for _ in range(1000):
        page = requests.page(folder, wanted, limit=limit, cursor=cursor, labels=no_labels)
        assert len(page.items) <= limit
        found += page.items
        cursor = page.cursor
        assert page.more == (cursor is not None)
        if cursor is None:
            return found
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize("limit", [1, 3, 7, 500])
@pytest.mark.parametrize("compacted", [False, True])
def test_the_pages_hold_each_row_once_newest_first(
    tmp_path: Path, limit: int, compacted: bool
) -> None:
    logged(tmp_path, "v1", *(answered(number, rows=1 + number % 4) for number in range(0, 20, 2)))
    logged(tmp_path, "v2", *(answered(number, rows=1 + number % 4) for number in range(1, 20, 2)))
    logged(tmp_path, "v2", answered(3, rows=4), answered(30))  # 3 was retried
    if compacted:
        compacting.compact(tmp_path)
    found = [(item.id, item.row) for item in every(tmp_path, Wanted(), limit)]
    frame = reading.scan(tmp_path)
    assert sorted(found) == sorted(frame.select("request_id", "row").rows())
    times = {row[0]: row[1] for row in frame.select("request_id", "ts").rows()}
    assert found == sorted(found, key=lambda key: (-times[key[0]].timestamp(), key[1]))


def test_a_file_that_cannot_be_read_is_told_and_no_empty_list(tmp_path: Path) -> None:
    logged(tmp_path, "v1", answered(1))
    compacting.compact(tmp_path)
    (damaged,) = compacted_files(tmp_path, None)
    damaged.write_bytes(damaged.read_bytes()[:-100])
    asked = {"folder": tmp_path, "labels": no_labels}
    page = requests.page(**asked, wanted=Wanted(), limit=10, cursor=None)
    assert page.items == []
    assert page.note.startswith("A file of the log could not be read: v1-")
    logged(tmp_path, "v2", answered(2))
    page = requests.page(**asked, wanted=Wanted(), limit=10, cursor=None)
    assert [item.id for item in page.items] == ["r2"]
    assert page.note.startswith("A file of the log could not be read: v1-")


def test_inputs_whose_names_clash_are_shown_each(tmp_path: Path) -> None:
    logged(tmp_path, "v1", answered(1), names=["ts", "input.ts"])
    (item,) = every(tmp_path, Wanted(), 10)
    assert item.features == {"input.ts": 1.0, "input.input.ts": 0.0}


def test_probabilities_have_the_names_of_their_classes_where_the_model_told_them(
    tmp_path: Path,
) -> None:
    """Also after compaction and merging, and beside files that do not have them."""
    both = answered(1) | {"y": np.array([[0.75, 0.25]])}
    logged(tmp_path, "v1", both, outputs=["late", "on time"])
    logged(tmp_path, "v1", answered(2) | {"y": np.array([[0.5, 0.5]])}, outputs=["late", "on time"])
    logged(tmp_path, "v1", answered(3) | {"y": np.array([[0.1, 0.9]])})
    logged(tmp_path, "v1", answered(4), answered(5, status=400), outputs=["late", "on time"])
    expected = [
        {},
        {"prediction": 0.4},
        {"prediction": 0.1, "prediction_1": 0.9},
        {"late": 0.5, "on time": 0.5},
        {"late": 0.75, "on time": 0.25},
    ]
    for _ in range(2):
        found = every(tmp_path, Wanted(), 10)
        assert [dict(item.answer) for item in found] == expected
        assert row_of(found[-1])["answer"] == "late 0.75, on time 0.25"
        assert row_of(found[2])["answer"] == "0.1, 0.9"
        compacting.compact(tmp_path)
    merged = [orjson.loads(facts_of(file)["outputs"]) for file in compacted_files(tmp_path, None)]
    assert merged == [["late", "on time"], [], ["late", "on time"]], "the first two are one file"


def test_a_page_reads_no_more_files_than_it_may_and_the_next_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = [day * 86_400 for day in range(6)]  # files of different days are not merged
    for start in starts:
        logged(tmp_path, "v1", answered(start), answered(start + 1, status=500))
    compacting.compact(tmp_path)  # so that each file's time is that of its newest row
    monkeypatch.setattr(requests, "FILES", 2)
    first = requests.page(
        tmp_path, Wanted(outcome="failed"), limit=50, cursor=None, labels=no_labels
    )
    assert [item.id for item in first.items] == [
        f"r{start + 1}" for start in (starts[5], starts[4])
    ]
    assert "searched back to 2023-11-17" in first.note
    found = every(tmp_path, Wanted(outcome="failed"), 50)
    assert [item.id for item in found] == [f"r{start + 1}" for start in reversed(starts)]


def test_rows_are_filtered_by_version_outcome_and_time(tmp_path: Path) -> None:
    logged(tmp_path, "v1", answered(1), answered(2, status=400), answered(3, status=503))
    logged(tmp_path, "v2", answered(4))

    def ids(**values: Any) -> list[str]:
        return [item.id for item in every(tmp_path, Wanted(**values), 2)]

    assert ids(version="v1") == ["r3", "r2", "r1"]
    assert ids(outcome="answered") == ["r4", "r1"]
    assert ids(outcome="refused") == ["r2"]
    assert ids(outcome="failed", version="v2") == []
    assert ids(
        since=datetime.fromtimestamp(START + 2, UTC), until=datetime.fromtimestamp(START + 4, UTC)
    ) == ["r3", "r2"]


@pytest.mark.parametrize("compacted", [False, True])
def test_a_row_has_its_values_its_label_and_what_refused_it(
    tmp_path: Path, compacted: bool
) -> None:
    logged(tmp_path, "v1", answered(1, rows=2), answered(2, status=400))
    if compacted:
        compacting.compact(tmp_path)

    def labels(since: datetime, until: datetime) -> Mapping[tuple[str, int], float]:
        assert since <= datetime.fromtimestamp(START + 1, UTC) <= until
        return {("r1", 1): 1.0}

    refused, first, second = requests.page(
        tmp_path, Wanted(masked=["s*"]), limit=50, cursor=None, labels=labels
    ).items
    assert (refused.why, refused.answer, refused.features, refused.inputs) == ("why 2", {}, {}, 0)
    assert first.answer == {"prediction": 0.1}
    assert first.features == {"a": 1.0, "ssn": "•••"}
    assert [first.masked, first.inputs] == [["ssn"], 2]
    assert [first.label, second.label] == [None, 1.0]


@pytest.mark.parametrize("compacted", [False, True])
def test_a_request_is_found_by_its_id_alone_however_old_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compacted: bool
) -> None:
    monkeypatch.setattr(requests, "FILES", 2)
    for number in range(8):
        again = answered(100 * number + 1) | {"id": "twice"}
        logged(tmp_path, "v1", answered(100 * number, rows=2), again)
    logged(tmp_path, "v1", answered(900, status=400))
    if compacted:
        compacting.compact(tmp_path)

    def found(id: str, row: int = 0) -> LoggedRequest:
        return requests.detail(
            tmp_path,
            id,
            at=None,
            row=row,
            masked=(),
            bundle_of=lambda _: None,
            labels=no_labels,
            code=lambda _: {},
        ).request

    assert found("r0", row=1).at == datetime.fromtimestamp(START, UTC)
    assert found("r900").why == "why 900"
    assert found("twice").at == datetime.fromtimestamp(START + 701, UTC), "the newest"
    for missing in (("r1", 0), ("r0", 2)):
        with pytest.raises(NotFound):
            found(*missing)


def test_an_input_with_the_name_of_a_column_of_the_log_is_masked_by_its_own_name() -> None:
    assert requests.is_masked("input.version", ["version"])
    assert requests.is_masked("input.version", ["input.*"])
    assert not requests.is_masked("input.versions", ["version"])


def test_the_parts_of_a_masked_tensor_or_list_are_masked_with_it() -> None:
    for part in ("x", "x.0", "x.63", "x.mean", "x.length", "x.bytes", "input.x.max"):
        assert requests.is_masked(part, ["x"]), part
    assert requests.is_masked("input.0", ["input"]), "a tensor without a name"
    assert not requests.is_masked("x.y", ["x"])
    assert not requests.is_masked("y.0", ["x"])


def test_a_label_is_a_number_or_the_name_of_a_class() -> None:
    known = pl.DataFrame(
        {
            "request_id": ["r1", "r1", "r2"],
            "row": [0, 1, 0],
            "label": [1.0, None, None],
            "text": ["1", "late", "on time"],
        }
    )
    verbs = RequestVerbs()
    verbs._labelled = lambda *_: known
    labels = verbs._labels("flights")(datetime.fromtimestamp(0, UTC), datetime.now(UTC))
    assert labels == {("r1", 0): 1.0, ("r1", 1): "late", ("r2", 0): "on time"}


INPUTS = [
    Input(name="a", type="long", optional=False),
    Input(name="ssn", type="double", optional=True),
]
SAMPLE = {"names": ["a", "ssn"], "ndarray": []}


def detail(folder: Path, masked: tuple[str, ...] = (), *, id: str = "r1") -> Any:
    bundle: Any = SimpleNamespace(inputs=INPUTS, asked=SAMPLE)
    at = datetime.fromtimestamp(START + int(id[1:]), UTC)
    return requests.detail(
        folder,
        id,
        at=at,
        row=0,
        masked=masked,
        bundle_of=lambda _: bundle,
        labels=no_labels,
        code=lambda body: {"python": repr(body)},
    )


def test_a_row_can_be_repeated_as_it_was_sent_unless_values_are_masked(tmp_path: Path) -> None:
    logged(tmp_path, "v1", answered(1), answered(2, status=400))
    found = detail(tmp_path)
    assert found.body == {"data": {"names": ["a", "ssn"], "ndarray": [[1, 0.0]]}}
    assert isinstance(found.body["data"]["ndarray"][0][0], int), "a long is sent as an integer"
    assert found.code == {"python": repr(found.body)}
    hidden = detail(tmp_path, ("ssn",))
    assert hidden.body is None
    assert hidden.code == {}
    assert "ssn" in hidden.not_repeatable
    assert detail(tmp_path, id="r2").sent == "its body"
    assert detail(tmp_path, ("ssn",), id="r2").sent == "", "it may hold what is masked"
    with pytest.raises(NotFound, match="r3"):
        detail(tmp_path, id="r3")


@pytest.mark.parametrize("cursor", ["x", "1", "1.2.3", "-1.0", "9" * 30 + ".0"])
def test_a_cursor_of_nobody_is_refused(tmp_path: Path, cursor: str) -> None:
    with pytest.raises(BadRequest):
        requests.page(tmp_path, Wanted(), limit=5, cursor=cursor, labels=no_labels)


@pytest.mark.parametrize("compacted", [False, True])
def test_latency_and_rate_over_time_are_those_of_numpy(tmp_path: Path, compacted: bool) -> None:
    random = np.random.default_rng(0)
    times = random.lognormal(1, 1, 600)
    logged(
        tmp_path,
        "v1",
        *(answered(place, rows=1 + place % 3, ms=ms) for place, ms in enumerate(times)),
        answered(600, status=500),
        answered(601, status=404, ms=9e9),
    )
    if compacted:
        compacting.compact(tmp_path)
    since = datetime.fromtimestamp(START, UTC)
    found = latencies.series(tmp_path, since, since + timedelta(seconds=1200))
    (version,) = found.versions
    assert (version.whole.requests, version.whole.errors) == (602, 1)
    assert found.bucket_seconds == 20
    assert len(version.points) == 31, "spans without a request have no point"
    for place, point in enumerate(version.points[:30]):
        inside = times[place * 20 : (place + 1) * 20]
        assert point.at == since + timedelta(seconds=20 * place)
        assert point.requests == 20
        shown = [point.p50_ms, point.p95_ms, point.p99_ms]
        assert shown == pytest.approx(np.quantile(inside, [0.5, 0.95, 0.99]))
    assert (version.points[30].errors, version.points[30].p50_ms) == (1, None)


def test_without_names_the_stable_version_is_compared_with_the_canary() -> None:
    shares = {"v1": 10, "v2": 70, "v3": 0, "v4": 20}
    assert version_verdicts.arms("flights", shares, "", "") == ("v2", "v4")
    assert version_verdicts.arms("flights", shares, "v4", "") == ("v4", "v2")
    assert version_verdicts.arms("flights", shares, "", "v3") == ("v2", "v3")
    assert version_verdicts.arms("flights", shares, "", "v2") == ("v4", "v2")
    with pytest.raises(Conflict, match="Only one has traffic"):
        version_verdicts.arms("flights", {"v1": 100, "v2": 0}, "", "")


def test_a_version_with_more_errors_is_worse_and_one_with_lost_requests_is_not_compared(
    tmp_path: Path,
) -> None:
    def put(version: str, numbers: range, failing: int) -> None:
        statuses = (500 if place % 10 < failing else 200 for place in numbers)
        logged(
            tmp_path,
            version,
            *(answered(place, status=status) for place, status in zip(numbers, statuses)),  # noqa: B905
        )

    put("v1", range(10, 2010), 1)
    put("v2", range(3000, 5000), 4)
    span = version_verdicts.Span(since=datetime.fromtimestamp(START, UTC), share=0.5)
    sums = span_sums(tmp_path, span.since, span.since + timedelta(hours=2))
    arms = version_verdicts.arms_of("errors", sums, ("v1", "v2"))
    found = version_verdicts.compare("flights", "errors", span, ("v1", "v2"), arms)
    assert (found.state, found.control.n, found.treatment.n) == ("worse", 2000, 2000)
    assert found.difference == pytest.approx(0.3)
    assert found.low is not None and found.low > 0  # noqa: PT018
    other = version_verdicts.Span(since=span.since, share=0.2)
    uneven = version_verdicts.compare("flights", "errors", other, ("v1", "v2"), arms)
    assert uneven.state == "ratio mismatch"
    one_label = None, version_verdicts.arm_of([1.0])
    nothing = version_verdicts.compare("flights", "quality", span, ("v1", "v2"), one_label)
    assert (nothing.state, nothing.difference) == ("not yet", None)
    assert "v1: no label" in nothing.why


def test_a_reward_and_a_kpi_are_better_if_they_are_higher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rewards come by the feedback on an answer, the last of each, and no version has another's."""
    reward = {"v1": 1.0, "v2": 2.0}
    for version, begin in (("v1", 10), ("v2", 3000)):
        numbers = range(begin, begin + 900)
        asked = [answered(place, status=500 if place % 100 == 0 else 200) for place in numbers]
        told = [
            {"k": "f", "id": f"r{place}", "ts": START + place, "reward": value, "truth": None}
            for place in numbers[:800]
            for value in (-9.0, reward[version] + place % 7)
        ]
        logged(tmp_path, version, *asked, *told)
    span = version_verdicts.Span(since=datetime.fromtimestamp(START + 20, UTC), share=0.5)
    verbs, versions = RequestVerbs(), ("v1", "v2")
    verbs._project = SimpleNamespace()  # type: ignore[assignment]  # only its folder is asked for
    monkeypatch.setattr(request_verbs, "payload_folder", lambda *_: tmp_path)
    values = verbs._values("flights", "reward", span, versions)
    for version, found, first, begin in zip(versions, values, (20, 3000), (10, 3000), strict=True):
        counted = [place for place in range(first, begin + 800) if place % 100]
        assert sorted(found) == sorted(reward[version] + place % 7 for place in counted)
    verdict = version_verdicts.compare(
        "flights", "reward", span, versions, verbs._arms("flights", "reward", span, versions)[0]
    )
    assert (verdict.state, verdict.control.n, verdict.treatment.n) == ("better", 782, 792)

    def outcomes(name: str, goal: str, of: Sequence[str], *_: object) -> dict[str, list[float]]:
        assert (name, goal, tuple(of)) == ("flights", "kpi", versions)
        return {"v1": [0.0, 2.0] * 500, "v2": [-1.0, 1.0] * 500}

    verbs._outcomes = outcomes
    worth, _ = verbs._arms("flights", "kpi", span, versions)
    assert version_verdicts.compare("flights", "kpi", span, versions, worth).state == "worse"
    none = version_verdicts.compare(
        "flights", "reward", span, versions, (None, version_verdicts.arm_of([1.0]))
    )
    assert none.why == "v1: no reward has come since the traffic was changed"


def test_as_many_more_outcomes_as_are_needed_do_decide() -> None:
    random = np.random.default_rng(1)
    control, treatment = random.normal(0, 1, 1000), random.normal(0, 1, 1000)
    treatment += 0.06 + control.mean() - treatment.mean()
    first = verdict_of(control, treatment)
    more = outcomes_needed(first)
    assert str(first.state) == "not yet"
    assert more is not None
    times = -(-(2000 + more) // 2000)
    assert str(verdict_of(np.tile(control, times), np.tile(treatment, times)).state) != "not yet"
    fewer = max(1, int((2000 + more) * 0.7) // 2000)
    if fewer < times:
        again = verdict_of(np.tile(control, fewer), np.tile(treatment, fewer))
        assert str(again.state) == "not yet"
    assert outcomes_needed(verdict_of([0.0] * 500 + [1.0], [0.0] * 500 + [1.0])) is None
