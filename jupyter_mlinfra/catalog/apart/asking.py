"""Queries that a child runs, watched: it is ended when it takes too much memory or time, and when
nobody waits for the answer any more.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ...core.child import raised
from ...core.errors import Unavailable, Unprocessable
from ...core.viewer import Viewer
from ...core.waiting import check_waiting
from ..querying.answers import SqlAnswer
from ..querying.engine import Limits, out_of_time

if TYPE_CHECKING:
    from ...core.child import Child
    from ...core.children import Children
    from ...core.project import Project
    from ...core.viewer import Reveal
    from ..names import DatasetName
    from ..quality.statements import Select

_LOOKS_SECONDS = 0.05
"""A process can fill 100 MB in that time."""
_GRACE_SECONDS = 1.0
"""What stops by itself when its time is over is not ended."""
_BESIDE_MIB = 256
"""Beside what the engine counts, a query may take as much memory again, and at least this, for the
rows that it reads, and for its answer.
"""


def answer_apart(
    children: Children,
    project: Project,
    *,
    query: str,
    parameters: Mapping[str, Any],
    limit: int,
    reveal: Reveal,
    domains: Collection[str] | None,
) -> SqlAnswer:
    """As `Catalog.answer`, which a child calls."""
    found = _asked(
        children,
        project,
        {
            "verb": "answer",
            "query": query,
            "parameters": dict(parameters),
            "limit": limit,
            "reveal": {"face": reveal.face, "user": reveal.user}
            if isinstance(reveal, Viewer)
            else reveal,
            "domains": None if domains is None else list(domains),
        },
    )
    return SqlAnswer(**found)


def check_apart(children: Children, project: Project, dataset: DatasetName, check: Select) -> None:
    """As `Selecting.check`, which a child calls."""
    _asked(children, project, {"verb": "check", "dataset": dataset.text, "check": asdict(check)})


def _asked(children: Children, project: Project, request: Mapping[str, Any]) -> Any:
    """What a child answers. Raises its error."""
    limits = Limits.of(project)
    with children.child() as child:
        watched = _Watched(child, limits)
        child.send({"root": str(project.root), **request})
        answer = child.line(watched.look, every=_LOOKS_SECONDS)
        if answer is None:
            raise _died(child)
        if "fault" in answer:
            raise RuntimeError(f"{answer['fault']} in the process of a query")
    if "error" in answer:
        raise raised(answer["error"])
    return answer["result"]


class _Watched:
    """A query that has just begun."""

    def __init__(self, child: Child, limits: Limits) -> None:
        self._child, self._limits = child, limits
        self._most_mib = limits.memory_mib + max(limits.memory_mib, _BESIDE_MIB)
        self._before = child.memory()
        self._late = time.monotonic() + limits.seconds + _GRACE_SECONDS

    def look(self) -> None:
        """Raise what ends it."""
        check_waiting()
        taken = (self._child.memory() - self._before) >> 20
        if taken > self._most_mib:
            raise Unprocessable(
                "The query was stopped: it needs more memory than it may take.",
                f"Its process had taken {taken:,} MiB. [catalog] sql_memory_mib ="
                f" {self._limits.memory_mib} allows {self._most_mib:,}, with the rows that it reads"
                " and its answer.",
                "Ask for less, make rows (FROM range(…)) in place of large lists and texts, or set"
                " more.",
            )
        if time.monotonic() > self._late:
            raise out_of_time(self._limits.seconds)


def _died(child: Child) -> Unavailable:
    code = child.wait(_GRACE_SECONDS)
    return Unavailable(
        "The query ended with its process.",
        "The machine may have no memory left."
        if code == -9
        else f"It ended with {code}, in the engine or a library that reads its tables.",
        "Ask for less, or in another way; other queries can still be run.",
    )
