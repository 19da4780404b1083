"""Copies in the payload log, and replays of it to a version that a small server plays."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import polars as pl
import pytest

from jupyter_mlinfra.core.errors import Unavailable, Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments import (
    Deployments,
    VersionState,
    client,
    latencies,
    packaging,
    replay_test,
    replaying,
    requests,
)
from jupyter_mlinfra.deployments.comparing import compare
from jupyter_mlinfra.deployments.delivery import copies
from jupyter_mlinfra.deployments.delivery.copies import read_copies, shadow_comparison
from jupyter_mlinfra.deployments.gateway import Keys
from jupyter_mlinfra.deployments.logged import Input
from jupyter_mlinfra.deployments.packaging import Bundle
from jupyter_mlinfra.deployments.payload_log import compacting, reading
from jupyter_mlinfra.deployments.payload_log.frames import facts_of
from jupyter_mlinfra.deployments.payload_log.lazy import lazy
from jupyter_mlinfra.deployments.payload_log.parts import parts
from jupyter_mlinfra.deployments.replaying import Limits, Subject, next_size, replay
from jupyter_mlinfra.deployments.requests import Wanted
from jupyter_mlinfra.deployments.runtime.guard import ENDS
from jupyter_mlinfra.deployments.runtime.journal import Journal
from jupyter_mlinfra.deployments.runtime.params import Param
from jupyter_mlinfra.deployments.spec import Gate
from jupyter_mlinfra.deployments.store import DeploymentStore
from jupyter_mlinfra.deployments.targets.layout import payload_folder
from jupyter_mlinfra.faces.cards import card_of

NAMES, TYPES = ["x", "kind", "flag", "count", "row"], ["double", "string", "boolean", "long", "any"]
NOW = time.time() - 10  # so that a window which ends now has all of it
WINDOW: Any = {
    "since": datetime.fromtimestamp(NOW - 100, UTC),
    "until": datetime.fromtimestamp(NOW + 100, UTC),
}


def log(
    folder: Path,
    version: str,
    answers: list[float],
    *,
    shadow: bool = False,
    ms: float = 2.0,
    first: int = 0,
    params: str = "",
) -> None:
    """What a process of a version logs of requests r0, r1, …; every third row lacks `x`. params: of
    every other one, as JSON.
    """
    head = {"deployment": "f", "version": version, "model": "f/1"}
    categories: list[list[str]] = [[], ["red", "blue"], [], [], []]
    journal = Journal(folder, {**head, "names": NAMES, "types": TYPES, "categories": categories})
    for number, answer in enumerate(answers, first):
        entry = {"id": f"r{number}", "u": f"u{number}", "ts": NOW + number / 1000, "ms": ms}
        x = None if number % 3 == 2 else number / 10
        row = [[x, number % 2, number % 2, number, json.dumps({"deep": [number]})]]
        mark: dict[str, Any] = {"sh": 1} if shadow else {}
        if params and number % 2:
            mark["q"] = params
        journal.put({"k": "p", **entry, "st": 200, "x": row, "y": [answer], **mark})
    journal.close()


def test_copies_are_in_the_log_and_in_no_answer_before_and_after_compaction(tmp_path: Path) -> None:
    folder = tmp_path / "f"
    log(folder, "v1", [0.1, 0.6, 0.7, 0.8])
    log(folder, "v2", [0.2, 0.4, 0.7, 0.9], shadow=True, ms=8.0)
    log(folder, "v3", [0.9, 0.9, 0.9, 0.9], shadow=True)

    def look() -> None:
        assert reading.scan(folder)["version"].to_list() == ["v1"] * 4
        assert reading.scan(folder)["prediction"].to_list() == [0.1, 0.6, 0.7, 0.8]
        copies = reading.scan(folder, shadow=True)
        assert copies["version"].value_counts().sort("version").rows() == [("v2", 4), ("v3", 4)]
        rows = [part.rows for part in parts(folder, WINDOW["since"], WINDOW["until"])]
        assert [set(frame["version"]) for frame in rows] == [{"v1"}]
        assert not any(".shadow" in frame.columns for frame in rows)
        assert reading.refused(folder).height == 0
        assert lazy(folder).collect()["version"].to_list() == ["v1"] * 4
        page = requests.page(folder, Wanted(), limit=9, cursor=None, labels=lambda *_: {})
        assert [item.version for item in page.items] == ["v1"] * 4
        page = requests.page(
            folder, Wanted(shadow=True), limit=3, cursor=None, labels=lambda *_: {}
        )
        assert [(item.id, item.version) for item in page.items] == [
            ("r3", "v2"),
            ("r3", "v3"),
            ("r2", "v2"),
        ]
        one, *_ = page.items
        copy, other, given = (
            requests.detail(
                folder,
                "r3",
                at=one.at,
                row=0,
                masked=(),
                shadow=shadow,
                version=version,
                bundle_of=lambda _: None,
                labels=lambda *_: {},
                code=lambda _: {},
            ).request
            for shadow, version in ((True, "v2"), (True, "v3"), (False, ""))
        )
        assert (copy.version, other.version) == ("v2", "v3")
        assert (copy.answer, given.answer) == ({"prediction": 0.9}, {"prediction": 0.8})
        measured = latencies.series(folder, **WINDOW).versions
        assert [(item.version, item.whole.requests) for item in measured] == [("v1", 4)]
        read = read_copies(folder, ["v2"], **WINDOW)
        found = shadow_comparison(read, "f", "v2", "probabilities", **WINDOW)
        assert (found.rows, found.given_by, found.refused) == (4, {"v1": 4}, 0)
        assert found.agreement == 0.75
        assert found.identical == 0.25
        assert found.score_shift == pytest.approx((2.2 - 2.2) / 4)
        assert (found.latency["p95_ms"], found.latency["given_p95_ms"]) == (8.0, 2.0)

    look()
    compacting.compact(folder)
    look()
    with pytest.raises(Unprocessable, match="v4 of f has answered no copy"):
        shadow_comparison(
            read_copies(folder, ["v4"], **WINDOW), "f", "v4", "probabilities", **WINDOW
        )


@pytest.mark.parametrize("compacted", [False, True])
def test_of_many_copies_the_newest_are_compared_and_that_is_said(
    compacted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "MOST_ROWS", 3)
    folder = tmp_path / "f"
    log(folder, "v1", [0.9] * 5 + [0.1] * 3)
    log(folder, "v2", [0.1] * 8, shadow=True)
    log(folder, "v3", [0.9] * 2, shadow=True)
    if compacted:
        compacting.compact(folder)
    rows = read_copies(folder, ["v2", "v3"], **WINDOW)
    assert rows.height == 4 + 2 + 6, "each copy that may count, and what was given to it"
    assert "x" not in rows.columns
    found = shadow_comparison(rows, "f", "v2", "probabilities", **WINDOW)
    assert (found.rows, found.agreement) == (3, 1.0)
    assert found.since.timestamp() == pytest.approx(NOW + 5 / 1000, abs=1e-5)
    (note,) = found.notes
    assert note.startswith("The newest 3 copied rows of the window, from ")
    few = shadow_comparison(rows, "f", "v3", "probabilities", **WINDOW)
    assert (few.rows, few.agreement, list(few.notes)) == (2, 1.0, [])


def test_a_shown_deployment_says_how_far_its_shadows_agree(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that have answered; one that has not is no error."""
    folder = payload_folder(project, "f")
    folder.mkdir(parents=True)
    log(folder, "v1", [0.1, 0.6, 0.7, 0.8])
    log(folder, "v2", [0.2, 0.4, 0.7, 0.9], shadow=True)
    store = DeploymentStore(project.database, project.name)
    for number in (1, 2, 3):
        store.begin("f", f"v{number}", target="local", model="f", number=number, workers=1)
        store.move("f", f"v{number}", VersionState.STARTING, wanted=True)
        store.move("f", f"v{number}", VersionState.TESTING)
        with store.change("f") as change:
            change.ready(f"v{number}", [])
    with store.change("f") as change:
        change.traffic({"v1": 100}, verb="deploy", user="ana", reason="")
        for version in ("v2", "v3"):
            change.shadow(version, 50, verb="shadow", user="ana", reason="")
    bundle = SimpleNamespace(answers="probabilities")
    monkeypatch.setattr(packaging, "load_bundle", lambda _: bundle)
    service = Deployments(project, None)  # type: ignore[arg-type]
    (found,) = service.show("f", compared=True).shadows
    assert (found.version, found.agreement, found.rows) == ("v2", 0.75, 4)
    assert service.show("f").shadows == (), "the log is not read unasked"
    card = card_of(service.show("f", compared=True))
    assert card is not None
    assert card.facts["shadow v2"].startswith("agrees on 75.0% of 4 rows since ")
    assert "shadow v3" not in card.facts


Answer = Callable[[dict[str, Any]], float | None]
"""The answer to a row; None refuses the request, and DIES says that it ends the process."""

DIES = -666.0


@contextmanager
def gateway(answer: Answer, asked: list[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    """Answers Seldon's protocol for whatever version is named."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # an answer in two packets waits 40 ms for the first to be acknowledged

        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            data, given = message["data"], message.get("meta", {}).get("tags", {})
            version = self.headers["x-mlinfra-version"]
            rows = [
                {**dict(zip(data["names"], row, strict=True)), **given} for row in data["ndarray"]
            ]
            assert self.headers["x-mlinfra-probe"] == "ours"
            asked.extend((version, row) for row in rows)
            found = [answer(row) for row in rows]
            status = 400 if None in found else 200
            body: Any = {"data": {"names": [], "ndarray": found}, "meta": {}}
            if status == 400:
                body = {"what": "The row is bad.", "why": "It is.", "fix": "Do not."}
            if DIES in found:
                status, body = 500, {"what": ENDS, "why": "It died.", "fix": "Look."}
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("x-mlinfra-version", version)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/predictions"
    finally:
        server.shutdown()
        server.server_close()


def bundle(
    *columns: Input,
    answers: Any = "values",
    layout: Any = "columns",
    params: Sequence[Param] = (),
) -> Bundle:
    """As much of one as a replay reads."""
    facts: dict[str, Any] = dict.fromkeys(Bundle.__dataclass_fields__, None)
    return Bundle(
        **{
            **facts,
            "columns": columns,
            "answers": answers,
            "layout": layout,
            "features": {},
            "params": params,
        }
    )


COLUMNS = [
    Input(name=name, type=type, optional=name == "x")
    for name, type in zip(NAMES, TYPES, strict=True)
]


def subject(url: str, made: Bundle, against: str = "") -> Subject:
    keys = Keys(probe="ours")
    return Subject(deployment="f", version="v2", bundle=made, url=url, keys=keys, against=against)


def test_a_replay_asks_what_was_asked_and_compares_with_what_was_answered(tmp_path: Path) -> None:
    log(tmp_path, "v1", [float(number) for number in range(30)])
    log(tmp_path, "v2", [1.0] * 30, shadow=True)
    asked: list[tuple[str, dict[str, Any]]] = []
    said: list[str] = []
    with gateway(lambda row: row["count"] + (20.0 if row["count"] < 3 else 0.0), asked) as url:
        found = replay(
            tmp_path,
            subject(url, bundle(*COLUMNS), against="v1"),
            **WINDOW,
            limits=Limits(rows=1000, seconds=60, timed=5),
            on_progress=said.append,
        )
    assert said[-1] == "replayed 30 of 30 rows"
    assert asked[:3] == [
        ("v2", {"x": 0.0, "kind": "red", "flag": False, "count": 0, "row": {"deep": [0]}}),
        ("v2", {"x": 0.1, "kind": "blue", "flag": True, "count": 1, "row": {"deep": [1]}}),
        ("v2", {"x": None, "kind": "red", "flag": False, "count": 2, "row": {"deep": [2]}}),
    ]
    assert asked[0][1]["flag"] is False
    assert [version for version, _ in asked[30:]] == ["v2", "v1"] * 5
    assert (found.rows, found.given_by, found.refused, found.left_out) == (30, {"v1": 30}, 0, 0)
    assert found.agreement == found.identical == pytest.approx(0.9)
    assert found.score_shift == pytest.approx(2.0)
    assert found.latency["p50_ms"] is not None
    assert found.latency["given_p99_ms"] is not None


def test_a_replay_asks_with_the_parameters_that_the_version_has(tmp_path: Path) -> None:
    """Before and after compaction, beside a file of an earlier version, which has none. The test
    before traffic asks with all of them, as clients will.
    """
    given_text = '{"t": 0.5, "k": [1]}'
    log(tmp_path, "v0", [5.0])
    compacting.compact(tmp_path)
    (file,) = (tmp_path / "parquet").glob("*.parquet")
    facts = {name: text for name, text in facts_of(file).items() if name != "ARROW:schema"}
    pl.read_parquet(file).drop("params").write_parquet(file, metadata=facts)
    log(
        tmp_path,
        "v1",
        [float(number) for number in range(1, 5)],
        first=1,
        params=given_text,
    )
    known = bundle(*COLUMNS, params=[Param("t", "double", 1.0)])
    for _ in range(2):
        asked: list[tuple[str, dict[str, Any]]] = []
        with gateway(lambda row: row["count"], asked) as url:
            found = replay(
                tmp_path,
                subject(url, known),
                **WINDOW,
                limits=Limits(rows=100, seconds=60, timed=0),
            )
        assert (found.rows, found.refused) == (5, 0)
        given = {row["count"]: row.get("params") for _, row in asked}
        assert given == {0: None, 1: {"t": 0.5}, 2: None, 3: {"t": 0.5}, 4: None}
        as_sent = replaying._questions(known, reading.scan(tmp_path), {"v0": [], "v1": COLUMNS})
        whole = {"t": 0.5, "k": [1]}
        assert [item.params for item in as_sent if item.by == "v1" and item.params] == [whole] * 2
        rows = reading.scan(tmp_path).sort("count")
        assert rows["params"].to_list() == [None, given_text, None, given_text, None]
        assert lazy(tmp_path).collect()["params"].count() == 2
        compacting.compact(tmp_path)


def test_an_input_that_is_called_like_an_answer_is_asked_and_is_none(tmp_path: Path) -> None:
    names = ["prediction_0", "prediction_1"]
    inputs = [Input(name=name, type="double", optional=False) for name in names]
    head = {"deployment": "f", "version": "v1", "model": "f/1", "names": names}
    journal = Journal(tmp_path, {**head, "types": ["double"] * 2})
    entry = {"k": "p", "id": "r", "u": "u", "ts": NOW, "ms": 1.0, "st": 200}
    journal.put({**entry, "x": [[111.0, 222.0]], "y": [0.7]})
    journal.close()
    (asked,) = replaying._questions(bundle(*inputs), reading.scan(tmp_path), None)
    assert (asked.given, asked.body) == ([0.7], dict(zip(names, (111.0, 222.0), strict=True)))


def test_rows_that_are_refused_are_counted_with_the_reason(tmp_path: Path) -> None:
    log(tmp_path, "v1", [1.0] * 150)
    with gateway(lambda row: None if row["count"] in (3, 120) else 1.0, []) as url:
        found = replay(
            tmp_path,
            subject(url, bundle(*COLUMNS)),
            **WINDOW,
            limits=Limits(rows=1000, seconds=60, timed=0),
        )
        hidden = replay(
            tmp_path,
            replace(subject(url, bundle(*COLUMNS)), hides_values=True),
            **WINDOW,
            limits=Limits(rows=1000, seconds=60, timed=0),
        )
    assert (found.rows, found.refused) == (148, 2)
    assert found.notes == ("The row is bad. It is.",)
    assert hidden.notes == ("The row is bad.",), "the rest may repeat a value that is masked"


def test_limits_of_rows_and_time_are_kept_and_said(tmp_path: Path) -> None:
    log(tmp_path, "v1", [1.0] * 400)
    asked: list[tuple[str, dict[str, Any]]] = []
    with gateway(lambda _: 1.0, asked) as url:
        found = replay(
            tmp_path,
            subject(url, bundle(*COLUMNS)),
            **WINDOW,
            limits=Limits(rows=50, seconds=60, timed=0),
        )
        counts = [row["count"] for _, row in asked]
        assert (found.rows, found.left_out) == (50, 350)
        assert counts == sorted(counts)
        assert counts[-1] - counts[0] > 300, "evenly taken"
        assert "50 of 400 rows of the window, evenly taken." in found.notes

    def slow(_: dict[str, Any]) -> float:
        time.sleep(0.005)
        return 1.0

    with gateway(slow, []) as url:
        found = replay(
            tmp_path,
            subject(url, bundle(*COLUMNS)),
            **WINDOW,
            limits=Limits(rows=1000, seconds=0.3, timed=10),
        )
    assert 0 < found.rows < 400
    assert "It was stopped after 0.3 s." in found.notes


@pytest.mark.parametrize(
    ("seconds_per_row", "sizes"),
    [
        (0.0001, [1, 4, 16, 64, 100, 100]),
        (0.05, [1, 4, 16, 20, 20]),
        (0.4, [1, 2, 2]),
        (1.5, [1, 1, 1]),
    ],
)
def test_requests_grow_until_one_takes_a_second(seconds_per_row: float, sizes: list[int]) -> None:
    found = [1]
    while len(found) < len(sizes):
        found.append(next_size(found[-1], found[-1] * seconds_per_row))
    assert found == sizes


@pytest.fixture
def slow_version(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], list[int]]:
    """A version that needs so many seconds for each row, by a clock that nobody waits for; gives
    the rows of each request.
    """
    clock = [1000.0]
    monkeypatch.setattr(replaying, "time", SimpleNamespace(monotonic=lambda: clock[0]))

    def needs(seconds: float) -> list[int]:
        asked: list[int] = []

        def post(_: str, body: bytes, *, version: str, timeout: float, **__: Any) -> client.Answer:
            rows = len(json.loads(body)["data"]["ndarray"])
            asked.append(rows)
            clock[0] += min(timeout, rows * seconds)
            if rows * seconds > timeout:
                raise Unavailable("The gateway does not answer.") from httpx.ReadTimeout("late")
            answer = {"data": {"ndarray": [1.0] * rows}}
            return client.Answer(200, version, answer, rows * seconds * 1000)

        monkeypatch.setattr(client, "post", post)
        return asked

    return needs


def test_a_slow_version_answers_as_many_rows_as_the_time_allows(
    tmp_path: Path, slow_version: Callable[[float], list[int]]
) -> None:
    log(tmp_path, "v1", [1.0] * 400)
    asked = slow_version(0.9)
    limits = Limits(rows=400, seconds=10.0, timed=5)
    found = replay(tmp_path, subject("", bundle(*COLUMNS)), **WINDOW, limits=limits)
    assert asked == [1] * 12
    assert (found.rows, found.refused, found.left_out) == (12, 0, 388)
    assert found.given_by == {"v1": 12}
    assert found.notes[0] == "It was stopped after 10 s."


def test_a_row_that_the_end_of_the_time_cuts_off_is_left_out_and_not_refused(
    tmp_path: Path, slow_version: Callable[[float], list[int]]
) -> None:
    log(tmp_path, "v1", [1.0] * 4)
    slow_version(9.0)
    limits = Limits(rows=4, seconds=10.0, timed=0)
    found = replay(tmp_path, subject("", bundle(*COLUMNS)), **WINDOW, limits=limits)
    assert (found.rows, found.refused, found.left_out) == (1, 0, 3)


def test_a_version_that_reads_features_is_asked_by_their_keys(tmp_path: Path) -> None:
    """The log has the keys and what was read for them; a request carries the keys alone."""
    log(tmp_path, "v1", [1.0, 2.0])
    made = bundle(*(Input(name=name, type="double", optional=False) for name in ("x", "count")))
    keys = [{"name": "kind", "type": "string", "optional": False}]
    asked: list[tuple[str, dict[str, Any]]] = []
    with gateway(lambda row: 1.0 if row["kind"] == "red" else 2.0, asked) as url:
        found = replay(
            tmp_path,
            subject(url, replace(made, features={"inputs": keys})),
            **WINDOW,
            limits=Limits(rows=10, seconds=60, timed=0),
        )
    assert [row for _, row in asked] == [{"kind": "red"}, {"kind": "blue"}]
    assert (found.rows, found.refused, found.agreement) == (2, 0, 1.0)


def test_texts_that_were_logged_cut_off_cannot_be_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log(tmp_path, "v1", [1.0] * 4)
    monkeypatch.setattr(replaying, "LOGGED_TEXT", 5)
    limits = Limits(rows=4, seconds=10.0)
    with pytest.raises(Unprocessable, match="cannot be replayed") as refused:
        replay(tmp_path, subject("", bundle(*COLUMNS)), **WINDOW, limits=limits)
    assert "logged cut off" in refused.value.why


def test_what_cannot_be_replayed_says_why(tmp_path: Path) -> None:
    limits = Limits(rows=10, seconds=60)
    with pytest.raises(Unprocessable, match="nothing to replay"):
        replay(tmp_path / "none", subject("", bundle(*COLUMNS)), **WINDOW, limits=limits)
    log(tmp_path, "v1", [1.0] * 4)
    with pytest.raises(Unprocessable) as refused:
        new = Input(name="new", type="double", optional=False)
        replay(tmp_path, subject("", bundle(*COLUMNS, new)), **WINDOW, limits=limits)
    assert "no input new" in refused.value.why
    with pytest.raises(Unprocessable, match="cannot be replayed"):
        replay(tmp_path, subject("", bundle(layout="tensors")), **WINDOW, limits=limits)
    with gateway(lambda _: None, []) as url, pytest.raises(Unavailable, match="none of 4"):
        replay(tmp_path, subject(url, bundle(*COLUMNS)), **WINDOW, limits=limits)
    early: Any = {name: at - timedelta(days=1) for name, at in WINDOW.items()}
    with pytest.raises(Unprocessable, match="nothing to replay"):
        replay(tmp_path, subject("", bundle(*COLUMNS)), **early, limits=limits)


Tested = Callable[..., Gate | None]


@pytest.fixture
def gate_of(project: Project, monkeypatch: pytest.MonkeyPatch) -> Tested:
    """The test of a version v2 that takes these inputs, as the contract of a real one, and refuses
    the first rows, and dies of the row with the count `dies`; live: the bundle of v1, which has all
    traffic.
    """

    def test(
        *takes: str, refuses: int = 0, dies: int = -1, live: Bundle | None = None
    ) -> Gate | None:
        monkeypatch.setattr(replay_test, "load_bundle", lambda _: live or bundle(*COLUMNS))
        columns = [item for item in COLUMNS if item.name in takes]
        columns += [Input(name="new", type="double", optional=False)] * ("new" in takes)
        needs = {item.name for item in columns if not item.optional}

        def answer(row: dict[str, Any]) -> float | None:
            fits = needs <= row.keys() <= set(takes)
            if row.get("count", 0) == dies:
                return DIES
            return 1.0 if fits and row.get("count", 0) >= refuses else None

        row: Any = SimpleNamespace(
            name="f", traffic={"v1": 100, "v2": 0}, version=lambda _: SimpleNamespace(bundle="")
        )
        with gateway(answer, []) as url:
            keys = Keys(probe="ours")
            made = bundle(*columns)
            return replay_test.tested(project, row, version="v2", bundle=made, url=url, keys=keys)

    return test


@pytest.mark.parametrize(
    ("takes", "refuses", "passed", "measured"),
    [
        (NAMES, 0, True, "200 rows answered: agreement 100.0%"),
        (NAMES, 2, True, "; 2 rows refused: The row is bad. It is."),
        (NAMES, 3, False, "; 3 rows refused: The row is bad. It is."),
        ([*NAMES, "new"], 0, False, "answered none of 200 logged rows. The row is bad."),
        ([*NAMES[:2], *NAMES[3:]], 0, False, "answered none of 200 logged rows. The row is bad."),
        # A client may leave out `x`, and the log has no value of it in every third row.
        (NAMES[1:], 0, False, "66 rows answered: "),
    ],
)
def test_a_version_that_refuses_what_clients_send_fails(
    takes: list[str],
    refuses: int,
    passed: bool,
    measured: str,
    gate_of: Tested,
    project: Project,
) -> None:
    folder = payload_folder(project, "f")
    folder.mkdir(parents=True)
    log(folder, "v1", [1.0] * 200)
    log(folder, "v0", [1.0] * 50, first=200)  # it has no traffic any more
    gate = gate_of(*takes, refuses=refuses)
    assert gate is not None
    assert (gate.name, gate.passed) == ("replay", passed)
    assert measured in gate.measured
    assert gate.limit == "at most 1% of the logged rows are refused"


def test_the_test_before_traffic_repeats_no_value_where_inputs_are_masked(
    gate_of: Tested, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLINFRA_DEPLOYMENTS_MASKED_INPUTS", '["kind"]')
    folder = payload_folder(project, "f")
    folder.mkdir(parents=True)
    log(folder, "v1", [1.0] * 200)
    gate = gate_of(*NAMES, refuses=2)
    assert gate is not None
    assert gate.measured.endswith("; 2 rows refused: The row is bad.")


@pytest.mark.parametrize(
    ("dies", "measured"),
    [(0, "A logged row ends the model's process"), (20, "One of 16 logged rows ends the model's")],
)
def test_a_logged_row_that_ends_the_process_is_no_refusal_and_fails_at_once(
    dies: int, measured: str, gate_of: Tested, project: Project
) -> None:
    """It is one of 200 rows: of refusals, two would be let through."""
    folder = payload_folder(project, "f")
    folder.mkdir(parents=True)
    log(folder, "v1", [1.0] * 200)
    gate = gate_of(*NAMES, dies=dies)
    assert gate is not None
    assert gate.passed is False
    assert measured in gate.measured


def test_a_row_of_the_sample_that_ends_the_process_is_named(gate_of: Tested) -> None:
    rows = {"names": NAMES, "ndarray": [[0.5, "red", True, count, 1] for count in range(120)]}
    gate = gate_of(*NAMES, dies=3, live=replace(bundle(*COLUMNS), sample=rows))
    assert gate is not None
    assert gate.passed is False
    assert gate.measured == "row 4 ends the model's process (exit or crash)"


SAMPLE = {"names": NAMES, "ndarray": [[0.5, "red", True, count, 1] for count in range(20)]}


@pytest.mark.parametrize(
    ("takes", "refuses", "passed", "measured"),
    [
        (NAMES, 0, True, "no request is logged; 20 of 20 rows answered"),
        (NAMES, 1, False, "; 19 of 20 rows answered; 1 refused: The row is bad. It is."),
        ([*NAMES, "new"], 0, False, "; 0 of 20 rows answered; 20 refused: The row is bad."),
        (NAMES[1:], 0, False, "; 0 of 20 rows answered; 20 refused: The row is bad."),
    ],
)
def test_without_a_log_the_sample_of_the_version_with_traffic_is_sent(
    takes: list[str], refuses: int, passed: bool, measured: str, gate_of: Tested
) -> None:
    gate = gate_of(*takes, refuses=refuses, live=replace(bundle(*COLUMNS), sample=SAMPLE))
    assert gate is not None
    assert (gate.name, gate.passed) == ("replay", passed)
    assert measured in gate.measured
    assert gate.limit == "at most 1% of the rows of v1's sample are refused"


def test_without_a_log_versions_that_read_features_must_be_asked_with_the_same_inputs(
    gate_of: Tested,
) -> None:
    """Their samples are of keys, whose values may be gone."""
    keys = [
        {"name": "kind", "type": "string", "optional": False},
        {"name": "x", "type": "double", "optional": True},
    ]
    live = replace(bundle(*COLUMNS), features={"inputs": keys, "sample": SAMPLE})
    same, other = gate_of("kind", live=live), gate_of("flag", "x", live=live)
    assert same is not None
    assert other is not None
    assert (same.passed, other.passed) == (True, False)
    assert other.measured == (
        "v2 needs flag, which v1 does not take; v1 needs kind, which v2 does not take"
    )


@pytest.mark.parametrize(
    ("given", "found", "kind", "agreement", "shift", "distance"),
    [
        ([[0.1], [0.6]], [[0.4], [0.4]], "probabilities", 0.5, 0.05, 0.5),
        ([[0.2, 0.8], [0.7, 0.3]], [[0.4, 0.6], [0.4, 0.6]], "probabilities", 0.5, 0.05, 0.5),
        ([[0.2, 0.5, 0.3]], [[0.6, 0.2, 0.2]], "probabilities", 0.0, 0.1, 1.0),
        ([[1.0], [2.0]], [[1.0], [1.0]], "classes", 0.5, -0.5, 0.5),
        ([["a"], ["b"], ["b"]], [["a"], ["a"], ["b"]], "classes", 2 / 3, None, 1 / 3),
        # The given values have a deviation of 10: half a unit is near, one is not.
        ([[0.0], [20.0]], [[0.4], [21.0]], "values", 0.5, 0.7, 0.5),
        ([[1.0], [2.0]], [[1.0], [None]], "values", 0.5, 0.0, 0.0),
        ([], [], "values", None, None, None),
    ],
)
def test_agreement_and_shift(
    given: list[list[Any]],
    found: list[list[Any]],
    kind: str,
    agreement: float | None,
    shift: float | None,
    distance: float | None,
) -> None:
    compared = compare(given, found, kind)
    expected = [None if item is None else pytest.approx(item) for item in (agreement, shift)]
    assert [compared.agreement, compared.score_shift] == expected
    assert compared.score_distance == (None if distance is None else pytest.approx(distance))
