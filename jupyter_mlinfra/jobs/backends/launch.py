"""Starting a job's process: a small shell wrapper that takes the attempt, runs the command and
stores its exit code.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...core import variables
from ...core.errors import MLInfraError, Unavailable
from ...core.files import make_below, open_regular
from ...core.processes import TOKEN
from ...core.secrets import resolve
from ..attempt import environment
from ..attempt.files import Attempt, NotebookTask, checkpoint_folder, notebook_command
from ..code.snapshot import Snapshots
from ..queue.rows import JobEntry
from .program import CannotStart, find_program

# The script is fixed; folder, working folder and command are its arguments, so that no word of a
# job is ever parsed by a shell. 1. Take the attempt: the claim is created exclusively, so a second
# start of the same attempt ends here, having done nothing. 2. Survive SIGTERM until the command has
# ended (a trap with a command is not inherited, unlike an ignored signal). 3. Store the exit code
# in one write; the newline distinguishes a complete number from a torn one. A FIFO of that name
# would block for ever.
WRAPPER = """
set -C
{ echo $$ > "$1/claim"; } 2>/dev/null || exit 113
trap : TERM INT HUP QUIT USR1 USR2
run() { cd -- "$2" || return 126; shift 2; "$@"; }
run "$@"
code=$?
[ ! -p "$1/exit" ] || rm -f -- "$1/exit"
echo "$code" > "$1/exit"
exit "$code"
"""
_DEFAULT_SIGNALS = (signal.SIGPIPE, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGXFSZ)
_LATER = {
    errno.EAGAIN,
    errno.ENOMEM,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
}


@dataclass(eq=False)
class TryLater(Exception):
    """An obstacle that may pass: no room for another process, a full disk."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a project is: its folder and its state."""

    root: Path
    home: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """An attempt that can be started: its files, its environment, the arguments of its wrapper.
    own: the part of the environment that is not the submitter's.
    """

    attempt: Attempt
    inherited: Mapping[str, str]
    own: Mapping[str, str]
    arguments: Sequence[str]

    def environment(self, token: str) -> dict[str, str]:
        """Its whole environment, with the token that marks its processes."""
        return {**self.inherited, **self.own, TOKEN: token}


def spawn(entry: JobEntry, place: Place) -> int:
    """Start the wrapper of an attempt that is recorded as starting; returns its pid.

    Raises CannotStart, or TryLater if only the machine prevents it.
    """
    with explained():
        start = prepare(entry, place)
        environment = start.environment(entry.token)
        return spawn_wrapper(
            WRAPPER, ["mlinfra", *start.arguments], environment, log=start.attempt.log
        )


def prepare(entry: JobEntry, place: Place, inherited: Mapping[str, str] | None = None) -> Start:
    """Create the attempt's folder, and prepare what runs there. inherited: the submitter's
    variables, if they are already known.
    """
    attempt = Attempt.of(place.home, entry.job.id, entry.job.attempt)
    make_below(place.home, attempt.folder)
    inherited = inherited_by(entry) if inherited is None else inherited
    own_environment = own_variables(entry, place, attempt, inherited)
    command = command_of(entry, place, attempt)
    if entry.spec.notebook is None:
        path = own_environment.get("PATH") or inherited.get("PATH") or os.defpath
        command[0] = find_program(command[0], entry.spec.command[0], entry.launch.folder, path)
    return Start(
        attempt=attempt,
        inherited=inherited,
        own=own_environment,
        arguments=(str(attempt.folder), entry.launch.folder, *command),
    )


def spawn_wrapper(
    script: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    log: Path | None,
    pipe: int | None = None,
) -> int:
    """Start a shell with one of our scripts in a session of its own. log: None to drop its output.
    pipe: its descriptor 3.
    """
    handle = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC) if log is None else open_log(log)
    try:
        return os.posix_spawn(
            "/bin/sh",
            ["sh", "-c", script, *arguments],
            environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, handle, 1),
                (os.POSIX_SPAWN_DUP2, handle, 2),
                *([] if pipe is None else [(os.POSIX_SPAWN_DUP2, pipe, 3)]),
            ],
            setsid=True,
            setsigmask=(),
            # Python ignores SIGPIPE, and children inherit an ignored signal.
            setsigdef=_DEFAULT_SIGNALS,
        )
    finally:
        os.close(handle)


def open_log(log: Path) -> int:
    """Open a log for its writer; an earlier attempt may have left something else there. Raises
    OSError.
    """
    return open_regular(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turn errors of a start into CannotStart or TryLater."""
    try:
        yield
    except Unavailable as error:
        raise TryLater(f"It cannot be started yet: {error}") from error
    except (MLInfraError, ValueError) as error:  # ValueError: a word that the system cannot accept
        raise CannotStart(str(error)) from error
    except OSError as error:
        if error.errno in _LATER:
            raise TryLater(f"The machine has no room to start it: {error.strerror}.") from error
        file = f" ({error.filename})" if error.filename else ""
        raise CannotStart(f"It could not be started: {error.strerror or error}{file}.") from error


def own_variables(
    entry: JobEntry, place: Place, attempt: Attempt, inherited: Mapping[str, str]
) -> dict[str, str]:
    """The variables of an attempt besides the submitter's environment: those of the spec
    and ours.
    """
    return {
        **resolved(entry, inherited),
        **ours(entry, place),
        # Empty: a job that asked for no GPU sees none.
        "CUDA_VISIBLE_DEVICES": ",".join(entry.job.gpu_ids),
        variables.PROGRESS: str(attempt.progress),
        variables.REASON: str(attempt.reason),
    }


def inherited_by(entry: JobEntry) -> dict[str, str]:
    """The submitter's variables; after a restart of the machine, the best substitute."""
    inherited = environment.recall(entry.launch.environment)
    return environment.submitters_environment() if inherited is None else inherited


def resolved(entry: JobEntry, inherited: Mapping[str, str]) -> dict[str, str]:
    """The variables of its spec, with the values behind references."""
    return {name: _secret(value, inherited) for name, value in entry.spec.environment.items()}


def ours(entry: JobEntry, place: Place) -> dict[str, str]:
    """The variables that describe the job to itself, the same in all attempts."""
    return {
        "PYTHONUNBUFFERED": "1",  # otherwise the log of a Python job is empty until it ends
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        variables.PROJECT: str(place.root),
        variables.JOB: entry.job.id,
        variables.CHECKPOINTS: str(
            checkpoint_folder(place.root, place.home, entry.job.id, entry.spec.checkpoints)
        ),
        **({variables.ARRAY_INDEX: str(entry.job.index)} if entry.job.index is not None else {}),
        **({variables.GPU_SHARE: f"{entry.spec.gpus:g}"} if 0 < entry.spec.gpus < 1 else {}),
    }


def _secret(value: str, inherited: Mapping[str, str]) -> str:
    """The value behind a reference, from the submitter's environment if it is there."""
    name = value.removeprefix("env:")
    return inherited[name] if name != value and name in inherited else resolve(value)


def command_of(entry: JobEntry, place: Place, attempt: Attempt) -> list[str]:
    """The words of a job's command, with the program as written; makes its code ready. Raises
    CannotStart if its folder is gone.
    """
    code = Path(entry.launch.folder)
    if entry.job.snapshot:
        snapshots = Snapshots(place.root, place.home, max_mib=0)
        code = snapshots.tree(entry.job.snapshot)
    if not os.path.isdir(entry.launch.folder):
        raise CannotStart(
            f"The folder {entry.launch.folder} in which it should run is gone. If the project was"
            f" moved, run it in the new folder: mlinfra jobs clone {entry.job.id}"
        )
    return (
        list(entry.launch.command)
        if entry.spec.notebook is None
        else _notebook_command(entry, place, attempt, code)
    )


def _notebook_command(entry: JobEntry, place: Place, attempt: Attempt, tree: Path) -> list[str]:
    shown = entry.spec.notebook or ""
    output = place.root / entry.spec.output if entry.spec.output else Path(Path(shown).name)
    if entry.spec.output:
        below = place.home if output.is_relative_to(place.home) else place.root
        make_below(below, output.parent)
    relative = os.path.relpath(entry.launch.folder, place.root)
    task = NotebookTask(
        source=str(tree / shown),
        shown=shown,
        output=str(output),
        parameters=entry.spec.parameters,
        code=str(tree / relative),
    )
    task.write(attempt.notebook)
    return notebook_command(entry.launch.python, str(attempt.notebook))
