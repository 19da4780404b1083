"""A separate process for what runs the user's definitions or takes long: `apply`, `define`,
`materialize`, `index`, and `online` where the code of on-demand views is not the caller's.

So neither the Jupyter server nor a kernel loads Feast (2 CPU seconds, 200 MB) or runs a definition
file. The parent sends one JSON request on stdin; the child answers in JSON lines on a pipe: any
number of `progress`, then `result` or `error`. What the user's code prints goes to a temporary
file, which is quoted only if the child dies without an answer.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from io import FileIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from ..core import errors
from ..core.errors import MLInfraError
from .feast_errors import told
from .repo import load_feast
from .settings import FeatureSettings

if TYPE_CHECKING:
    from ..core.project import Project

Verb = Literal["append", "apply", "define", "index", "materialize", "online"]

_LEAVE_SECONDS = 5.0
"""How long a child may take to end after it has answered or was asked to end: a thread of a
definition file may keep it alive.
"""

_ONLINE_SECONDS = 60
"""How long the code of on-demand views may take for a look-up, with the start of its process."""

_ERRORS = {
    kind.code: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, MLInfraError)
}


def call(
    project: Project,
    verb: Verb,
    request: Mapping[str, Any] | None = None,
    *,
    progress: Callable[[str, int, int], None] | None = None,
    telling: bool = True,
) -> Any:
    """Run a verb in a child and return its result; the child ends if the parent is interrupted.
    telling: whether what the child printed may be told if it dies: it may hold values.

    Raises the child's error, MLInfraError if it dies without one, Unavailable if an `apply` takes
    longer than the setting allows, or a look-up longer than a minute.
    """
    seconds = _seconds_of(verb, project)
    deadline = None if seconds is None else time.monotonic() + seconds
    body = json.dumps({"root": str(project.root), **(request or {})}).encode()
    with tempfile.TemporaryFile() as printed:
        try:
            answer, exit_code = _answer_of_child(verb, body, printed, progress, deadline)
        except TimeoutError:
            raise _given_up(verb, seconds or 0, _tail(printed)) from None
        if answer is None:
            raise MLInfraError(
                f"The features process ended with {exit_code} and no answer.",
                _tail(printed) if telling else "",
                "Try again; if it was killed, free some memory."
                if exit_code is None or exit_code < 0
                else "Look whether a definition file ends it, as os._exit does.",
            )
    if "error" in answer:
        error = answer["error"]
        raise _ERRORS.get(error["code"], MLInfraError)(error["what"], error["why"], error["fix"])
    return answer["result"]


def _seconds_of(verb: Verb, project: Project) -> float | None:
    """How long a verb may take; None: as long as it needs."""
    if verb in ("append", "materialize"):
        return None
    if verb == "online":
        return _ONLINE_SECONDS
    return 60 * project.settings.of(FeatureSettings).apply_minutes


def _given_up(verb: Verb, seconds: float, printed: str) -> errors.Unavailable:
    runs_code = verb in ("apply", "define", "online")
    return errors.Unavailable(
        f"features {verb} was given up after {seconds / 60:g} minutes.",
        f"It was at {_location(printed)}." if runs_code else "The registry does not answer.",
        "Correct what waits or loops there."
        if verb == "online"
        else "Correct what waits or loops there, or raise `apply_minutes` in [features] of"
        " mlinfra.toml.",
    )


def _answer_of_child(
    verb: Verb,
    body: bytes,
    printed: IO[bytes],
    progress: Callable[[str, int, int], None] | None,
    deadline: float | None,
) -> tuple[dict[str, Any] | None, int | None]:
    """The last line that a child answers, None without one, and its exit code. printed: takes its
    output. Raises TimeoutError after `deadline`.
    """
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as answers:
        # -P: a definition file named like a library must not be imported in its place.
        command = [sys.executable, "-P", "-m", f"{__package__}.worker", verb, str(writing)]
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=printed,
            stderr=printed,
            pass_fds=(writing,),
            start_new_session=True,
            umask=0o077,
        )
        os.close(writing)
        try:
            assert child.stdin is not None  # stdin=PIPE was requested
            with contextlib.suppress(BrokenPipeError):  # it died at once: there will be no answer
                child.stdin.write(body)
                child.stdin.close()
            answer = _result_of(answers, progress, deadline)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_LEAVE_SECONDS)
        finally:
            _end(child)
    return answer, child.returncode


def _end(child: subprocess.Popen[bytes]) -> None:
    """Make sure that the child is gone; code of a definition file may ignore SIGTERM."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(_LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _tail(printed: IO[bytes]) -> str:
    printed.seek(0)
    return printed.read()[-2000:].decode(errors="replace").strip()


def _location(stack: str) -> str:
    """Where a child was when it had to be ended: the innermost place outside the standard library
    in the stack that it printed.
    """
    locations = re.findall(r'File "([^"<]+)", line (\d+)', stack)
    own = [
        location
        for location in locations
        if not location[0].startswith(os.path.dirname(os.__file__) + os.sep)
        or "site-packages" in location[0]
    ]
    return ", line ".join((own or locations or [("an unknown place", "?")])[0])


def _result_of(
    answers: FileIO, progress: Callable[[str, int, int], None] | None, deadline: float | None
) -> dict[str, Any] | None:
    for line in _lines(answers, deadline):
        answer: dict[str, Any] = json.loads(line)
        if "progress" not in answer:
            return answer
        if progress:
            progress(*answer["progress"])
    return None


def _lines(answers: FileIO, deadline: float | None) -> Iterator[bytes]:
    poller, incomplete = select.poll(), b""
    poller.register(answers, select.POLLIN)
    while True:
        # Polars installs a SIGINT handler that restarts a blocked read; without waking up, an
        # interrupt would wait for the child.
        if not poller.poll(200):
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError
            continue
        chunk = answers.read(65_536)
        if not chunk:
            return
        *lines, incomplete = (incomplete + chunk).split(b"\n")
        yield from lines


def main(verb: str, descriptor: str) -> None:
    """The child: carry out the verb, answer, end."""
    if verb == "online":  # nobody waits any longer, even if the parent is gone
        signal.alarm(2 * _ONLINE_SECONDS)
    # A child that is given up prints where it was.
    faulthandler.register(signal.SIGTERM, all_threads=False, chain=True)
    with os.fdopen(int(descriptor), "w", buffering=1) as answers:

        def answer(key: str, value: Any) -> None:
            answers.write(json.dumps({key: value}) + "\n")

        try:
            answer(
                "result", _run(verb, json.load(sys.stdin), lambda *step: answer("progress", step))
            )
        except MLInfraError as error:
            answer("error", error.to_json())
        except Exception as error:  # noqa: BLE001  # of any library: the parent must get an answer
            with contextlib.suppress(OSError):  # a full disk cannot take a traceback
                traceback.print_exc()
            answer("error", told(f"features {verb} could not be done.", error).to_json())


def _run(verb: str, request: dict[str, Any], progress: Callable[[str, int, int], None]) -> Any:
    from ..core.project import Project
    from ..core.records import to_json

    project = Project.open(request["root"])
    if verb == "apply":
        from .applying import apply

        return to_json(apply(project))
    if verb == "define":
        from .define import define

        return define(project, request["name"], request["text"], replace=request["replace"])
    load_feast(checked=False)
    if verb == "materialize":
        from .materializing import Wish, materialize

        start, end = (
            datetime.fromisoformat(request[name]) if request[name] else None
            for name in ("start", "end")
        )
        wish = Wish(
            views=request["views"],
            start=start,
            end=end,
            every=timedelta(seconds=request["every"]) if request["every"] else None,
            full=request["full"],
        )
        return to_json(materialize(project, wish, progress=progress))
    if verb == "append":
        from .pushing.offline import append

        return append(project, request["view"], *(Path(request[key]) for key in ("file", "note")))
    if verb == "online":
        from .service import Features

        asked, telling = (request["features"], request["entities"]), request["telling"]
        return to_json(Features(project).online(*asked, telling=telling))
    from .registry import rebuild_index

    rebuild_index(project)
    return None


if __name__ == "__main__":
    main(*sys.argv[1:])
