"""Verbs that may take long, as jobs: they outlive the request and the server, report progress, and
can be cancelled.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

type Option = str | float | bool | None

if TYPE_CHECKING:
    from ..jobs.spec import Job
    from ..workbench import Workbench


def as_job(
    bench: Workbench, verb: str, *operands: str, of: str, **options: Option | Sequence[str]
) -> Job:
    """Submit `mlinfra VERB OPTIONS -- OPERANDS`. It takes no slot: it mostly waits, and must not
    wait for a training.

    verb: domain and verb with a space. of: what it acts on, for the job's name. options: True is a
    flag, None and False are omitted, a list repeats the option. An option and its value are one
    word, and operands follow `--`, so that no value is read as an option.
    """
    from ..jobs import JobSpec

    flags = [word for name, value in options.items() for word in _words(name, value)]
    command = (
        sys.executable,
        "-P",
        "-m",
        "jupyter_mlinfra.cli",
        *verb.split(),
        *flags,
        *(("--", *operands) if operands else ()),
    )
    return bench.jobs.submit(
        JobSpec(command=command, cpus=0, name=f"{verb.split()[-1]} {of}", labels={"verb": verb})
    )


def _words(name: str, value: Option | Sequence[str]) -> list[str]:
    if value is None or value is False:
        return []
    if value is True:
        return [f"--{name}"]
    return [
        f"--{name}={item}" for item in ([value] if isinstance(value, str | int | float) else value)
    ]
