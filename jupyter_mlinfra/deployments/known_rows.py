"""Rows that a deployment is known to take: of its newest logged requests, and of its sample."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..core.records import from_seconds
from .bodies import shown_sample
from .packaging import Bundle
from .requests import is_masked
from .spec import KnownRow

_TAIL_BYTES = 128 << 10
"""Of a journal, from its end: enough for some rows, whatever the size of the log."""

_JOURNALS = 8
"""As many of the newest journals are looked at; each serving process has one."""


def of(bundle: Bundle, payloads: Path, limit: int, masked: Sequence[str] = ()) -> list[KnownRow]:
    """At most `limit` rows: logged ones, newest first, at most half of them while the sample has
    rows; then those of the sample. Only models of named columns have any. masked: patterns of
    inputs whose values are not shown, also not in the sample; logged rows of a model that has one
    are left out.
    """
    if bundle.layout == "tensors":
        return []
    sample = shown_sample(bundle.asked, masked)
    names = list(sample["names"])
    of_sample = [
        KnownRow(origin="sample", row=dict(zip(names, row, strict=True)))
        for row in sample["ndarray"]
    ][:limit]
    asked = [column.name for column in bundle.inputs]
    hidden = any(is_masked(name, masked) for name in asked)
    logged = [] if hidden else _logged(payloads, asked)
    room = max(limit - len(of_sample), (limit + 1) // 2)
    return [*logged[:room], *of_sample][:limit]


def _logged(payloads: Path, names: Sequence[str]) -> list[KnownRow]:
    """The first row of each of the newest answered requests that has all these inputs."""
    files = [*payloads.glob("*.jsonl.open"), *payloads.glob("*.jsonl")]
    dated = []
    for file in files:
        with contextlib.suppress(OSError):  # it was closed or compacted meanwhile
            dated.append((file.stat().st_mtime, file))
    found: list[KnownRow] = []
    for _, file in sorted(dated, reverse=True)[:_JOURNALS]:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, IndexError):
            found.extend(_rows(file, names))
    found.sort(key=lambda row: row.at or from_seconds(0), reverse=True)
    return found


def _rows(file: Path, names: Sequence[str]) -> Iterator[KnownRow]:
    with open(file, "rb") as opened:
        head: dict[str, Any] = json.loads(opened.readline())
        begin = opened.tell()
        size = opened.seek(0, 2)
        opened.seek(max(begin, size - _TAIL_BYTES))
        lines = opened.read().split(b"\n")
    if size - _TAIL_BYTES > begin:
        del lines[0]  # cut off
    if not set(names) <= set(head["names"]):
        return
    for line in lines:
        with contextlib.suppress(ValueError):  # the last one may be written just now
            entry = json.loads(line)
            if isinstance(entry, dict) and entry.get("k") == "p" and not entry.get("sh"):
                yield KnownRow(
                    origin="logged",
                    row=_row(head, entry["x"][0], names),
                    at=from_seconds(entry["ts"]),
                    id=str(entry["id"]),
                )


def _row(head: Mapping[str, Any], values: Sequence[Any], names: Sequence[str]) -> dict[str, Any]:
    """The inputs of a logged row as a request gives them."""
    by_name = {}
    columns = zip(head["names"], head["types"], head["categories"], values, strict=True)
    for name, kind, categories, value in columns:
        if value is not None and categories:
            value = categories[int(value)]
        elif value is not None and kind == "boolean":
            value = bool(value)
        elif isinstance(value, float) and kind in ("integer", "long"):
            value = int(value)
        by_name[name] = value
    return {name: by_name[name] for name in names}
