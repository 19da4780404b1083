"""A model whose rows end its process, hang, take long or leak: what the others lose by it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import pytest

from jupyter_mlinfra.deployments import Deployments, client, packaging
from jupyter_mlinfra.deployments.targets.process_table import ProcessTable

pytestmark = pytest.mark.slow

EXITS, HANGS, SLOW, LEAKS = 666001, 666002, 666003, 666004
FAULTS = f"""
_run = Guard.run
_kept = []


def _with_faults(self, body, attempt, work, **meant):
    def do():
        if b"{EXITS}" in body:
            os._exit(0)
        if b"{HANGS}" in body:
            time.sleep(60)
        if b"{SLOW}" in body:
            time.sleep(4)
        if b"{LEAKS}" in body:
            _kept.append(b"x" * (160 << 20))
        return work()

    return _run(self, body, attempt, do, **meant)


Guard.run = _with_faults
"""


@pytest.fixture(scope="module")
def deployments(
    tmp_path_factory: pytest.TempPathFactory, models: Mapping[int, Path], kit: ModuleType
) -> Iterator[Deployments]:
    """Version 1 has the traffic, versions 2 and 3 are warm; some rows make them misbehave."""
    runtime = tmp_path_factory.mktemp("runtime") / "runtime"
    shutil.copytree(packaging.RUNTIME, runtime)
    with open(runtime / "guard.py", "a") as file:
        file.write(FAULTS)
    project = kit.open_project(
        tmp_path_factory.mktemp("stuck"), "[deployments]\nworker_memory_mib = 600\nqueue = 64\n"
    )
    found = Deployments(project, kit.Registry(models))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packaging, "RUNTIME", runtime)
        for number in (1, 2, 3):
            found.deploy("flights", version=f"flights/{number}")
    yield found
    kit.clean_up(project)


def until(happened: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


@pytest.fixture
def url(deployments: Deployments) -> str:
    """The deployment, whole again after the test before."""
    until(
        lambda: all(
            item.state == "ready" and item.workers == 2 and len(item.pids) == 2
            for item in deployments.show("flights").deployment.versions
        )
    )
    return deployments.show("flights").deployment.url


def body(deployments: Deployments, x0: float) -> bytes:
    sample: dict[str, Any] = json.loads(json.dumps(deployments.show("flights").sample))
    sample["data"]["ndarray"][0][0] = x0
    return json.dumps(sample).encode()


def ask(deployments: Deployments, url: str, text: bytes) -> client.Answer:
    return client.post(url, text, keys=deployments._target.keys())


def masters(deployments: Deployments, version: str) -> list[int]:
    return [
        row.identity.pid
        for row in ProcessTable(deployments._project.database).rows()
        if row.version == version
    ]


def children(deployments: Deployments) -> dict[str, set[int]]:
    """The processes that answer, by version."""
    return {
        version: {
            child.pid
            for pid in masters(deployments, version)
            for child in psutil.Process(pid).children()
        }
        for version in ("v1", "v2", "v3")
    }


def slowest(load: Any) -> float:
    return max(item.ended - item.begun for item in load.asked)


def test_a_suspended_worker_costs_its_requests_little_and_is_replaced(
    deployments: Deployments, url: str, kit: ModuleType
) -> None:
    (pid, _) = masters(deployments, "v1")
    with kit.load(url, kit.sample_body(deployments), rate=100, clients=16) as load:
        os.killpg(pid, signal.SIGSTOP)
        until(lambda: pid not in masters(deployments, "v1"))
        load.next(100)
    assert load.lost == {}, load.details[:3]
    assert slowest(load) < 8  # 1 to 2 s on a quiet machine; it was 30 s


def test_a_slow_request_is_answered_and_worked_on_by_two_workers_at_most(
    deployments: Deployments, url: str
) -> None:
    answer = ask(deployments, url, body(deployments, SLOW))
    assert answer.status == 200, answer.body
    assert 4 <= answer.milliseconds / 1000 < 12


def test_a_row_that_ends_its_process_kills_one_is_refused_and_no_other_request_is_lost(
    deployments: Deployments, url: str, kit: ModuleType
) -> None:
    before = children(deployments)
    with kit.load(url, kit.sample_body(deployments), rate=100, clients=16) as load:
        answers = [ask(deployments, url, body(deployments, EXITS)) for _ in range(3)]
        load.next(100)
    assert [answer.status for answer in answers] == [500] * 3
    assert "ends the process" in answers[0].body["what"]
    assert load.lost == {}, load.details[:3]
    after = children(deployments)
    for other in ("v2", "v3"):
        assert after[other] == before[other], "it was not tried on another version"
    assert len(before["v1"] - after["v1"]) == 1
    until(lambda: "is refused" in texts(deployments)[0])


def test_a_worker_that_leaks_is_replaced_and_the_history_says_so(
    deployments: Deployments, url: str, kit: ModuleType
) -> None:
    shown = deployments.show("flights").deployment.versions[0]
    assert sorted(shown.pids) == sorted(masters(deployments, "v1"))
    assert shown.memory_bytes is not None
    assert 50 << 20 < shown.memory_bytes < 600 << 20
    with kit.load(url, kit.sample_body(deployments), rate=50, clients=8) as load:
        for place in range(40):
            if any("MiB" in one for one in texts(deployments)):
                break
            assert ask(deployments, url, body(deployments, LEAKS + place / 100)).status == 200
            time.sleep(0.3)
        until(lambda: any("600 MiB" in one for one in texts(deployments)))
        until(lambda: not set(shown.pids) <= set(masters(deployments, "v1")))
        load.next(50)
    assert load.lost == {}, load.details[:3]


def test_the_keeper_comes_back_by_itself_and_with_it_the_gateway(
    deployments: Deployments, url: str, kit: ModuleType
) -> None:
    control = deployments._target._keeper  # type: ignore[attr-defined]
    gateways = masters(deployments, "gateway")
    assert len(gateways) == 2
    first = control.alive()
    until(lambda: _standby(deployments) is not None)
    with kit.load(url, kit.sample_body(deployments), rate=50, clients=8) as load:
        os.kill(first.process.pid, signal.SIGKILL)
        os.kill(gateways[0], signal.SIGKILL)
        until(lambda: control.alive() not in (None, first))
        until(lambda: gateways[0] not in masters(deployments, "gateway"))
        until(lambda: sum(map(listens, masters(deployments, "gateway"))) == 2)
        os.kill(gateways[1], signal.SIGKILL)
        load.next(50)
    assert "ConnectionRefusedError" not in load.statuses
    assert sum(load.lost.values()) <= 16  # those that the killed ones had accepted
    until(lambda: _standby(deployments) is not None)


def listens(pid: int) -> bool:
    """Whether a process accepts connections."""
    found = psutil.Process(pid).net_connections("tcp")
    return any(item.status == psutil.CONN_LISTEN for item in found)


def _standby(deployments: Deployments) -> int | None:
    root = str(deployments._project.root)
    for process in psutil.process_iter(["cmdline"]):
        if (process.info["cmdline"] or [])[-2:] == [
            "jupyter_mlinfra.deployments.targets.standby",
            root,
        ]:
            return process.pid
    return None


def test_rows_that_hang_are_left_behind_and_no_other_request_is_lost(
    deployments: Deployments, url: str, kit: ModuleType
) -> None:
    """More of them than there are threads; the others wait for new processes, not for 30 s."""
    with kit.load(url, kit.sample_body(deployments), rate=50, clients=8) as load:
        for place in range(20):
            text = body(deployments, HANGS + place / 100)
            threading.Thread(target=ask, args=(deployments, url, text), daemon=True).start()
        until(lambda: sum("hung" in one for one in texts(deployments)) >= 2)
        until(lambda: {item.version for item in load.next(20)} == {"v1"})
        load.next(50)
    assert load.lost == {}, load.details[:3]
    assert slowest(load) < 20  # 2 to 6 s on a quiet machine


def texts(deployments: Deployments) -> list[str]:
    """What the history says, newest first."""
    return [item.text for item in deployments.history("flights").items]
