"""What a short magic means: its words as words of the command line."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ..core.errors import BadRequest

Words = Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Short:
    """A short magic.

    bare: for no words, or only `status`. other: put before words that do not start with a verb.
    verbs: the magic's verbs → those of the command line.
    """

    group: str
    bare: Words
    other: Words
    verbs: Mapping[str, Words]
    rest: Callable[[str, Words], Words] = field(default=lambda verb, words: words)  # noqa: ARG005

    def words(self, given: Words) -> list[str]:
        """The words of the command line."""
        if not given or (list(given) == ["status"] and "status" in self.verbs):
            return [self.group, *self.bare]
        if given[0].startswith("-"):
            return (
                [self.group, *self.bare, *given]
                if given[0] not in ("-h", "--help")
                else [self.group, "--help"]
            )
        if given[0] in self.verbs:
            return [self.group, *self.verbs[given[0]], *self.rest(given[0], given[1:])]
        return [self.group, *self.other, *self.rest(self.other[0], given)]


def split(line: str) -> list[str]:
    """The words of a line, quoted as in a shell. Raises BadRequest."""
    try:
        return shlex.split(line)
    except ValueError as error:
        raise BadRequest(
            "The line cannot be read.",
            f"{error}.",
            "Close the quote, or put text with quotes into quotes of the other kind.",
        ) from None


def _same(*verbs: str, **others: str) -> Mapping[str, Words]:
    return {**{verb: [verb] for verb in verbs}, **{name: [verb] for name, verb in others.items()}}


def _parameters(verb: str, words: Words) -> Words:
    """`%pipeline run flights seed=2`: NAME=VALUE is a parameter."""
    if verb not in ("run", "explain", "backfill"):
        return words
    found: list[str] = []
    for word in words:
        expects = bool(found) and found[-1] in ("-p", "-r", "--parameter", "--raw")
        found += (
            ["-p", word] if "=" in word and not word.startswith("-") and not expects else [word]
        )
    return found


def _alias(verb: str, words: Words) -> Words:
    """`%models promote flights/2 champion`."""
    if verb == "promote" and len(words) == 2 and not any(word.startswith("-") for word in words):
        return [words[0], "--alias", words[1]]
    return words


_CATALOG = _same(
    "list",
    "show",
    "ingest",
    "inspect",
    "search",
    "preview",
    "profile",
    "verify",
    "snapshots",
    "lineage",
    "tag",
    "describe",
    "delete",
    "sql",
)
_FEATURES = _same("list", "views", "show", "search", "apply", "materialize", "online", "use")
_JOBS = _same(
    "list",
    "show",
    "submit",
    "logs",
    "attach",
    "cancel",
    "requeue",
    "restore",
    "hold",
    "release",
    "priority",
    "clone",
    "queue",
    "attempts",
    "resources",
    "wait",
    "compute",
    "backends",
    "parameters",
    "values",
    "preview",
    "code",
    "diff",
    "supervisor",
    log="logs",
)
_PIPELINES = _same(
    "list",
    "show",
    "run",
    "check",
    "runs",
    "resume",
    "cancel",
    "repair",
    "explain",
    "backfill",
    "export",
    "propose",
    "status",
)
_SCHEDULES = _same(
    "list", "show", "create", "update", "pause", "resume", "run-now", "delete", "history", "preview"
)
_DEPLOYMENTS = _same(
    "list",
    "deploy",
    "traffic",
    "promote",
    "rollback",
    "remove",
    "predict",
    "history",
    "up",
    "down",
    "delete",
    status="show",
    show="show",
)

SHORT: Mapping[str, Short] = {
    "catalog": Short(group="catalog", bare=["list"], other=["show"], verbs=_CATALOG),
    "features": Short(group="features", bare=["list"], other=["show"], verbs=_FEATURES),
    "jobs": Short(group="jobs", bare=["list"], other=["show"], verbs=_JOBS),
    "job": Short(group="jobs", bare=["list"], other=["show"], verbs=_JOBS),
    "pipeline": Short(
        group="pipelines", bare=["list"], other=["show"], verbs=_PIPELINES, rest=_parameters
    ),
    "schedule": Short(group="schedules", bare=["list"], other=["show"], verbs=_SCHEDULES),
    "schedules": Short(group="schedules", bare=["list"], other=["show"], verbs=_SCHEDULES),
    "runs": Short(
        group="runs",
        bare=["list"],
        other=["list"],
        verbs=_same("list", "show", "compare", "import"),
    ),
    "models": Short(
        group="models",
        bare=["list"],
        other=["show"],
        verbs=_same("list", "show", "register", "promote"),
        rest=_alias,
    ),
    "deploy": Short(group="deployments", bare=["list"], other=["deploy"], verbs=_DEPLOYMENTS),
    "monitor": Short(
        group="monitors",
        bare=["list"],
        other=["status"],
        verbs=_same("list", "status", "evaluate", "watch"),
    ),
    "alerts": Short(group="alerts", bare=["list"], other=["list"], verbs=_same("list")),
}
"""By name of the magic."""
