"""One call of the command line: its project, and how it speaks."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..core.viewer import Face
from ..faces import session

if TYPE_CHECKING:
    from ..workbench import Workbench


_NOTE_SECONDS, _SAY_SECONDS = 0.5, 2.0
"""Between two reports of how far a verb has got: to the job, and to people."""


class Session(session.Session):
    """project: a folder in it, None for the working directory's. json: somebody parses what is
    printed. say: where progress goes.
    """

    def __init__(
        self,
        project: str | None = None,
        *,
        json: bool = False,
        say: Callable[[str], None] | None = None,
        face: Face = "cli",
    ) -> None:
        self.project = project
        self.face = face
        self.json = json
        # Only a terminal or a notebook is watched: a log has no use for each step.
        self._watched = not json and (say is not None or sys.stderr.isatty())
        self._noted_at = self._said_at = time.monotonic()
        self._say = say or (lambda text: print(text, file=sys.stderr, flush=True))

    @cached_property
    def bench(self) -> Workbench:
        """The project's workbench. Raises NotFound outside a project."""
        from ..workbench import current

        return current(self.project)

    @property
    def opened(self) -> Workbench | None:
        """The workbench, if the verb has used it."""
        return self.__dict__.get("bench")

    def note(self, text: str) -> None:
        """Report this as the job's progress."""
        from ..jobs import report

        report(None, text)

    def say(self, text: str) -> None:
        """Report progress to people and as the job's progress; scripts get none."""
        self.note(text)
        if not self.json:
            self._say(text)

    def progress(self, fraction: float, text: str) -> None:
        now = time.monotonic()
        if now - self._noted_at > _NOTE_SECONDS:
            from ..jobs import report

            report(fraction, text)
            self._noted_at = now
        if self._watched and now - self._said_at > _SAY_SECONDS:
            self._say(f"{100 * fraction:.0f} %, {text}")
            self._said_at = now

    def text(self, value: Any) -> str:
        """A record as people read it."""
        from .text import text_of

        return text_of(value)
