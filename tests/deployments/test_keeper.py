"""The keeper's loop and its files on a disk that refuses writes; no process is started."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_mlinfra.core.daemons import control, registration
from jupyter_mlinfra.core.daemons.control import wake
from jupyter_mlinfra.core.daemons.registration import Registration, own_registration
from jupyter_mlinfra.core.errors import Unavailable
from jupyter_mlinfra.core.processes import TOKEN, Identity
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.runtime_folder import runtime_folder
from jupyter_mlinfra.deployments.packaging import damage, package
from jupyter_mlinfra.deployments.store import DeploymentStore
from jupyter_mlinfra.deployments.targets import (
    Figures,
    checking,
    keeper,
    layout,
    local,
    ports,
)
from jupyter_mlinfra.deployments.targets.envoy import admin, meter
from jupyter_mlinfra.deployments.targets.envoy.process import Gateway
from jupyter_mlinfra.deployments.targets.envoy.watched_files import swap
from jupyter_mlinfra.deployments.targets.process_table import ProcessRow
from jupyter_mlinfra.deployments.targets.worker import Worker, WorkerSpec
from jupyter_mlinfra.deployments.targets.workers import Workers

FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture(autouse=True)
def in_run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def daemon(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Keeper], keeper.KeeperDaemon]]:
    """Makes the process around a keeper, which waits for nothing."""
    monkeypatch.setattr(keeper, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(keeper, "IDLE_SECONDS", 0.0)
    before = {
        number: signal.getsignal(number)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    }
    yield lambda found: keeper.KeeperDaemon(project, lambda _: found)  # type: ignore[arg-type,return-value]
    signal.set_wakeup_fd(-1)
    for number, handler in before.items():
        signal.signal(number, handler)
    shutil.rmtree(runtime_folder(project.home), ignore_errors=True)


class Keeper:
    """Each turn raises the next of `troubles`; after the last it is done."""

    def __init__(self, troubles: list[Exception], *, steps: int = 1) -> None:
        self.troubles, self.adopted = troubles, False
        self.adoptions, self.steps, self.killed = 0, steps, False

    def adopt(self) -> None:
        self._turn()
        self.adoptions += 1

    def step(self) -> bool:
        self._turn()
        self.steps -= 1
        return self.steps == 0

    def _turn(self) -> None:
        if self.troubles:
            raise self.troubles.pop()

    def kill(self) -> None:
        self.killed = True

    def processes(self) -> list[Any]:
        return []

    def busy(self) -> bool:
        return False


def test_the_keeper_outlives_every_kind_of_failed_write(
    daemon: Callable[[Keeper], keeper.KeeperDaemon], capsys: pytest.CaptureFixture[str]
) -> None:
    found = Keeper([FULL, FULL, Unavailable("The database is busy."), FULL])
    daemon(found).run()
    assert found.steps == 0
    assert found.adoptions == 1  # tried again until it was done, then not once more
    assert "No space left" in capsys.readouterr().err


def test_the_keeper_outlives_a_fault_of_its_own_and_logs_where_it_was(
    daemon: Callable[[Keeper], keeper.KeeperDaemon], capsys: pytest.CaptureFixture[str]
) -> None:
    found = Keeper([ValueError("zip() argument 2 is longer"), KeyError("stats"), KeyError("stats")])
    daemon(found).run()
    assert found.steps == 0
    said = capsys.readouterr().err
    assert "ValueError: zip() argument 2 is longer" in said
    assert "in _turn" in said
    # The same fault again and again fills no disk.
    assert said.count("KeyError: 'stats'") == 1


def test_the_keeper_of_a_project_that_was_moved_away_ends_its_processes(
    daemon: Callable[[Keeper], keeper.KeeperDaemon], project: Project
) -> None:
    class Moved(Keeper):
        def step(self) -> bool:
            project.home.rename(project.root / "elsewhere")
            return False

    found = Moved([])
    daemon(found).run()
    assert found.killed


def test_the_address_of_a_keeper_leads_to_it_while_it_runs(
    daemon: Callable[[Keeper], keeper.KeeperDaemon], project: Project
) -> None:
    client, seen = local.keeper_control(project), list[Any]()

    class Asked(Keeper):
        def step(self) -> bool:
            entry = client.alive()
            seen.append((entry is not None and entry.process.pid, wake(entry) if entry else None))
            return super().step()

    daemon(Asked([])).run()
    assert seen == [(os.getpid(), True)]


@pytest.mark.parametrize("known", [True, False])
def test_a_keeper_of_an_older_version_is_replaced(
    project: Project, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    """Whether it has recorded its address with the schema that it knew, or, before there were
    addresses, holds the lock alone.
    """
    lock, registry = layout.run_folder(project) / layout.LOCK, layout.registry_of(project)
    code = (
        "import fcntl, sys, time; handle = open(sys.argv[1], 'w');"
        " fcntl.flock(handle, fcntl.LOCK_EX); print(flush=True); time.sleep(600)"
    )
    marked = {**os.environ, TOKEN: layout.token_of(project, "keeper")}
    old = subprocess.Popen(
        [sys.executable, "-c", code, str(lock)], env=marked, stdout=subprocess.PIPE
    )
    with old, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        try:
            listener.bind(str(layout.socket_path(project)))
            assert old.stdout is not None
            old.stdout.readline()
            identity = Identity.of(old.pid)
            assert identity is not None
            if known:
                with monkeypatch.context() as patch:
                    patch.setattr(registration, "newest_revision", lambda: "0011")
                    before = layout.digest_of(project)
                registry.write(Registration(process=identity, socket="", settings=before))
            new = own_registration(layout.socket_path(project), layout.digest_of(project))
            monkeypatch.setattr(control, "spawn_detached", lambda *_, **__: registry.write(new))
            threading.Thread(target=old.wait).start()  # as init does: it is no zombie
            assert local.keeper_control(project).start() == new
            assert not identity.alive()
            assert local.keeper_control(project).start() == new  # and is not replaced again
        finally:
            old.kill()


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Figures]:
    """Reads a meter five seconds after the last time; what Envoy has counted since it was started,
    or None where it does not answer.
    """
    reader, clock = meter.Meter(), [1000.0]
    monkeypatch.setattr(meter, "time", SimpleNamespace(time=lambda: clock[0]))

    def read(
        requests: int | None,
        *,
        histogram: int | None = None,
        errors: int = 0,
        refused: int = 0,
        probes: int = 0,
    ) -> Figures:
        clock[0] += 5
        told = {
            "cluster.a.v1.upstream_rq_completed": str(requests),
            "cluster.a.v1.upstream_rq_4xx": str(refused),
            "cluster.a.v1.upstream_rq_5xx": str(errors),
        }
        told["cluster.a.v1.probe.upstream_rq_completed"] = str(probes)
        monkeypatch.setattr(meter, "statistics", lambda _: None if requests is None else {0: told})
        monkeypatch.setattr(
            meter,
            "latencies",
            lambda: None if histogram is None else {0: {"a.v1": [histogram] * 29}},
        )
        return reader.read(["a.v1"])["a.v1"]

    return read


def test_a_reading_that_envoy_does_not_answer_is_left_out_and_is_no_count_of_zero(
    counted: Callable[..., Figures],
) -> None:
    counted(100_000, histogram=100_000)
    before = counted(100_010, histogram=100_010)
    assert counted(None, histogram=100_020) == before
    assert counted(100_030, histogram=None) == before
    after = counted(100_040, histogram=100_040)
    assert (after.requests, after.seconds) == (40, 20)  # two a second, as all the while
    assert after.since == 1005.0


def test_what_a_gateway_had_counted_before_it_was_started_anew_still_counts(
    counted: Callable[..., Figures],
) -> None:
    counted(100_000, histogram=100_000)
    counted(100_004, histogram=100_004)
    counted(3, histogram=3)
    after = counted(13, histogram=13)
    assert (after.requests, after.seconds) == (17, 15)


def test_refusals_are_counted_since_any_reading_of_the_window(
    counted: Callable[..., Figures],
) -> None:
    counted(100, histogram=100, errors=1, refused=4)
    counted(120, histogram=120, errors=2, refused=10)
    found = counted(150, histogram=150, errors=3, refused=25)
    assert (found.requests, found.errors, found.refused) == (50, 2, 21)
    assert found.counted_since(1007.0) == (30, 1, 15)


def test_a_probe_that_ends_between_two_readings_looks_neither_like_a_client_nor_like_a_new_gateway(
    counted: Callable[..., Figures],
) -> None:
    counted(50, histogram=50)
    torn = counted(150, histogram=50, probes=101)  # it was counted by the second reading only
    assert (torn.requests, torn.seconds) == (0, 5)
    whole = counted(250, histogram=50, probes=200)
    assert (whole.requests, whole.seconds) == (0, 10)
    assert counted(254, histogram=54, probes=200).requests == 4


def test_a_version_is_not_idle_when_nobody_can_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is drained until the gateway answers that nothing is under way, or the time for that is
    over.
    """
    ended: list[float] = []
    clock = [1000.0]
    answer: list[bytes | None] = [None]
    monkeypatch.setattr(admin, "_get", lambda *_: answer[0])
    monkeypatch.setattr(keeper, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    found = SimpleNamespace(
        workers=SimpleNamespace(all={("flights", "v1"): []}, end=lambda _: ended.append(clock[0])),
        gateway=SimpleNamespace(alive=lambda: True),
        draining={},
    )

    def drain(seconds: float, said: bytes | None) -> list[float]:
        clock[0] += seconds
        answer[0] = said
        keeper.Keeper._end_unwanted(found, [], [], [])  # type: ignore[arg-type]
        return ended

    started = clock[0]
    assert drain(0, None) == []
    assert drain(5, None) == []
    assert drain(1, b"cluster.flights.v1.upstream_rq_active: 1\n") == []
    assert drain(1, b"cluster.flights.v1.upstream_rq_active: 0\n") == [started + 7]
    ended.clear()
    found.draining.clear()
    assert drain(0, None) == []
    assert drain(keeper.DRAIN_SECONDS + 1, None) == [clock[0]]


@pytest.fixture
def gate(project: Project) -> Iterator[Gateway]:
    """The gateway of a project that has none yet."""
    found = Gateway(project, DeploymentStore(project.database, project.name))
    yield found
    found.kill()


def again(gate: Gateway) -> None:
    """Its next try is due."""
    for envoy in gate._envoys:
        envoy.retry_at = 0.0


def test_a_port_is_kept_once_the_gateway_has_served_on_it_and_then_no_other_is_chosen(
    gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one is taken between choice and start, as by a project that starts at the same
    time.
    """
    store = gate._store
    with socket.socket() as first, monkeypatch.context() as patch:
        first.bind(("127.0.0.1", 0))
        first.listen()
        patch.setattr(ports, "choose", lambda _: first.getsockname()[1])
        assert not gate.keep([])
        assert "is taken" in store.target().trouble
        assert store.target().port == 0
    again(gate)
    assert gate.keep([])
    port = store.target().port
    assert port
    assert not ports.is_free(port)
    gate.end()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        assert not gate.keep([])
        assert json.loads(store.target().trouble)["what"].startswith(f"Port {port} is taken")
        assert store.target().port == port
    again(gate)
    assert gate.keep([])
    assert gate.port == port


SLOW = f"""#!{sys.executable}
import http.server, os, pathlib, socketserver, sys, time

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_): pass
    def address_string(self): return ""

path = os.environ["MLINFRA_SOCKET"]
with open("starts", "a") as starts:
    print(os.getpid(), file=starts)
time.sleep(float(pathlib.Path("seconds").read_text()))
pathlib.Path(path).unlink(missing_ok=True)
socketserver.UnixStreamServer(path, Handler).serve_forever()
"""


@pytest.fixture
def whole_bundles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bundles that are no folders of a packaging: only their processes are looked at."""
    monkeypatch.setattr("jupyter_mlinfra.deployments.targets.checking.damage", lambda _: "")


@pytest.fixture
def slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole_bundles: None
) -> Iterator[tuple[Workers, Callable[[Callable[[], bool]], None]]]:
    """Workers that take `seconds` to start, of which 0.2 s of illness are one too many; and a loop
    like the keeper's.
    """
    python = tmp_path / "python"
    python.write_text(SLOW)
    python.chmod(0o700)
    (tmp_path / "seconds").write_text("1.5")
    monkeypatch.setattr("jupyter_mlinfra.deployments.targets.workers.UNHEALTHY_SECONDS", 0.2)
    found = Workers(
        SimpleNamespace(drop=lambda _: None, add=lambda _: None),
        f"mlinfra-test-{os.getpid()}-{time.time_ns()}",
    )  # type: ignore[arg-type]
    launch = WorkerSpec(
        deployment="flights",
        version="v1",
        model="flights/1",
        python=str(python),
        bundle=str(tmp_path),
        payloads=tmp_path,
        logs=tmp_path,
    )

    def run(happened: Callable[[], bool]) -> None:
        end = time.monotonic() + 60
        while not happened():
            assert time.monotonic() < end
            found.keep(launch, 1)
            found.heal(
                {
                    path
                    for path in found.sockets(("flights", "v1"))
                    if admin.get(path, "/health/ping", timeout=0.1) is None
                }
            )
            time.sleep(0.02)

    yield found, run
    found.kill()


def starts() -> list[int]:
    return (
        [int(line) for line in Path("starts").read_text().splitlines()]
        if Path("starts").exists()
        else []
    )


def test_a_hung_worker_is_replaced_once_however_long_it_takes_to_start(
    slow: tuple[Workers, Callable[[Callable[[], bool]], None]],
) -> None:
    workers, run = slow
    run(lambda: workers.ready(("flights", "v1")) == 1)
    (first,) = starts()  # not killed while it started
    os.kill(first, signal.SIGSTOP)
    run(lambda: workers.ready(("flights", "v1")) == 1 and starts()[-1:] != [first])
    assert len(starts()) == 2  # nor was the one in its place


def test_a_worker_that_never_answers_is_killed_when_its_time_is_over(
    slow: tuple[Workers, Callable[[Callable[[], bool]], None]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    workers, run = slow
    (tmp_path / "seconds").write_text("600")
    monkeypatch.setattr("jupyter_mlinfra.deployments.targets.workers.START_SECONDS", 1.0)
    run(lambda: workers.failed_starts(("flights", "v1")) == 2)


def test_a_file_that_says_so_already_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    assert swap("rds.json", "one") is True

    def refuse(*_: Any) -> None:
        raise FULL

    monkeypatch.setattr(Path, "write_text", refuse)
    assert swap("rds.json", "one") is False
    with pytest.raises(OSError, match="No space"):
        swap("rds.json", "two")
    assert Path("rds.json").read_text() == "one"


def test_a_worker_that_has_ended_is_let_go_of_even_when_that_cannot_be_noted() -> None:
    def refuse(_: str) -> None:
        raise Unavailable("The disk is full.")

    workers = Workers(SimpleNamespace(drop=refuse), "no-such-token")  # type: ignore[arg-type]
    worker = Worker(slot=0, socket="a.sock", token="no-such-token-a")
    with pytest.raises(Unavailable):
        workers._forget(worker)
    assert (worker.token, worker.identity) == ("", None)  # so that the next step starts it


def test_a_worker_that_is_started_on_a_full_disk_is_noted_when_there_is_room(
    tmp_path: Path, whole_bundles: None
) -> None:
    rows: list[ProcessRow] = []
    full = [True]

    def add(row: ProcessRow) -> None:
        if full:
            raise Unavailable("The disk is full.")
        rows.append(row)

    token = f"mlinfra-test-{os.getpid()}-{time.time_ns()}"
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexec sleep 60\n")
    python.chmod(0o700)
    workers = Workers(SimpleNamespace(drop=lambda _: None, add=add), token)  # type: ignore[arg-type]
    launch = WorkerSpec(
        deployment="flights",
        version="v1",
        model="flights/1",
        python=str(python),
        bundle=str(tmp_path),
        payloads=tmp_path,
        logs=tmp_path / "no such folder",
    )
    try:
        workers.keep(launch, 2)
        assert all(identity.alive() for identity in workers.identities())
        with pytest.raises(Unavailable):
            workers.note()
        full.clear()
        for _ in range(2):
            workers.note()
        assert [(row.slot, row.identity) for row in rows] == list(enumerate(workers.identities()))
    finally:
        workers.kill()
    assert not any(identity.alive() for identity in workers.identities())


def test_a_bundle_that_was_changed_is_not_started_and_the_reason_is_kept(
    tmp_path: Path, models: Mapping[int, Path]
) -> None:
    bundle = package(models[1], tmp_path / "bundles").folder
    (bundle / "mlinfra_runtime" / "contract.py").write_text("import os\n")
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\ntouch started\n")
    python.chmod(0o700)
    launch = WorkerSpec(
        deployment="flights",
        version="v1",
        model="flights/1",
        python=str(python),
        bundle=str(bundle),
        payloads=tmp_path,
        logs=tmp_path,
    )
    workers = Workers(
        SimpleNamespace(drop=lambda _: None), f"mlinfra-test-{os.getpid()}-{time.time_ns()}"
    )  # type: ignore[arg-type]
    workers.keep(launch, 1)
    assert workers.identities() == []
    assert not Path("started").exists()
    assert "is not what was packaged" in workers.damage(("flights", "v1"))


def test_a_large_bundle_is_checked_beside_the_loop_and_once(
    tmp_path: Path, models: Mapping[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = package(models[1], tmp_path / "bundles")
    folder, model = bundle.folder, bundle.folder / next(iter(bundle.files))
    let, read = threading.Event(), list[Path]()

    def slowly(bundle: Path) -> str:
        read.append(bundle)
        assert let.wait(20)
        return damage(bundle)

    monkeypatch.setattr(checking, "damage", slowly)
    monkeypatch.setattr(checking, "WAIT_SECONDS", 0.01)
    checks = checking.BundleChecks()
    began = time.monotonic()
    assert [checks.damage(folder) for _ in range(4)] == [None] * 4  # so many processes
    assert time.monotonic() - began < 10
    let.set()
    found = None
    while found is None:
        found = checks.damage(folder)
    assert found == ""
    assert checks.damage(folder) == ""
    assert read == [folder], "it is read again only when it has changed"
    times, data = model.stat(), model.read_bytes()
    model.chmod(0o600)
    model.write_bytes(data[:-1] + b"?")
    os.utime(model, ns=(times.st_atime_ns, times.st_mtime_ns))
    while not (found := checks.damage(folder)):
        assert found is None
    assert "is not the file that was packaged" in found
    model.write_bytes(data)
    while (found := checks.damage(folder)) is None:
        pass
    assert found == ""
