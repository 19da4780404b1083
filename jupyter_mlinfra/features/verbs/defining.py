"""The verbs about the files that define views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..repo import folder
from ..spec import AppliedViews
from ..worker import call
from .base import FeatureVerbs

if TYPE_CHECKING:
    from pathlib import Path


class DefiningVerbs(FeatureVerbs):
    """Where definitions are, and how the registry gets them; a base of `Features`."""

    @property
    def folder(self) -> Path:
        """Where the definitions are; it need not exist."""
        return folder(self._project)

    def apply(self) -> AppliedViews:
        """Make the registry match the definition files. The files run in a process of their own,
        never in this one.

        Raises NotFound without definitions, Unprocessable (file and line) if one is broken; the
        registry is then unchanged.
        """
        return AppliedViews(**call(self._project, "apply"))
