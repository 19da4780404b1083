"""A separate process for what runs the user's definitions or takes long: `apply`, `define`,
`materialize`, `index`, and `online` where the code of on-demand views is not the caller's.

So neither the Jupyter server nor a kernel loads Feast (2 CPU seconds, 200 MB) or runs a definition
file. The parent sends one request (see `core.child`); the child answers any number of `progress`,
then `result` or `error`. What the user's code prints goes to a temporary file, which is quoted only
if the child dies without an answer.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import re
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from ..core.child import Child, end_with_parent, raised
from ..core.errors import MLInfraError, Unavailable
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
    asked = {"root": str(project.root), **(request or {})}
    with tempfile.TemporaryFile() as printed:
        try:
            answer, exit_code = _answer_of_child(verb, asked, printed, progress, deadline)
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
        raise raised(answer["error"])
    return answer["result"]


def _seconds_of(verb: Verb, project: Project) -> float | None:
    """How long a verb may take; None: as long as it needs."""
    if verb in ("append", "materialize"):
        return None
    if verb == "online":
        return _ONLINE_SECONDS
    return 60 * project.settings.of(FeatureSettings).apply_minutes


def _given_up(verb: Verb, seconds: float, printed: str) -> Unavailable:
    runs_code = verb in ("apply", "define", "online")
    return Unavailable(
        f"features {verb} was given up after {seconds / 60:g} minutes.",
        f"It was at {_location(printed)}." if runs_code else "The registry does not answer.",
        "Correct what waits or loops there."
        if verb == "online"
        else "Correct what waits or loops there, or raise `apply_minutes` in [features] of"
        " mlinfra.toml.",
    )


def _answer_of_child(
    verb: Verb,
    request: Mapping[str, Any],
    printed: IO[bytes],
    progress: Callable[[str, int, int], None] | None,
    deadline: float | None,
) -> tuple[dict[str, Any] | None, int | None]:
    """The last line that a child answers, None without one, and its exit code. printed: takes its
    output. Raises TimeoutError after `deadline`.
    """

    def look() -> None:
        if deadline is not None and time.monotonic() > deadline:
            raise TimeoutError

    child = Child(f"{__package__}.worker", verb, printed=printed)
    try:
        child.send(request, last=True)
        while (answer := child.line(look)) is not None and "progress" in answer:
            if progress:
                progress(*answer["progress"])
        child.wait(_LEAVE_SECONDS)
    finally:
        child.end(patience=_LEAVE_SECONDS)
    return answer, child.exit_code


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


def main(verb: str, descriptor: str, life: str) -> None:
    """The child: carry out the verb, answer, end."""
    if verb == "online":  # it changes nothing: nobody waits any longer if the parent is gone
        end_with_parent(int(life))
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
