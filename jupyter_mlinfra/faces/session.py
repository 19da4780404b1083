"""One call of the command line or of a magic, as its verbs see it, and what it ends with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.errors import MLInfraError
from ..core.viewer import Face

if TYPE_CHECKING:
    from ..workbench import Workbench


class Failed(MLInfraError):
    """What was asked for was done, and it did not succeed: a job, a run."""

    code = "failed"


@dataclass(frozen=True, slots=True)
class Ended:
    """What a verb ended with, where that is more than a record.

    value: a record, or JSON values. error: the verb was carried out and its outcome is a failure (a
    run that failed). silent: nothing more is to be said to people, because it was printed on the
    way.
    """

    value: Any
    error: MLInfraError | None = None
    code: int | None = None
    silent: bool = False

    @property
    def exit_code(self) -> int:
        """`code`; when it is not given, 1 for an error."""
        return self.code if self.code is not None else int(self.error is not None)


class Session(ABC):
    """json: somebody parses what is printed. face: where it is called."""

    json: bool
    face: Face

    @property
    @abstractmethod
    def bench(self) -> Workbench:
        """The project's workbench. Raises NotFound outside a project."""

    @abstractmethod
    def note(self, text: str) -> None:
        """Report this as the progress or result of the job."""

    @abstractmethod
    def say(self, text: str) -> None:
        """Report progress to people and as the job's progress; scripts get none."""

    @abstractmethod
    def progress(self, fraction: float, text: str) -> None:
        """Report how far a long verb has got (0 to 1), as often as it likes: as the job's progress,
        and every few seconds to people at a terminal or in a notebook; scripts get none.
        """

    @abstractmethod
    def text(self, value: Any) -> str:
        """A record as people read it."""
