"""Verbs that may take long, as jobs: they outlive the request and the server, say how far they are, and can be cancelled."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..jobs.spec import Job
    from ..workbench import Workbench


def as_job(bench: Workbench, verb: str, *operands: str, of: str, **options: str | int | bool | None) -> Job:
    """Submit `mlinfra VERB OPTIONS -- OPERANDS`. It takes no slot: it mostly waits, and must not wait for somebody's training.

    verb: domain and verb with a space. of: what it is done to, for the name. options: a flag where True, left out where None or False.
    An option is one word with its value, and operands stand behind `--`, so that no value is read as an option.
    """
    from ..jobs import JobSpec

    given = [f"--{name}" if value is True else f"--{name}={value}" for name, value in options.items() if value is not None and value is not False]
    command = (sys.executable, "-P", "-m", "jupyter_mlinfra.cli", *verb.split(), *given, *(("--", *operands) if operands else ()))
    return bench.jobs.submit(JobSpec(command=command, cpus=0, name=f"{verb.split()[-1]} {of}", labels={"verb": verb}))
