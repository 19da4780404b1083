"""What is known of where a feature comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Naming = Literal["assigns", "names", "writes", "ran"]
"""What code has to do with a column: it gives the column its values, it names the column, it writes
the dataset, or lineage says that it was the running cell. All but `ran` are found by reading the
code.
"""

Change = Literal["unchanged", "changed", "removed", "no later run", "unknown"]
"""What became of a piece of code in the newest run of its step."""

BASIS = "Datasets, runs and jobs are from lineage; code is found by the column's name."


@dataclass(frozen=True, slots=True, kw_only=True)
class CausePlace:
    """A cell of a notebook, or a piece of a module that the notebook imports, as it ran.

    file: below the project. cell: its number from 1, as jobs count; None in a module. line: where
    it names the column, from 1 in the cell or the file. source: at most 120 lines, of which the
    first is `first_line`. diff: to the newest run of its step, unified, at most 200 lines; empty
    unless it has changed.
    """

    file: str
    cell: int | None
    how: Naming
    line: int
    first_line: int
    source: str
    change: Change
    diff: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseSource:
    """A dataset that holds the feature as a column, and what wrote it. Empty texts are not known;
    `reasons` say why.

    dataset, column, view, pipeline, step, job: references. how: why it is among the sources. at:
    when its snapshot was committed. newer: snapshots since then. entities: of the view that it
    feeds. notebook: its path. executed: the notebook as it ran. places: where the code has to do
    with the column, the most telling first, at most 5 of `named`. later_run, later_executed: the
    newest successful run of the step, and its notebook. later_why: why that run executed the step,
    or took it from the cache.
    """

    dataset: str
    column: str
    how: str
    at: datetime | None = None
    newer: int | None = None
    view: str = ""
    entities: Sequence[str] = ()
    written_by: str = ""
    pipeline: str = ""
    step: str = ""
    run: str = ""
    job: str = ""
    notebook: str = ""
    executed: str = ""
    places: Sequence[CausePlace] = ()
    named: int = 0
    later_run: str = ""
    later_executed: str = ""
    later_why: str = ""
    reasons: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureCause:
    """Where a feature of a model comes from: the data that the model was trained on, then what that
    was made from. version, run: references of the model version and its tracked run.
    """

    monitor: str
    feature: str
    version: str
    run: str
    sources: Sequence[CauseSource]
    reasons: Sequence[str]
    code: Mapping[str, str]
    basis: str = BASIS
