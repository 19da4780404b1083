"""What all backends do alike whose jobs run elsewhere: whoever follows the jobs does the work, they wake it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from ...store import JobStore
from .control import FollowerControl

if TYPE_CHECKING:
    from ....core.project import Project


class FollowedBackend[R]:
    """One backend of a project. R: its far side. A subclass says what that is, and answers what may be asked without the follower."""

    def __init__(self, project: Project, name: str) -> None:
        self._project, self._name = project, name
        self._store = JobStore(project.database)
        self._control = FollowerControl(project, name)

    def remote(self) -> R:
        """The far side, for the follower."""
        return self._remote

    @cached_property
    def _remote(self) -> R:
        return self._reach()

    def _reach(self) -> R:
        raise NotImplementedError

    def submit(self, jobs: Sequence[str]) -> None:  # noqa: ARG002 - it reads the whole queue
        """Wake the follower."""
        self._control.wake()

    def cancel(self, jobs: Sequence[str]) -> None:  # noqa: ARG002 - it reads who is to be cancelled
        """Wake the follower."""
        self._control.wake()

    def heal(self) -> None:
        """Start the follower if the last one died."""
        self._control.heal()
