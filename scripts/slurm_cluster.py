"""A real Slurm on this machine for tests: one node with GPUs that only count, without systemd or
cgroups. Several may run at once.

    python scripts/slurm_cluster.py install [--accounting]    apt-get, where something is missing
    (Debian, as root) python scripts/slurm_cluster.py up FOLDER [--accounting]  prints the path of
    its slurm.conf: export SLURM_CONF python scripts/slurm_cluster.py down FOLDER

Partitions: `gpu` (the default), whose jobs are requeued when one of `urgent` needs their place;
`cpu`, that nothing preempts.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

COMMANDS = {
    "slurmctld": "slurmctld",
    "slurmd": "slurmd",
    "sbatch": "slurm-client",
    "munged": "munge",
}
ACCOUNTING = {"slurmdbd": "slurmdbd", "mariadbd": "mariadb-server"}
START_SECONDS = 60.0
END_SECONDS = 20.0
DAEMONS = ("slurmctld", "slurmd", "slurmdbd", "mariadbd", "munged")

# Each line that is not plain has its reason: auth/slurm would need no munge, but its socket has the
# same place for all clusters of a machine. linuxproc, task/none and no cgroup plugin need no
# cgroups. config_overrides lets few CPUs count as many. Without DefMemPerCPU a job takes all memory
# of the node, and nothing runs beside it. The scheduler's delays are those of large clusters: with
# them a job waits three seconds for its start. MinJobAge is as short as Slurm takes it seriously,
# so that tests meet jobs that Slurm has forgotten.
CONFIG = """
ClusterName=mlinfra
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/run/munge.sock
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
DefMemPerCPU=100
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=1000,sched_interval=1,bf_interval=1,batch_sched_delay=0,default_queue_depth=1000,nohold_on_prolog_fail
PriorityType=priority/multifactor
PriorityWeightAge=1000
PriorityWeightPartition=20000
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PreemptParameters=send_user_signal
JobRequeue=1
KillWait=5
MinJobAge={age}
MaxJobCount=20000
ReturnToService=2
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName=n0 NodeHostname={host} NodeAddr=127.0.0.1 Port={node_port} CPUs={cpus} \
  RealMemory=16000 Gres=gpu:h100:{gpus} State=UNKNOWN
PartitionName=gpu Nodes=n0 Default=YES MaxTime=7-0 State=UP PriorityTier=1 \
  PreemptMode=REQUEUE GraceTime=5
PartitionName=urgent Nodes=n0 MaxTime=7-0 State=UP PriorityTier=10 PreemptMode=OFF
PartitionName=cpu Nodes=n0 MaxTime=1:00:00 State=UP PriorityTier=1 PreemptMode=OFF
"""
ACCOUNTING_CONFIG = """
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
AccountingStoragePort={port}
AccountingStoragePass={folder}/run/munge.sock
AccountingStorageTRES=gres/gpu
"""
DBD_CONFIG = """
AuthType=auth/munge
AuthInfo=socket={folder}/run/munge.sock
DbdHost=localhost
DbdPort={port}
SlurmUser=root
PidFile={folder}/run/slurmdbd.pid
LogFile={folder}/log/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm_acct_db
"""


_MUNGE = {
    "key-file": "munge.key",
    "socket": "run/munge.sock",
    "pid-file": "run/munged.pid",
    "log-file": "log/munged.log",
    "seed-file": "run/munge.seed",
}


def install(*, accounting: bool) -> None:
    """Install what is missing. Exits with what to do where that cannot be done."""
    commands = COMMANDS | (ACCOUNTING if accounting else {})
    missing = [package for command, package in commands.items() if _which(command) is None]
    if not missing:
        return
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "-qq"]
    done = None
    if os.getuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        # Without a network the lists that are there may do.
        subprocess.run([*apt, "update"], env=environment, capture_output=True, check=False)
        done = subprocess.run(
            [*apt, "install", "-y", "--no-install-recommends", *missing],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    if any(_which(command) is None for command in commands):
        why = (
            f"apt-get could not install {', '.join(missing)}:\n{done.stderr[-2000:]}"
            if done
            else "Only root on Debian can install it here."
        )
        _fail("The tests need a real Slurm.", why, f"apt-get install {' '.join(missing)}")


def up(
    folder: Path, *, accounting: bool, cpus: int, gpus: int, age: int, default_scheduling: bool
) -> Path:
    """Start everything in an empty folder; returns the configuration once the node can take jobs.

    default_scheduling: with Slurm's own delays, to measure how long a job waits for its start.
    """
    if os.getuid() != 0:
        _fail(
            "The test's Slurm cannot be started.",
            "It makes device nodes and runs jobs as their user.",
            "Run it as root, in a container.",
        )
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("state", "spool", "run", "log", "gpu"):
        (folder / name).mkdir(parents=True)
    port, node_port, accounting_port = _free_ports(3)
    text = CONFIG.format(
        folder=folder,
        host=socket.gethostname().split(".")[0],
        cpus=cpus,
        gpus=gpus,
        age=age,
        port=port,
        node_port=node_port,
    )
    text += (
        ACCOUNTING_CONFIG.format(port=accounting_port, folder=folder)
        if accounting
        else "AccountingStorageType=accounting_storage/none\n"
    )
    config = folder / "slurm.conf"
    config.write_text((_without_scheduling(text) if default_scheduling else text).lstrip())
    (folder / "cgroup.conf").write_text("CgroupPlugin=disabled\n")
    _make_gpus(folder, gpus)
    environment = {**os.environ, "SLURM_CONF": str(config)}
    _start_munge(folder, environment)
    if accounting:
        _start_accounting(folder, accounting_port, environment)
    _run([_path("slurmctld"), "-f", str(config)], environment)
    _run([_path("slurmd"), "-f", str(config), "-N", "n0"], environment)
    _until(
        "The node",
        folder,
        lambda: (
            _says(["sinfo", "-h", "-N", "-p", "gpu", "-o", "%T"], environment).strip() == "idle"
        ),
    )
    return config


def _without_scheduling(config: str) -> str:
    """The configuration with Slurm's own delays."""
    lines = config.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("SchedulerParameters="))


def _make_gpus(folder: Path, count: int) -> None:
    """Devices for slurmd: with plain files CUDA_VISIBLE_DEVICES would stay empty. Their number is
    that of /dev/null.
    """
    for number in range(count):
        os.mknod(folder / "gpu" / f"dev{number}", 0o20666, os.makedev(1, 3))
    (folder / "gres.conf").write_text(
        f"Name=gpu Type=h100 File={folder}/gpu/dev[0-{count - 1}]\n" if count else ""
    )


def down(folder: Path) -> None:
    """End what `up` started: by pid file, and only what runs from this folder."""
    found = [pid for name in DAEMONS if (pid := _pid(folder, name)) is not None]
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        limit = time.monotonic() + END_SECONDS
        while any(Path(f"/proc/{pid}").exists() for pid in found) and time.monotonic() < limit:
            time.sleep(0.05)


def _start_munge(folder: Path, environment: dict[str, str]) -> None:
    """The authentication of users, with a key and a socket of this cluster's own."""
    _secret(folder / "munge.key", secrets.token_bytes(128))
    words = [f"--{name}={folder}/{place}" for name, place in _MUNGE.items()]
    _run([_path("munged"), "--force", *words], environment)


def _start_accounting(folder: Path, port: int, environment: dict[str, str]) -> None:
    """MariaDB and slurmdbd, for `sacct`."""
    data, sock = folder / "mysql", folder / "run" / "mysql.sock"
    data.mkdir()
    create = [
        "mariadb-install-db",
        "--no-defaults",
        "--user=root",
        f"--datadir={data}",
        "--skip-test-db",
        "--auth-root-authentication-method=socket",
    ]
    _run(create, environment)
    server = [
        _path("mariadbd"),
        "--no-defaults",
        "--user=root",
        f"--datadir={data}",
        f"--socket={sock}",
        f"--pid-file={folder}/run/mariadbd.pid",
        "--skip-networking",
        "--innodb-buffer-pool-size=64M",
        "--innodb-log-file-size=32M",
        "--innodb-flush-log-at-trx-commit=0",
    ]
    with open(folder / "log" / "mariadbd.log", "wb") as log:
        subprocess.Popen(
            server, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    ask = ["mariadb", "--no-defaults", "-S", str(sock), "-e"]
    _until(
        "MariaDB",
        folder,
        lambda: (
            subprocess.run([*ask, "select 1"], capture_output=True, check=False).returncode == 0
        ),
    )
    _run([*ask, "create database slurm_acct_db"], environment)
    _secret(folder / "slurmdbd.conf", DBD_CONFIG.format(folder=folder, port=port).lstrip().encode())
    _run([_path("slurmdbd")], {**environment, "MYSQL_UNIX_PORT": str(sock)})
    _until(
        "slurmdbd", folder, lambda: "Cluster" in _says(["sacctmgr", "show", "cluster"], environment)
    )
    _run(["sacctmgr", "-i", "-Q", "add", "cluster", "mlinfra"], environment)


def _pid(folder: Path, name: str) -> int | None:
    """The daemon's pid, when the process is there and is that daemon."""
    with contextlib.suppress(OSError, ValueError):
        pid = int((folder / "run" / f"{name}.pid").read_text())
        if name in Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace"):
            return pid
    return None


def _which(command: str) -> str | None:
    return shutil.which(
        command, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    )


def _path(command: str) -> str:
    return _which(command) or command


def _secret(path: Path, data: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.write(data)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _run(command: Sequence[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    if done.returncode:
        _fail(
            f"{command[0]} failed.",
            (done.stderr or done.stdout).strip()[-2000:],
            "Read its log below the folder.",
        )


def _says(command: Sequence[str], environment: dict[str, str]) -> str:
    with contextlib.suppress(subprocess.TimeoutExpired):
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=10, check=False
        ).stdout
    return ""


def _until(what: str, folder: Path, look: Callable[[], bool]) -> None:
    limit = time.monotonic() + START_SECONDS
    while not look():
        if time.monotonic() > limit:
            logs = "\n".join(
                f"{path.name}: {path.read_text(errors='replace')[-800:]}"
                for path in sorted((folder / "log").iterdir())
            )
            _fail(
                f"{what} did not come up in {START_SECONDS:.0f} s.",
                logs,
                f"Read the logs in {folder / 'log'}.",
            )
        time.sleep(0.05)


def _fail(what: str, why: str, fix: str) -> None:
    sys.exit(f"error: {what}\n  why: {why}\n  fix: {fix}")


def main() -> None:
    parser = argparse.ArgumentParser(description="A real Slurm on this machine for tests.")
    parser.add_argument("action", choices=["install", "up", "down"])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument(
        "--accounting", action="store_true", help="with MariaDB and slurmdbd, for sacct"
    )
    parser.add_argument("--cpus", type=int, default=8)
    parser.add_argument("--gpus", type=int, default=4)
    parser.add_argument(
        "--age",
        type=int,
        default=300,
        help="seconds for which ended jobs are shown without accounting",
    )
    parser.add_argument(
        "--default-scheduling",
        action="store_true",
        help="leave the scheduler's delays as Slurm has them",
    )
    options = parser.parse_args()
    if options.action == "install":
        install(accounting=options.accounting)
    elif options.folder is None:
        parser.error("FOLDER is missing")
    elif options.action == "down":
        down(options.folder.resolve())
    else:
        address = up(
            options.folder.resolve(),
            accounting=options.accounting,
            cpus=options.cpus,
            gpus=options.gpus,
            age=options.age,
            default_scheduling=options.default_scheduling,
        )
        sys.stdout.write(f"{address}\n")


if __name__ == "__main__":
    main()
