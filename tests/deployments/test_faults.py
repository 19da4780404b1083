"""Processes are killed under load; what is answered goes on being answered, and what died comes
back.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import psutil
import pytest

from jupyter_mlinfra.core.errors import Conflict, Unavailable, Unprocessable
from jupyter_mlinfra.core.processes import Identity
from jupyter_mlinfra.deployments import Deployments, DeploymentState, VersionState
from jupyter_mlinfra.deployments.gate_list import GateList
from jupyter_mlinfra.deployments.targets import healing, layout
from jupyter_mlinfra.deployments.targets.process_table import ProcessRow, ProcessTable
from jupyter_mlinfra.jobs import Alarm, JobSpec, read_alarms, set_alarm
from jupyter_mlinfra.workbench import Workbench

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def deployments(
    tmp_path_factory: pytest.TempPathFactory, models: Mapping[int, Path], kit: ModuleType
) -> Iterator[Deployments]:
    """Version 1 has the traffic, version 2 is warm."""
    project = kit.open_project(tmp_path_factory.mktemp("faults"))
    found = Deployments(project, kit.Registry(models))
    found.deploy("flights", version="flights/1")
    found.deploy("flights", version="flights/2")
    yield found
    Workbench(project).jobs.stop(cancel_running=True)
    kit.clean_up(project)


@pytest.fixture
def url(deployments: Deployments) -> str:
    """The deployment, whole again after the test before."""
    until(
        lambda: all(
            item.state is VersionState.READY and item.workers == 2
            for item in deployments.show("flights").deployment.versions
        )
    )
    until(
        lambda: all(
            psutil.Process(row.identity.pid).children()
            for row in ProcessTable(deployments._project.database).rows()
            if row.deployment
        )
    )
    return deployments.show("flights").deployment.url


def until(happened: Callable[[], bool], seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def kill_one_and_see_another(deployments: Deployments, version: str) -> None:
    """Kill a serving process of a version, and wait until another has taken its place."""
    victim = processes(deployments, version)[0]
    kill_tree(victim)
    until(
        lambda: (
            victim.identity not in [row.identity for row in processes(deployments, version)]
            and deployments._target.running().get(("flights", version)) == 2
        )
    )


def processes(deployments: Deployments, version: str) -> list[ProcessRow]:
    return [
        row for row in ProcessTable(deployments._project.database).rows() if row.version == version
    ]


def keeper(deployments: Deployments) -> int | None:
    """Pid of the process that holds the keeper's lock."""
    entry = deployments._target._keeper.alive()  # type: ignore[attr-defined]
    return entry.process.pid if entry is not None else None


def ours(deployments: Deployments) -> list[psutil.Process]:
    """Every process that works for the project, found without the code under test."""
    root, marks = (
        str(deployments._project.root),
        (layout.token_of(deployments._project, part) for part in ("keeper", "gateway", "serve")),
    )
    needles, found = tuple(marks), []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words, environment = " ".join(process.cmdline()), process.environ()
            marked = environment.get("MLINFRA_PROCESS_TOKEN", "").startswith(needles)
            if process.pid != os.getpid() and (
                marked or root in words or environment.get("MLINFRA_PROJECT") == root
            ):
                found.append(process)
    return found


def kill_tree(row: ProcessRow) -> None:
    os.killpg(row.identity.pid, signal.SIGKILL)


def test_a_killed_worker_costs_no_request_and_is_started_again(
    deployments: Deployments, url: str, kit: ModuleType
) -> None:
    victim = processes(deployments, "v1")[0]
    with kit.load(url, kit.sample_body(deployments), rate=200) as load:
        kill_tree(victim)
        until(
            lambda: (
                victim.identity not in [row.identity for row in processes(deployments, "v1")]
                and len(deployments._target.running()) == 2
                and deployments._target.running()["flights", "v1"] == 2
            )
        )
        load.next(200)
    assert load.lost == {}, load.details[:3]
    assert set(load.versions) == {"v1"}  # one worker of a version is enough for all of its traffic
    assert victim.identity not in [row.identity for row in processes(deployments, "v1")]
    assert not victim.identity.alive()


def test_a_killed_gunicorn_child_costs_no_request(
    deployments: Deployments, url: str, kit: ModuleType
) -> None:
    parent = psutil.Process(processes(deployments, "v1")[0].identity.pid)
    (child,) = parent.children()
    with kit.load(url, kit.sample_body(deployments), rate=200) as load:
        child.send_signal(signal.SIGKILL)
        until(lambda: [one.pid for one in parent.children() if one.pid != child.pid] != [])
        load.next(200)
    assert load.lost == {}, load.details[:3]


def test_when_all_workers_of_the_live_version_are_killed_the_warm_one_stands_in_and_says_so(
    deployments: Deployments, url: str, kit: ModuleType
) -> None:
    with kit.load(url, kit.sample_body(deployments), rate=200) as load:
        for row in processes(deployments, "v1"):
            kill_tree(row)
        until(lambda: load.versions["v2"] > 0)  # the answer names who gave it
        until(
            lambda: (
                deployments.show("flights").deployment.state is DeploymentState.HEALTHY
                and deployments._target.running()["flights", "v1"] == 2
            )
        )
        until(lambda: {item.version for item in load.next(50)} == {"v1"})
    assert load.lost == {}, load.details[:3]


def test_a_killed_keeper_costs_no_request_and_the_next_takes_its_processes_over(
    deployments: Deployments, url: str, kit: ModuleType
) -> None:
    before = {row.identity for row in ProcessTable(deployments._project.database).rows()}
    first = keeper(deployments)
    assert first is not None
    with kit.load(url, kit.sample_body(deployments), rate=200) as load:
        os.kill(first, signal.SIGKILL)
        load.next(100)
        deployments.traffic("flights", {"v1": 50, "v2": 50})  # starts the next one
        load.next(100)
        deployments.rollback("flights")
    assert load.lost == {}, load.details[:3]
    assert keeper(deployments) not in (None, first)
    assert {row.identity for row in ProcessTable(deployments._project.database).rows()} == before
    victim = processes(deployments, "v1")[1]
    kill_tree(victim)  # the new keeper looks after processes that it did not start
    until(
        lambda: (
            victim.identity not in [row.identity for row in processes(deployments, "v1")]
            and deployments._target.running().get(("flights", "v1")) == 2
        )
    )


def test_a_keeper_that_was_killed_with_its_standby_is_started_again_by_heal_and_by_no_look(
    deployments: Deployments, url: str, kit: ModuleType
) -> None:
    """Alone it would be followed by its standby at once."""
    before = {row.identity for row in ProcessTable(deployments._project.database).rows()}
    first = keeper(deployments)
    assert first is not None
    kit.kill(layout.token_of(deployments._project, "keeper"))
    assert keeper(deployments) is None
    assert deployments.show("flights").deployment.name == deployments.list().items[0].name
    time.sleep(1)
    assert keeper(deployments) is None
    deployments.heal()
    until(lambda: keeper(deployments) not in (None, first))
    kill_one_and_see_another(deployments, "v2")
    assert (
        len(before & {row.identity for row in ProcessTable(deployments._project.database).rows()})
        == len(before) - 1
    )


def test_a_keeper_that_was_killed_with_its_standby_is_started_again_by_the_supervisor_alone(
    deployments: Deployments, url: str, kit: ModuleType
) -> None:
    """By an alarm that a living keeper puts off. No verb is called and nobody looks."""
    project, first = deployments._project, keeper(deployments)
    assert first is not None
    bench = Workbench(project)
    bench.jobs.heed_alarms(start=True)

    def alarms() -> list[Alarm]:
        return [item for item in read_alarms(project.database) if item.name == healing.NAME]

    try:
        # Just put off: it is not due while this test looks at it.
        until(lambda: any(item.due_at > time.time() + healing.DUE_SECONDS / 2 for item in alarms()))
        kit.kill(layout.token_of(project, "keeper"))
        (alarm,) = alarms()
        assert 0 < alarm.due_at - time.time() <= healing.DUE_SECONDS
        with project.database.write() as connection:  # instead of waiting for it
            set_alarm(connection, replace(alarm, due_at=time.time()))
        bench.jobs.heed_alarms(start=False)
        until(lambda: keeper(deployments) not in (None, first))
        kill_one_and_see_another(deployments, "v2")
    finally:
        bench.jobs.stop(cancel_running=True)
        deployments.heal()  # for the tests that follow, if it was in vain


def test_a_keeper_that_cannot_write_lives_on_and_still_starts_what_dies(
    deployments: Deployments, url: str
) -> None:
    pid, log = keeper(deployments), layout.logs_folder(deployments._project) / "keeper.log"
    figures = layout.run_folder(deployments._project) / layout.FIGURES
    in_the_way = figures.with_name(f".{layout.FIGURES}.draft")
    in_the_way.mkdir()
    try:
        until(lambda: "tries again" in log.read_text())
        kill_one_and_see_another(deployments, "v1")
    finally:
        in_the_way.rmdir()
    written = figures.stat().st_mtime
    until(lambda: figures.stat().st_mtime > written)
    assert keeper(deployments) == pid


def test_a_killed_gateway_refuses_no_connection_and_is_started_again(
    deployments: Deployments, url: str, kit: ModuleType
) -> None:
    """It is one of two; only what it was working on is lost, and clients that have a connection to
    it open another.
    """
    first, _ = processes(deployments, "gateway")
    with kit.load(url, kit.sample_body(deployments), rate=200, clients=16) as load:
        first.identity.signal(signal.SIGKILL)
        until(
            lambda: (
                first.identity not in [row.identity for row in processes(deployments, "gateway")]
                and len(processes(deployments, "gateway")) == 2
            )
        )
        load.next(200)
    # Each client had one connection, and each can lose the request that it sends on it.
    broken = {"RemoteDisconnected", "ConnectionResetError", "BrokenPipeError"}
    assert set(load.statuses) <= {200, *broken}
    assert sum(load.lost.values()) <= 16
    assert deployments.show("flights").deployment.url == url


def test_a_version_whose_bundle_was_changed_says_so_and_a_deploy_repairs_it(
    deployments: Deployments, url: str, kit: ModuleType
) -> None:
    code = (
        Path(deployments._store.deployment("flights").version("v1").bundle)
        / "mlinfra_runtime"
        / "model.py"
    )
    packaged = code.read_bytes()
    code.write_bytes(
        packaged.replace(b'JSON = "application/json"', b'JSON = "application/changed"')
    )
    assert code.read_bytes() != packaged
    first, second = processes(deployments, "v1")
    kill_tree(first)
    until(
        lambda: (
            "is not what was packaged" in deployments.show("flights").deployment.versions[0].reason
        )
    )
    # The other one was started from what was packaged.
    assert deployments._target.running()["flights", "v1"] == 1
    kill_tree(second)
    until(lambda: deployments.show("flights").deployment.versions[0].state is VersionState.FAILED)
    with kit.load(url, kit.sample_body(deployments), rate=100) as load:
        until(lambda: {item.version for item in load.next(50)} == {"v2"})  # it stands in
        shown = deployments.show("flights").deployment.versions[0]
        assert "is not what was packaged" in shown.reason
        assert "mlinfra deployments deploy flights/1" in shown.reason
        with pytest.raises(Unprocessable, match="v1 of flights has failed"):
            deployments.up()
        deployments.deploy("flights", version="flights/1")
        assert code.read_bytes() == packaged
        until(lambda: {item.version for item in load.next(50)} == {"v1"})
    assert load.lost == {}, load.details[:3]
    assert [
        (item.state, item.reason, item.traffic)
        for item in deployments.show("flights").deployment.versions
    ] == [("ready", "", 100), ("ready", "", 0)]


def test_a_failed_version_is_deployed_anew_and_answers_nobody_until_its_tests_have_passed(
    deployments: Deployments,
    url: str,
    kit: ModuleType,
    models: Mapping[int, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another version stands in for it, also while a first try fails."""
    folders = deployments._experiments.folders  # type: ignore[attr-defined]

    def refuse(*_: object) -> None:
        raise Unprocessable("A test has failed.")

    bundle = Path(deployments._store.deployment("flights").version("v1").bundle)
    (bundle / "mlinfra_runtime" / "model.py").write_text("")
    for row in processes(deployments, "v1"):
        kill_tree(row)
    until(lambda: deployments.show("flights").deployment.versions[0].state is VersionState.FAILED)
    with kit.load(url, kit.sample_body(deployments), rate=100, clients=4) as load:
        until(lambda: {item.version for item in load.next(50)} == {"v2"})
        folders[1] = models[2]
        with monkeypatch.context() as patch, pytest.raises(Unprocessable, match="A test has"):
            patch.setattr(GateList, "check", refuse)
            deployments.deploy("flights", version="flights/1")
        assert {item.version for item in load.next(50)} == {"v2"}
        folders[1] = models[3]
        deployments.deploy("flights", version="flights/1")
        until(lambda: {item.version for item in load.next(50)} == {"v1"})
    assert load.lost == {}, load.details[:3]


def test_everything_comes_back_after_a_reboot(
    deployments: Deployments, url: str, kit: ModuleType
) -> None:
    deployments.traffic("flights", {"v1": 30, "v2": 70})
    pid = keeper(deployments)
    assert pid is not None
    kit.kill(layout.token_of(deployments._project, "keeper"))
    rows = ProcessTable(deployments._project.database).rows()
    for row in rows:
        kill_tree(row)
    until(lambda: not any(row.identity.alive() for row in rows))
    # As if noted before the reboot: another boot, pids that strangers have now.
    with deployments._project.database.write() as connection:
        connection.execute(
            "UPDATE deployment_process SET boot = 'before', pid = ?, start = 1", (os.getpid(),)
        )
    shown = deployments.show("flights").deployment
    assert shown.state is DeploymentState.DOWN
    assert {item.state for item in shown.versions} == {VersionState.STOPPED}
    assert "mlinfra up" in shown.versions[0].reason
    # The cache of environments was emptied meanwhile.
    deployments._store.note("flights", "v1", python="/no/such/bin/python")
    (back,) = deployments.up()
    assert back.state is DeploymentState.HEALTHY
    assert back.url == url
    assert {item.version: item.traffic for item in back.versions} == {"v1": 30, "v2": 70}
    assert set(kit.count_versions(url, kit.sample_body(deployments), 100)) == {"v1", "v2"}


def test_down_ends_every_process_and_up_brings_the_same_traffic_back(
    deployments: Deployments, url: str, kit: ModuleType
) -> None:
    traffic = {
        item.version: item.traffic for item in deployments.show("flights").deployment.versions
    }
    rows, pid = ProcessTable(deployments._project.database).rows(), keeper(deployments)
    with kit.load(url, kit.sample_body(deployments), rate=100, clients=4) as load:
        (gone,) = deployments.down()
    assert gone.state is DeploymentState.DOWN
    assert not any(row.identity.alive() for row in rows)
    assert pid is not None
    # It has let go of its lock; the rest of its end takes a moment on a busy machine.
    until(lambda: Identity.of(pid) is None)
    assert ProcessTable(deployments._project.database).rows() == []
    assert (
        subprocess.run(
            ["pgrep", "-f", layout.token_of(deployments._project)], check=False
        ).returncode
        == 1
    )
    assert set(load.statuses) <= {
        200,
        503,
        "ConnectionRefusedError",
        "RemoteDisconnected",
        "ConnectionResetError",
        "BrokenPipeError",
    }
    with pytest.raises(Unavailable, match="is down") as refused:
        deployments.predict("flights", [{"x0": 1.0}])
    assert refused.value.fix == "mlinfra up"
    with pytest.raises(Conflict, match="is down"):
        deployments.promote("flights", "v1")
    history = deployments.show("flights").history
    # It is deployed already: only its processes are missing.
    back = deployments.deploy("flights", version="flights/1")
    assert deployments.show("flights").history == history
    assert {item.version: item.traffic for item in back.versions} == traffic
    assert kit.count_versions(back.url, kit.sample_body(deployments), 20).total() == 20


def test_a_port_that_somebody_took_while_it_was_down_is_named_and_no_other_is_chosen(
    deployments: Deployments, url: str
) -> None:
    port = urlsplit(url).port
    deployments.down()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(Unavailable, match=f"Port {port} is taken") as refused:
            deployments.up()
        assert str(os.getpid()) in refused.value.why
        assert "[deployments] port" in refused.value.fix
    (back,) = deployments.up()
    assert back.url == url


def test_down_on_a_full_disk_ends_every_process_and_says_that_it_is_not_written(
    deployments: Deployments, url: str, kit: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> int:
        raise Unavailable(
            "state.db cannot grow.", "SQLite says: database or disk is full.", "Free some space."
        )

    with monkeypatch.context() as patch:
        patch.setattr(deployments._store, "set_up", full)
        with pytest.raises(Unavailable, match="cannot grow"):
            deployments.down()
    assert keeper(deployments) is None
    assert not any(
        row.identity.alive() for row in ProcessTable(deployments._project.database).rows()
    )
    assert deployments.show("flights").deployment.state is DeploymentState.DOWN
    (back,) = deployments.up()
    assert kit.count_versions(back.url, kit.sample_body(deployments), 20).total() == 20


def test_everything_that_was_killed_comes_up_again_and_down_leaves_no_process(
    deployments: Deployments, url: str, kit: ModuleType
) -> None:
    bench = Workbench(deployments._project)
    bench.__dict__["deployments"] = deployments
    job = bench.jobs.submit(JobSpec(command=["sleep", "600"]))
    until(lambda: bench.jobs.show(job.id).state == "running")
    before = ours(deployments)
    # Supervisor, wrapper, job; keeper, gateway; two versions of two workers.
    assert len(before) >= 8
    for process in before:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(before, timeout=10)
    up = bench.up()
    assert up["deployments"] == ["flights"]
    assert psutil.pid_exists(up["supervisor"])
    assert kit.count_versions(url, kit.sample_body(deployments), 20).total() == 20
    assert bench.jobs.wait([job.id], timeout=40)[0].state == "lost"
    assert bench.down() == {"supervisor": None, "deployments": ["flights"]}
    assert ours(deployments) == []
    bench.up()
