"""The verbs that tag and deprecate views: they write into the files that define them."""

from __future__ import annotations

import dataclasses
import difflib
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...core.errors import BadRequest, Conflict
from ...core.files import file_lock, write_atomic
from ..definitions import DEPRECATED
from ..editing import retagged
from ..repo import require_folder
from ..spec import Retagged
from ..windows.plan import TAG
from .defining import DefiningVerbs
from .knowing import KnowingVerbs

_LONGEST = 200
_NAMED = ("deployment", "version")
"""What is named before a view is deprecated."""


class LabellingVerbs(KnowingVerbs, DefiningVerbs):
    """Tags of views, and views that nobody should take any more; a base of `Features`."""

    def tag(
        self,
        view: str,
        *,
        add: Mapping[str, str] | None = None,
        remove: Sequence[str] = (),
        write: bool = True,
        apply: bool = True,
    ) -> Retagged:
        """Add tags to a view, or replace and remove them, in the file that defines it; then apply.
        Only the characters of its tags change; the file is not run for that.

        write: without it nothing is written, and the answer has what would be. apply: whether the
        registry gets it. Raises NotFound, BadRequest for a name that is no tag, Unprocessable with
        the words to write by hand, where the definition does not say its tags plainly.
        """
        add, name = dict(add or {}), self._view(view).view
        _check_tags(add, remove)
        repo = require_folder(self._project)
        with file_lock(self._project.folder("features") / "lock"):
            edit = retagged(repo, name, add, remove)
            changed = edit.after != edit.before
            file = _named(edit.file, self._project.root)
            if write and changed:
                target = edit.file.resolve()  # a link stays one
                mode = stat.S_IMODE(target.stat().st_mode)
                write_atomic(target, edit.after.encode(edit.encoding), mode=mode)
        old, new = edit.before.splitlines(), edit.after.splitlines()
        answer = Retagged(
            view=name,
            file=file,
            line=edit.line,
            tags=edit.tags,
            diff="\n".join(difflib.unified_diff(old, new, file, file, lineterm="", n=2)),
            written=write and changed,
            used_by=[f"{use.kind} {use.name}" for use in self.uses(name, limit=500).items]
            if DEPRECATED in add
            else [],
        )
        if not (answer.written and apply):
            return answer
        return dataclasses.replace(answer, applied=self.apply())

    def deprecate(
        self,
        view: str,
        note: str = "",
        *,
        undo: bool = False,
        write: bool = True,
        apply: bool = True,
        anyway: bool = False,
    ) -> Retagged:
        """Say that nobody should take a view for anything new, by the tag `deprecated` with a note
        as its value; `undo` takes it out. Lists, search, pages and training sets then say so;
        what uses it goes on.

        write, apply: as in `tag`. anyway: also if a deployment or a version of a model uses it.
        Raises Conflict that names these, and as `tag`.
        """
        if undo:
            return self.tag(view, remove=[DEPRECATED], write=write, apply=apply)
        if write and not anyway:
            used = [use for use in self.uses(view, limit=500).items if use.kind in _NAMED]
            if used:
                names = ", ".join(f"{use.kind} {use.name}" for use in used[:10])
                more = f", and {len(used) - 10} more" if len(used) > 10 else ""
                raise Conflict(
                    f"{self._view(view).view} is not deprecated yet.",
                    f"It is used by {names}{more}, which would go on as before.",
                    "Say --yes (in Python anyway=True) to deprecate it all the same.",
                )
        return self.tag(view, add={DEPRECATED: note}, write=write, apply=apply)


def _named(file: Path, root: Path) -> str:
    """Relative to the project, or whole where the repository is elsewhere."""
    return str(file.relative_to(root) if file.is_relative_to(root) else file)


def _check_tags(add: Mapping[str, str], remove: Sequence[str]) -> None:
    """Raises BadRequest without any tag, and for one that is none."""
    if not (add or remove):
        raise BadRequest("No tag was named.", fix="Name one to add, as NAME or NAME=VALUE.")
    for name in (*add, *remove):
        plain = name.strip() and len(name) <= _LONGEST and name.isprintable()
        if not plain or (name in add and "=" in name):
            raise BadRequest(
                f"{name[:40]!r} is not a tag.",
                f"A tag is a printable name of at most {_LONGEST} characters, without '='.",
                "Give it another name.",
            )
        if name == TAG:
            raise BadRequest(
                f"{TAG} is written by mlinfra features apply.",
                "It keeps the aggregations of a view.",
                "Change the aggregations in the definition.",
            )
