"""A soak: some hundred requests a second through both protocols, while versions come, grow, go back
and go, and processes are killed. `make soak` runs it for ten minutes.

    MLINFRA_SOAK=600 python -m pytest -s tests/deployments/soak.py

Nothing may be lost but what a killed gateway was working on: a request that it had taken and not
answered dies with its connection, at most one a client and kill.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import psutil
import pytest

from jupyter_mlinfra.deployments import DeliverySpec, Deployments, DeploymentState
from jupyter_mlinfra.deployments.bodies import open_inference_body
from jupyter_mlinfra.deployments.packaging import load_bundle
from jupyter_mlinfra.deployments.targets.process_table import ProcessTable

SECONDS = float(os.environ.get("MLINFRA_SOAK", "60"))
RATE, CLIENTS, WORKERS = 150, 8, 2
"""Requests a second and clients of each protocol, serving processes of each version."""
BROKEN = {"RemoteDisconnected", "ConnectionResetError", "BrokenPipeError"}
SIGNIFICANT_MB = 60
"""Growth of a process that is more than caches filling up."""


class Change(NamedTuple):
    """Something that was done under load. seconds: of the verb, or until all was whole again."""

    what: str
    seconds: float


class Bench:
    """One deployment under load, and what is done to it."""

    def __init__(self, deployments: Deployments, chance: random.Random) -> None:
        self.deployments, self.chance = deployments, chance
        self.done: list[Change] = []
        self.gateway_kills = 0
        self.copies = 0
        """Requests of which a shadow has answered a copy."""

    def _timed(self, what: str, work: Callable[[], Any]) -> None:
        began = time.perf_counter()
        work()
        self.done.append(Change(what, time.perf_counter() - began))

    def _pids(self, version: str) -> list[int]:
        """Of the processes of a version, or of the two gateways."""
        table = ProcessTable(self.deployments._project.database)
        return [row.identity.pid for row in table.rows() if row.version == version]

    def _whole(self) -> bool:
        """Whether every process that should run does."""
        shown = self.deployments.show("flights").deployment
        running = self.deployments._target.running()
        return (
            shown.state is DeploymentState.HEALTHY
            and len(self._pids("gateway")) == 2
            and all(
                running.get(("flights", item.version)) == WORKERS
                for item in shown.versions
                if item.state == "ready"
            )
        )

    def settle(self) -> None:
        """Wait until what was killed runs again. Raises AssertionError after two minutes."""
        end = time.monotonic() + 120
        while not self._whole():
            assert time.monotonic() < end, self.deployments.show("flights").deployment
            time.sleep(0.2)

    def _of_kind(self, kind: str) -> list[int]:
        """Pids of what can be killed under that name, of the version with the most traffic."""
        if kind == "keeper":
            entry = self.deployments._target._keeper.alive()  # type: ignore[attr-defined]
            return [entry.process.pid] if entry is not None else []
        if kind == "gateway":
            return self._pids("gateway")
        versions = self.deployments.show("flights").deployment.versions
        if kind == "shadow":
            return self._pids(next(item.version for item in versions if item.shadow))
        masters = self._pids(max(versions, key=lambda item: item.traffic).version)
        if kind == "worker":
            return masters
        with contextlib.suppress(psutil.NoSuchProcess):
            return [one.pid for pid in masters for one in psutil.Process(pid).children()]
        return []

    def kill(self, kind: str) -> None:
        """`kill -9` of one process of that kind, and the wait until another has replaced it."""
        before = self._of_kind(kind)
        victim = self.chance.choice(before)
        self.gateway_kills += kind == "gateway"

        def end_it() -> None:
            (os.killpg if kind in ("worker", "shadow") else os.kill)(victim, signal.SIGKILL)
            end = time.monotonic() + 120
            while victim in (now := self._of_kind(kind)) or len(now) < len(before):
                assert time.monotonic() < end, f"no other {kind} came"
                time.sleep(0.05)
            self.settle()

        self._timed(f"kill -9 of a {kind}", end_it)

    def release(self, old: int, new: int) -> None:
        """A shadow `new` that becomes a canary, grows, is promoted, rolled back and promoted again;
        `old` goes.
        """
        verbs, before, after = self.deployments, f"v{old}", f"v{new}"
        shadowed = DeliverySpec(shadow=100)
        self._timed(
            "shadow",
            lambda: verbs.deploy("flights", version=f"flights/{new}", delivery=shadowed),
        )
        self.kill("shadow")
        self.copies += verbs.shadow_report("flights", after).rows
        self._timed("shadow ends", lambda: verbs.shadow("flights", after, percent=0))
        self._timed("canary", lambda: verbs.traffic("flights", {before: 95, after: 5}))
        for share in (25, 60):
            self._timed(
                "traffic",
                lambda share=share: verbs.traffic(  # type: ignore[misc]
                    "flights", {before: 100 - share, after: share}
                ),
            )
            time.sleep(1)
        self.kill("worker")
        self._timed("promote", lambda: verbs.promote("flights", after))
        self.kill("request handler")
        self._timed("rollback", lambda: verbs.rollback("flights"))
        self.kill("keeper")
        self._timed("promote", lambda: verbs.promote("flights", after))
        self.kill("gateway")
        self._timed("remove", lambda: verbs.remove("flights", before))


@pytest.fixture
def bench(tmp_path: Path, models: Mapping[int, Path], kit: ModuleType) -> Iterator[Bench]:
    """Version 1 with all of the traffic."""
    project = kit.open_project(tmp_path / "soak", f"[deployments]\nworkers = {WORKERS}\n")
    deployments = Deployments(project, kit.Registry(models))
    seed = int(os.environ.get("MLINFRA_SOAK_SEED", "0")) or random.SystemRandom().randrange(10**6)
    print(f"\nMLINFRA_SOAK_SEED={seed} repeats the choices")
    try:
        deployments.deploy("flights", version="flights/1")
        yield Bench(deployments, random.Random(seed))
    finally:
        kit.clean_up(project)


def memory_mb(deployments: Deployments) -> dict[str, float]:
    """The largest resident process of each kind."""
    found: dict[str, float] = {}
    for row in ProcessTable(deployments._project.database).rows():
        kind = "gateway" if row.version == "gateway" else "worker"
        with contextlib.suppress(psutil.Error):
            found[kind] = max(
                found.get(kind, 0.0), psutil.Process(row.identity.pid).memory_info().rss / 1e6
            )
    return found


@pytest.mark.timeout(SECONDS + 600)
def test_nothing_is_lost(bench: Bench, kit: ModuleType) -> None:
    deployments = bench.deployments
    shown = deployments.show("flights")
    url = shown.deployment.url
    (row,) = deployments._store.deployment("flights").versions
    v2_body = json.dumps(open_inference_body(load_bundle(Path(row.bundle)), shown.sample["data"]))
    v2_url = f"{url.split('/seldon/')[0]}/v2/models/flights/infer"
    before = memory_mb(deployments)
    ends = time.monotonic() + SECONDS
    loads = [(url, kit.sample_body(deployments)), (v2_url, v2_body.encode())]
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(kit.load(*one, rate=RATE, clients=CLIENTS)) for one in loads]
        for old, new in itertools.pairwise(itertools.cycle((1, 2, 3))):
            bench.release(old, new)
            if time.monotonic() > ends:
                break
        bench.settle()
    report(bench, running, before, memory_mb(deployments))
    lost = [(status, count) for load in running for status, count in load.lost.items()]
    assert {status for status, _ in lost} <= BROKEN, [load.details[:3] for load in running]
    assert sum(count for _, count in lost) <= bench.gateway_kills * 2 * CLIENTS
    assert {change.what for change in bench.done} >= {"rollback", "kill -9 of a gateway"}
    assert bench.copies > 0
    after = memory_mb(deployments)
    assert all(after[kind] < before[kind] + SIGNIFICANT_MB for kind in before), (before, after)


def report(
    bench: Bench, loads: list[Any], before: Mapping[str, float], after: Mapping[str, float]
) -> None:
    """What a reader of the benchmark's page wants to know."""
    total = sum(sum(load.statuses.values()) for load in loads)
    lost = {str(status): count for load in loads for status, count in load.lost.items()}
    taken = sorted(item.ended - item.begun for load in loads for item in load.asked)
    print(f"{total:,} requests, lost: {lost or 'none'}; {bench.gateway_kills} gateways killed")
    print(f"{bench.copies:,} copies answered by shadows")
    for share in (0.5, 0.99, 0.999, 1.0):
        print(f"  {share:.1%} within {taken[min(total - 1, int(total * share))] * 1000:.1f} ms")
    for what in sorted({change.what for change in bench.done}):
        times = sorted(change.seconds for change in bench.done if change.what == what)
        print(
            f"  {what}: {len(times)} times, median {times[len(times) // 2]:.2f} s, "
            f"longest {times[-1]:.2f} s"
        )
    print(f"  largest process, MB resident: {dict(before)} at first, {dict(after)} at the end")
