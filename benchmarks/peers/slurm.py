"""A real Slurm on this machine (slurmctld, slurmd, munge), with the scheduling that it has when
nothing is said about it.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from . import Absent, until

_CLUSTER = Path(__file__).parents[2] / "scripts" / "slurm_cluster.py"
_COMMANDS = ("slurmctld", "slurmd", "sbatch", "munged")


class Slurm:
    """A cluster of one node. config: path of its slurm.conf."""

    def __init__(self, config: str) -> None:
        self._environment = {**os.environ, "SLURM_CONF": config}

    def submit(self, words: Sequence[str]) -> None:
        """Hand a command over."""
        command = ["sbatch", "--quiet", "--output=/dev/null", f"--wrap={shlex.join(words)}"]
        subprocess.run(command, env=self._environment, check=True, capture_output=True)

    def settle(self) -> None:
        """Wait until no job is left."""
        listing = ["squeue", "--noheader"]
        until(
            lambda: (
                not subprocess.run(
                    listing, env=self._environment, check=True, capture_output=True
                ).stdout.strip()
            ),
            "Slurm's last job to end",
        )

    def scheduling(self) -> str:
        """What Slurm says of its scheduler's parameters; (null) when all are its own."""
        shown = subprocess.run(
            ["scontrol", "show", "config"],
            env=self._environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        return (
            next(line for line in shown.splitlines() if line.startswith("SchedulerParameters"))
            .partition("=")[2]
            .strip()
        )


@contextmanager
def default_slurm(folder: Path) -> Iterator[Slurm]:
    """Running in that folder. Raises Absent."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    if missing := [command for command in _COMMANDS if shutil.which(command, path=path) is None]:
        raise Absent(f"{', '.join(missing)} not installed: python scripts/slurm_cluster.py install")
    control = [sys.executable, str(_CLUSTER)]
    up = subprocess.run(
        [*control, "up", str(folder), "--default-scheduling"],
        capture_output=True,
        text=True,
        check=False,
    )
    if up.returncode:
        raise Absent(f"Slurm did not start: {up.stderr.strip()[-300:]}")
    try:
        yield Slurm(up.stdout.strip())
    finally:
        subprocess.run([*control, "down", str(folder)], check=True)
