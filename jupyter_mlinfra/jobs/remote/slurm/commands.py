"""Slurm's own commands: how they are found and called, and what their failures mean."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from ....core.errors import Unavailable
from ...remote.slurm.settings import SlurmSettings
from .. import Unreachable

ANSWER_SECONDS = 60.0
"""The longest wait for an answer; the commands themselves retry for part of it."""
# There was no answer, or none about the question.
_UNANSWERED = re.compile(
    r"contact slurm|timed out|timeout|socket|connection|communication|transmi|standby|rate"
    r" limit|resource temporarily|protocol authentication|munge"
    r"|configuration source|incompatible versions",
    re.I,
)
# No later try would change these. Everything else may pass: limits, policies, drained or reserved
# nodes, a plugin's own messages.
_NEVER = re.compile(
    r"invalid (partition|account|qos|generic resource|feature|licen[sc]e|job"
    r" array|reservation)|requested time limit is invalid"
    r"|requested node configuration is not available|more processors requested than"
    r" permitted|memory required by task is not available"
    r"|(node|cpu|task) count specification invalid|unrecognized option|requires an argument|invalid"
    r" --|too long",
    re.I,
)
_TALK = re.compile(
    r"^(sbatch|squeue|scancel|scontrol|sacct|sinfo|slurm_[a-z_]+)( ?error)?: *(error:"
    r" *)?|^allocation failure: *",
    re.I,
)


@dataclass(eq=False)
class SlurmRefused(Exception):
    """Slurm answered with a refusal."""

    message: str

    @property
    def for_good(self) -> bool:
        """Whether no later try would change that."""
        return bool(_NEVER.search(self.message))


class Absent(Unreachable):
    """The command is not installed here."""


class Commands:
    """Calls the commands of one cluster."""

    def __init__(self, settings: SlurmSettings) -> None:
        self._settings = settings

    def run(self, name: str, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
        """What a command prints. environment: of a job that should get it.

        Raises SlurmRefused, or Unreachable if the answer says nothing about the question.
        """
        return self.talk(name, *arguments, environment=environment)[0]

    def talk(
        self, name: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> tuple[str, str]:
        """The same, with its standard error."""
        program = self._find(name)
        if program is None:
            raise Absent(
                f"There is no {name} in {self._where}: install Slurm's commands here, or set"
                " [jobs.slurm] bin."
            )
        variables = self.without_slurm(os.environ if environment is None else environment)
        try:
            done = subprocess.run(
                [program, *arguments],
                env=variables,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=ANSWER_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Unreachable(f"{name}: no answer in {ANSWER_SECONDS:.0f} s.") from None
        except OSError as error:
            raise Unreachable(f"{name}: {error.strerror or error}.") from error
        stderr = done.stderr.decode(errors="replace")
        if done.returncode:
            complaint = _plain(stderr) or f"exit code {done.returncode}"
            if done.returncode < 0 or (
                _UNANSWERED.search(complaint) and not _NEVER.search(complaint)
            ):
                raise Unreachable(f"{name}: {complaint}")
            raise SlurmRefused(complaint)
        return done.stdout.decode(errors="replace"), stderr

    def program(self, name: str) -> str:
        """Path of a command that another program calls. Raises Unavailable if it is not installed
        here.
        """
        found = self._find(name)
        if found is None:
            raise Unavailable(
                f"There is no {name} here.",
                f"It is not in {self._where}.",
                "Install Slurm's commands here, or set [jobs.slurm] bin.",
            )
        return found

    @property
    def _where(self) -> str:
        return self._settings.bin or "PATH"

    def _find(self, name: str) -> str | None:
        return shutil.which(name, path=self._settings.bin or os.environ.get("PATH", os.defpath))

    def without_slurm(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Without variables that would change the commands' own options: a job may be submitted
        from within another one.
        """
        variables = {
            name: value
            for name, value in environment.items()
            if not name.startswith(("SLURM_", "SBATCH_", "SQUEUE_", "SACCT_", "SCANCEL_"))
        }
        conf = self._settings.conf or os.environ.get("SLURM_CONF", "")
        return {**variables, **({"SLURM_CONF": conf} if conf else {}), "SLURM_BITSTR_LEN": "0"}


def _plain(stderr: str) -> str:
    """The last distinct complaints of a command, without its own name before them."""
    lines = [_TALK.sub("", line.strip()) for line in stderr.splitlines() if line.strip()]
    return "; ".join(dict.fromkeys(line.rstrip(".") for line in lines[-2:]))[:500]
