"""Journals of the payload log: their names, what may be in them, and their rows."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

PARQUET = "parquet"
"""Folder of the compacted files."""

CLOCK = timedelta(hours=2)
"""A clock may be set back by so much while a file is written: rows may be older than its name says,
and newer than its last write.
"""

_NAME = re.compile(r"-(\d+)-\d+(?:-[0-9a-f]+)?$")


@dataclass(slots=True)
class JournalRows:
    """Rows of one journal, column by column. types: of the inputs, in MLflow's words. inputs: one
    list of numbers per row, None for a refused request. texts: the same places, where they are
    texts; None for a row of numbers. outputs: their names, of a classifier that answers
    probabilities the classes; empty if they have none. scores, labels: the outputs that are
    numbers, and those that are texts.

    params: what the request gave of the model's parameters, as JSON text; None for none.

    what, request: of a refused or failed request, the reason and the beginning of its body; else
    None.
    """

    names: list[str] = field(default_factory=list)
    categories: list[list[str]] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    deployment: str = ""
    version: str = ""
    request_id: list[str] = field(default_factory=list)
    unique: list[str] = field(default_factory=list)
    row: list[int] = field(default_factory=list)
    shadow: list[bool] = field(default_factory=list)
    ts: list[float] = field(default_factory=list)
    status: list[int] = field(default_factory=list)
    latency_ms: list[float] = field(default_factory=list)
    scores: list[list[float | None] | None] = field(default_factory=list)
    labels: list[list[str | None] | None] = field(default_factory=list)
    inputs: list[list[float | None] | None] = field(default_factory=list)
    texts: list[list[str | None] | None] = field(default_factory=list)
    params: list[str | None] = field(default_factory=list)
    what: list[str | None] = field(default_factory=list)
    request: list[str | None] = field(default_factory=list)
    feedback: list[dict[str, Any]] = field(default_factory=list)
    dropped: int = 0


def journals(
    folder: Path, since: datetime | None, compacted: Collection[str] = ()
) -> Iterator[JournalRows]:
    """The rows of the journals that are not compacted. compacted: names of those that are."""
    for file in sorted([*folder.glob("*.jsonl"), *folder.glob("*.jsonl.open")]):
        if stem(file) in compacted or not may_hold(file, since):
            continue
        try:
            yield read_journal(file)
        except FileNotFoundError:  # closed, and so renamed, since the folder was listed
            with contextlib.suppress(FileNotFoundError):
                yield read_journal(file.with_suffix(""))


def stem(file: Path) -> str:
    """The name of a journal, open or closed, without its endings."""
    return file.name.removesuffix(".open").removesuffix(".jsonl")


def may_hold(file: Path, since: datetime | None) -> bool:
    """A journal that was last written before `since` holds nothing newer, unless the clock was set
    back. Parquet files have the time of their newest row.
    """
    slack = timedelta() if file.suffix == ".parquet" else CLOCK
    with contextlib.suppress(OSError):
        return since is None or file.stat().st_mtime >= (since - slack).timestamp()
    return True


def begun_at(name: str) -> float:
    """When the first row of a file was written, from its name, in seconds since 1970; 0 if it does
    not say.
    """
    found = _NAME.search(name.partition(".")[0])
    return int(found[1]) / 1e6 if found else 0.0


def may_begin_before(name: str, until: datetime) -> bool:
    """Whether a file may hold rows from before `until`, also if the clock was set back."""
    return begun_at(name) < (until + CLOCK).timestamp()


def read_journal(file: Path) -> JournalRows:
    """The rows of a journal. The torn last line of a killed process is in its count; another line
    that cannot be read is counted as dropped.
    """
    rows, broken = JournalRows(), 0
    with open(file, "rb") as lines:
        for line in lines:
            rows.dropped += broken
            broken = 0
            try:
                _add_entry(orjson.loads(line), rows)
            except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
                broken = 1
    return rows


def _add_entry(entry: dict[str, Any], rows: JournalRows) -> None:
    entry_kind = entry.get("k")
    if entry_kind == "p":
        if len(entry["x"]) != len(entry["y"]):  # before any of its rows is taken
            raise ValueError("the answer has another number of rows")
        for number, (inputs, score) in enumerate(zip(entry["x"], entry["y"], strict=True)):
            _add(rows, entry, number, inputs, score if isinstance(score, list) else [score])
    elif entry_kind == "e":
        _add(rows, entry, 0, None, None)
        rows.what[-1], rows.request[-1] = str(entry.get("what", "")), str(entry.get("b", ""))
    elif entry_kind == "f":
        rows.feedback.append(entry)
    elif entry_kind == "d":
        rows.dropped += int(entry["n"])
    elif "names" in entry:
        rows.names, rows.categories = list(entry["names"]), list(entry.get("categories", []))
        rows.types, rows.outputs = list(entry.get("types", [])), list(entry.get("outputs", []))
        rows.deployment, rows.version = str(entry["deployment"]), str(entry["version"])


def _add(
    rows: JournalRows,
    entry: dict[str, Any],
    number: int,
    inputs: list[Any] | None,
    scores: list[Any] | None,
) -> None:
    request_id, ts, milliseconds, status = (
        str(entry["id"]),
        float(entry["ts"]),
        float(entry["ms"]),
        int(entry["st"]),
    )
    rows.request_id.append(request_id)
    # A journal of an earlier version has only the callers' ids.
    rows.unique.append(str(entry.get("u") or request_id))
    rows.row.append(number)
    rows.shadow.append(bool(entry.get("sh")))
    rows.ts.append(ts)
    rows.latency_ms.append(milliseconds)
    rows.status.append(status)
    numbers, texts = _apart(inputs)
    rows.inputs.append(numbers)
    rows.texts.append(texts)
    numbers, texts = _apart(scores)
    rows.scores.append(numbers)
    rows.labels.append(texts)
    rows.params.append(entry.get("q"))
    rows.what.append(None)
    rows.request.append(None)


def _apart(
    values: list[Any] | None,
) -> tuple[list[float | None] | None, list[str | None] | None]:
    """Numbers and texts of a row, each with null in the places of the other; no texts if all are
    numbers.
    """
    if values is None or not any(isinstance(value, str) for value in values):
        return values, None
    numbers = [None if isinstance(value, str) else value for value in values]
    return numbers, [value if isinstance(value, str) else None for value in values]


def pid_of(file: Path) -> int:
    """The process that a file is named after. Raises ValueError if there is none in its name."""
    return int(file.name.partition(".")[0].rpartition("-")[2])


def has_open(pid: int, file: Path) -> bool:
    """Whether that process has the file open; yes for one of our processes that cannot be asked."""
    folder = Path(f"/proc/{pid}/fd")
    try:
        return any(handle.resolve() == file.resolve() for handle in folder.iterdir())
    except FileNotFoundError:
        return Path("/proc/self").exists() is False
    except OSError:
        return True
