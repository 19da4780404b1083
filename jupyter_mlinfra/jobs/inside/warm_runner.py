"""The process that is kept warm: papermill loaded, a kernel that has run the imports. It takes one
attempt, runs it and ends.

python -m jupyter_mlinfra.jobs.inside.warm_runner WARMING WRAPPER_PID

It ends if its supervisor ends before it was given an attempt. A problem with the warm kernel after
that does not fail the attempt: the runner then does what a cold start would have done.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from ...core.errors import MLInfraError
from ...core.processes import failpoint
from ...core.runtime_folder import runtime_folder
from ...core.variables import JOB
from ...notebooks.parameters import kernel_of, read_notebook
from ...notebooks.warm.imports import import_lines, lines_of
from ...notebooks.warm.standing import Standing, changed_at
from ..attempt.files import UNCLAIMED, NotebookTask, notebook_command
from .warm_messages import WORD, Order, Warming, dump, parse

if TYPE_CHECKING:
    from ...notebooks.warm.kernel import Warmed


def main() -> None:
    """Prepare, wait for an attempt, run it."""
    warming, wrapper = Warming(**json.loads(sys.argv[1])), int(sys.argv[2])
    tell = os.dup(1)
    os.dup2(2, 1)  # the output is the wrapper's; from here on both lead to the log
    os.set_inheritable(WORD, False)
    before = dict(os.environ)
    warm, order = _warm(warming), None
    # The supervisor has died meanwhile.
    with (
        socket.socket(fileno=WORD) as channel,
        contextlib.suppress(BrokenPipeError, ConnectionResetError),
    ):
        channel.sendall(dump(_standing(warm)))
        order = _wait(channel)
    if order is None or not _take(order, wrapper, tell):
        _end(warm)
        sys.exit(UNCLAIMED)
    failpoint("claimed")
    _run(order, warm, before, warming.kernel)


def _warm(warming: Warming) -> Warmed:
    from ...notebooks.warm.kernel import warmed
    from . import engine  # noqa: F401 - papermill

    lines = lines_of(warming.imports)
    if not lines:
        for path in warming.notebooks:
            with contextlib.suppress(MLInfraError):  # gone, or no longer a notebook
                lines += import_lines(read_notebook(Path(path), path))
    warm = warmed(warming.kernel, list(dict.fromkeys(lines)), warming.sockets)
    gc.collect()
    gc.freeze()  # as in the kernel: papermill lives until the end
    return warm


def _standing(warm: Warmed) -> Standing:
    own_files = [
        path for path in sys.path if os.path.basename(path) in ("site-packages", "dist-packages")
    ]
    return Standing(
        gpu=warm.gpu,
        places={place: changed_at(place) for place in {*warm.places, *own_files}},
        modules=warm.modules,
    )


def _wait(channel: socket.socket) -> Order | None:
    """The attempt; None if the supervisor has gone without giving one."""
    with channel.makefile("rb") as lines:
        found = parse(lines.readline())
    return None if found is None else Order(**found)


def _take(order: Order, wrapper: int, tell: int) -> bool:
    """Take the attempt, as the wrapper of a cold start does; returns whether it is ours.

    The wrapper gets that first: if we are killed right after, it stores that exit code.
    """
    if os.getppid() != wrapper:
        return False  # nothing would store the exit code
    os.write(tell, os.fsencode(order.folder))
    os.close(tell)
    try:
        claim = os.open(
            os.path.join(order.folder, "claim"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600
        )
        os.write(claim, f"{wrapper}\n".encode())
        os.close(claim)
    except OSError:
        return False
    return True


def _run(order: Order, warm: Warmed, before: Mapping[str, str], kernel: str) -> NoReturn:
    from ...notebooks.warm.kernel import hand_out
    from .notebook import run_attempt

    try:
        os.chdir(order.cwd)
    except OSError as error:
        sys.stderr.write(f"{order.cwd}: {error.strerror}\n")
        _end(warm)
        sys.exit(126)
    os.environ.clear()
    os.environ.update(order.environment)
    task = NotebookTask.read(Path(order.task))
    try:
        if kernel_of(read_notebook(Path(task.source), task.shown)) != kernel:
            raise ValueError("the notebook asks for another kernel")
        sockets = (
            runtime_folder(Path(order.task).parents[3])
            / f"{order.environment[JOB]}.{os.getpid():x}.kernel"
        )
        hand_out(
            warm.ready,
            cwd=order.cwd,
            code=task.code,
            before=before,
            environment=order.environment,
            sockets=str(sockets),
        )
    except Exception:  # noqa: BLE001 - whatever it is, the job can still be started as always
        _end(warm)
        os.execve(  # noqa: S606
            sys.executable, notebook_command(sys.executable, order.task), dict(order.environment)
        )
    run_attempt(Path(order.task), warm.ready)


def _end(warm: Warmed) -> None:
    from ...notebooks.warm.kernel import end

    with contextlib.suppress(Exception):  # what is left of it is found by its token
        end(warm.ready)


if __name__ == "__main__":
    main()
