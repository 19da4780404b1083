"""What a batch job is asked to do: written as words of its command, and read again there."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...catalog import Mode
    from ..featuring import FeatureWish, Missing
    from ..logged import Answers

MAX_ERRORS = 0.1
"""As many rows may be set aside when files are ingested."""

ANSWERS = ("classes", "probabilities")

AT = "event_timestamp"
"""The column with the time of a row, as in training sets."""


def table_of(source: str) -> str:
    """`ns.table` of `ns.table@SNAPSHOT`: the stream of rows of which a target has a position."""
    return source.partition("@")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchTask:
    """model: `flights/3`. source: `ns.table@SNAPSHOT`. into: `ns.table`. keep: columns of the
    source in the result; None for all. max_errors: share of rows that may be refused. key: of the
    rows in the target (see `Catalog.write`). workers: serving processes. new: only the rows that
    were added after the snapshot `since`; empty: none has been scored yet. features: `view:feature`
    or `view:*` of the inputs that come from views, as they were at the time in the column `at`;
    missing, defaults: see `featuring.FeatureWish`.
    """

    model: str
    source: str
    into: str
    key: str
    keep: Sequence[str] | None = None
    answers: Answers | None = None
    mode: Mode = "append"
    max_errors: float = MAX_ERRORS
    workers: int = 1
    new: bool = False
    since: str = ""
    features: Sequence[str] = ()
    missing: Missing = "error"
    defaults: Mapping[str, Any] = field(default_factory=dict)
    at: str = AT

    @property
    def wish(self) -> FeatureWish | None:
        """What is read from views; None: nothing."""
        from ..featuring import FeatureWish

        if not self.features:
            return None
        return FeatureWish(views=self.features, missing=self.missing, defaults=self.defaults)

    @property
    def read(self) -> list[Any]:
        """The same with the column of the time, as JSON has it; nothing without views."""
        if not self.features:
            return []
        return [list(self.features), self.missing, dict(self.defaults), self.at]

    @property
    def snapshot(self) -> str:
        """That of the source, whatever columns it is read with; empty if it has none."""
        return self.source.partition("@")[2].partition(".")[0]

    @property
    def digest(self) -> str:
        """Equal for tasks whose chunks have the same rows; see `staging`."""
        keep = None if self.keep is None else list(self.keep)
        parts = [self.model, self.source, keep, self.answers, self.since, *self.read]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def words(self) -> list[str]:
        """The task as arguments of a command. An option and its value are one word, so that no
        value is read as an option.
        """
        words = {
            "model": self.model,
            "from": self.source,
            "into": self.into,
            "key": self.key,
            "mode": self.mode,
            "max-errors": self.max_errors,
            "workers": self.workers,
            **({"answers": self.answers} if self.answers else {}),
            **({"since": self.since} if self.since else {}),
        }
        flags = [f"--{name}={value}" for name, value in words.items()]
        flags += ["--new"] if self.new else []
        flags += [f"--features={json.dumps(self.read)}"] if self.features else []
        if self.keep is None:
            return [*flags, "--keep-all"]
        return [*flags, *(f"--keep={name}" for name in self.keep)]

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """What `words` writes."""
        for name in ("model", "from", "into", "key"):
            parser.add_argument(f"--{name}", required=True)
        parser.add_argument("--mode", default="append", choices=("append", "replace"))
        parser.add_argument("--answers", choices=ANSWERS)
        parser.add_argument("--max-errors", type=float, default=MAX_ERRORS)
        parser.add_argument("--workers", type=int, default=1)
        parser.add_argument("--keep", action="append", default=[])
        parser.add_argument("--keep-all", action="store_true")
        parser.add_argument("--new", action="store_true")
        parser.add_argument("--since", default="")
        parser.add_argument("--features", type=json.loads)

    @classmethod
    def of(cls, options: argparse.Namespace) -> BatchTask:
        """The task of parsed arguments."""
        read: tuple[Sequence[str], Missing, Mapping[str, Any], str]
        read = options.features or ((), "error", {}, AT)
        views, missing, defaults, at = read
        return cls(
            model=options.model,
            source=getattr(options, "from"),
            into=options.into,
            key=options.key,
            keep=None if options.keep_all else tuple(options.keep),
            answers=options.answers,
            mode=options.mode,
            max_errors=options.max_errors,
            workers=options.workers,
            new=options.new,
            since=options.since,
            features=views,
            missing=missing,
            defaults=defaults,
            at=at,
        )
