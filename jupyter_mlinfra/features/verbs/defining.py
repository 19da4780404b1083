"""The verbs about the files that define views."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING

from ...core.files import write_atomic
from ..define import check_name
from ..repo import folder
from ..spec import AppliedViews, Defined, Unapplied
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

        A view that does not fit its source, and what uses it, is left out: `problems` names it with
        its fix, and the registry keeps what it has of it. Raises NotFound without definitions,
        Unprocessable (file and line) if a file is broken, and the error of the first view if none
        can be applied; the registry is then unchanged.
        """
        applied = call(self._project, "apply")
        problems = [Unapplied(**item) for item in applied["problems"]]
        return AppliedViews(**applied | {"problems": problems})

    def define(self, name: str, text: str, *, replace: bool = False, apply: bool = True) -> Defined:
        """Write ordinary Feast definitions as the file `name`.py of the repository, once they were
        tried beside the other files in a process of their own; then apply.

        replace: views and services that no definition has any more may be deleted. Raises
        BadRequest for a bad name or a text that defines nothing, Unprocessable (file and line) for
        one that cannot be applied, Conflict if something would be deleted; nothing is written then.
        """
        request = {"name": name, "text": text, "replace": replace}
        written = Defined(**call(self._project, "define", request))
        return dataclasses.replace(written, applied=self.apply()) if apply else written

    def draft(self, name: str, text: str) -> Path:
        """Keep a text for a `define` in another process, which cannot take it as a word. Raises
        BadRequest for a bad name.
        """
        check_name(name)
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        path = self._project.folder("features", "drafts") / f"{name}-{digest}.py"
        write_atomic(path, text.encode())
        return path
