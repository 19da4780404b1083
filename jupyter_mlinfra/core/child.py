"""A process that works for another one, answers it in JSON lines, and ends with it.

Requests go to its stdin, answers come on a pipe of its own: what a library prints is none. Nothing
that a child answers is run, as a pickle would be.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from . import errors
from .errors import MLInfraError, TooLarge, Unavailable

MOST_MIB = 64
"""Of one answer: the parent must not run out of memory by it."""
_CHUNK = 1 << 16
_ENDS_SECONDS = 5.0
_COUNTED = ("RssAnon:", "RssShmem:", "VmSwap:")
"""What a process made, wherever it is kept; not the files that it reads."""
_ERRORS = {
    kind.code: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, MLInfraError)
}


class Child:
    """One process, which runs a module with these arguments and the descriptors of two pipes: for
    its answers, and the one that closes with this process. printed: takes what it prints; None:
    where this process prints.
    """

    def __init__(self, module: str, *arguments: str, printed: IO[bytes] | None = None) -> None:
        reading, writing = os.pipe()
        life, self._life = os.pipe()
        self._answers = os.fdopen(reading, "rb", buffering=0)
        self._begun = bytearray()
        try:
            self._process = subprocess.Popen(
                # -P: a file of the user that is named like a library is not imported in its place.
                [sys.executable, "-P", "-m", module, *arguments, str(writing), str(life)],
                stdin=subprocess.PIPE,
                stdout=printed,
                stderr=printed,
                pass_fds=(writing, life),
                start_new_session=True,
                umask=0o077,
            )
        except OSError as error:
            self._answers.close()
            os.close(self._life)
            raise Unavailable(
                "A process could not be started.", f"{error.strerror}.", "Try again later."
            ) from None
        finally:
            os.close(writing)
            os.close(life)

    @property
    def exit_code(self) -> int | None:
        """How it ended, as `Popen.returncode`; None while it runs."""
        return self._process.poll()

    def send(self, request: Mapping[str, Any], *, last: bool = False) -> None:
        """Ask it something. last: nothing else will be asked. If it has died, there is no
        answer.
        """
        stdin = self._process.stdin
        assert stdin is not None  # stdin=PIPE was requested
        with contextlib.suppress(BrokenPipeError):
            stdin.write(json.dumps(request).encode() + b"\n")
            stdin.flush()
            if last:
                stdin.close()

    def line(
        self, look: Callable[[], None] = lambda: None, *, every: float = 0.2
    ) -> dict[str, Any] | None:
        """The next thing that it answers; None if it ended without. look: called every so many
        seconds while it is waited for; what it raises ends the wait. Raises TooLarge for one of
        over `MOST_MIB`.
        """
        poller, looked = select.poll(), time.monotonic()
        poller.register(self._answers, select.POLLIN)
        while True:
            end = self._begun.find(b"\n", max(0, len(self._begun) - _CHUNK))
            if end >= 0:
                found: dict[str, Any] = json.loads(self._begun[:end])
                del self._begun[: end + 1]
                return found
            if len(self._begun) > (MOST_MIB + 1) << 20:
                raise _too_large()
            # Polars installs a SIGINT handler that restarts a blocked read; without waking up, an
            # interrupt would wait for the child.
            ready = poller.poll(every * 1000)
            if time.monotonic() - looked >= every:
                looked = time.monotonic()
                look()
            if ready and not (chunk := self._answers.read(_CHUNK)):
                return None
            if ready:
                self._begun += chunk

    def memory(self) -> int:
        """Bytes of memory that it takes; 0 if that cannot be told."""
        if not Path("/proc/self/status").exists():
            return self._memory_elsewhere()
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
            return sum(int(line.split()[1]) << 10 for line in lines if line.startswith(_COUNTED))
        return 0

    def _memory_elsewhere(self) -> int:
        import psutil

        with contextlib.suppress(psutil.Error):
            return int(psutil.Process(self._process.pid).memory_info().rss)
        return 0

    def wait(self, seconds: float) -> int | None:
        """How it ends, as `Popen.returncode`; None if it does not in that time."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(seconds)
        return None

    def kill(self) -> None:
        """End it, whatever it does; whoever waits for its answer gets none."""
        self._process.kill()

    def end(self, *, patience: float = 0.0) -> None:
        """Make sure that it is gone. patience: seconds that it has after SIGTERM, which the code of
        a user may ignore.
        """
        if patience and self.exit_code is None:
            self._process.terminate()
            self.wait(patience)
        if self.exit_code is None:
            self.kill()
            self.wait(_ENDS_SECONDS)
        with contextlib.suppress(BrokenPipeError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        if not self._answers.closed:
            self._answers.close()
            os.close(self._life)


def raised(error: Mapping[str, str]) -> MLInfraError:
    """The error that a child answered, as `MLInfraError.to_json` has it."""
    kind = _ERRORS.get(error["code"], MLInfraError)
    return kind(error["what"], error["why"], error["fix"])


def end_with_parent(life: int) -> None:
    """In the child: end as soon as the parent does, however it ends. The kernel sees to it, since a
    library may let no thread run for minutes. life: the pipe that closes with the parent.
    """
    import fcntl

    with contextlib.suppress(OSError):  # a system that has no such signal for pipes
        signal.signal(signal.SIGIO, signal.SIG_DFL)  # ends the process
        fcntl.fcntl(life, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(life, fcntl.F_SETFL, fcntl.fcntl(life, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([life], [], [], 0)[0]:  # it ended before
        os._exit(1)


def serve(do: Callable[[Mapping[str, Any]], Any], answers: int, life: int) -> None:
    """In the child: answer one request after the other, until the parent wants no more. First of
    all it says that it is ready.
    """
    end_with_parent(life)
    with contextlib.suppress(OSError):  # when the machine is out of memory, this is ended first
        Path("/proc/self/oom_score_adj").write_text("1000")
    with os.fdopen(answers, "w", buffering=1) as out:
        out.write(json.dumps({"result": "ready"}) + "\n")
        for line in sys.stdin:
            out.write(_answered(do, line) + "\n")


def _answered(do: Callable[[Mapping[str, Any]], Any], line: str) -> str:
    try:
        text = json.dumps({"result": do(json.loads(line))})
        if len(text) > MOST_MIB << 20:
            raise _too_large()
        return text
    except MLInfraError as error:
        return json.dumps({"error": error.to_json()})
    except BaseException as error:  # noqa: BLE001 (a panic of Polars too: the parent gets an answer)
        traceback.print_exc()
        return json.dumps({"fault": type(error).__name__})


def _too_large() -> TooLarge:
    return TooLarge(
        "The answer is too large.",
        f"It has more than {MOST_MIB} MiB.",
        "Ask for fewer rows or columns, or for shorter values.",
    )
