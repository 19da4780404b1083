"""One call of the command line: its project, its output format, and its outcome."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..core.errors import MLInfraError

if TYPE_CHECKING:
    from ..workbench import Workbench


class Failed(MLInfraError):
    """The request was carried out, and its outcome is a failure: of a job, of a run."""

    code = "failed"


@dataclass(frozen=True, slots=True)
class Ended:
    """The outcome of a verb, if it is more than a record.

    value: a record, or JSON values. error: the verb was carried out and its outcome is a failure (a
    run that failed). silent: print nothing more for people, because it was printed before.
    """

    value: Any
    error: MLInfraError | None = None
    code: int | None = None
    silent: bool = False

    @property
    def exit_code(self) -> int:
        """`code`; by default 1 for an error."""
        return self.code if self.code is not None else int(self.error is not None)


class Session:
    """project: a folder in it, None for the working directory's. json: the output is for a program.
    say: where progress goes.
    """

    def __init__(
        self,
        project: str | None = None,
        *,
        json: bool = False,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.project = project
        self.json = json
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
