"""The lineage of a project: one file of events per process, and what they say together."""

from __future__ import annotations

import json
import os
import re
import socket
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..processes import start_ticks
from ..records import Page, now
from .edges import Edge, parsed, plain, walk, walk_column

if TYPE_CHECKING:
    from .sending import Sender

KEPT = 200_000
"""Edges that are kept in memory (some 50 MB); the rest is read each time."""

_PRODUCER = "https://github.com/jupyter-mlinfra/jupyter-mlinfra"
_SPEC = "https://openlineage.io/spec"


Event = Literal["START", "COMPLETE", "FAIL", "ABORT"]


class Lineage:
    """The lineage of one project. sender: sends new events to an endpoint, too."""

    def __init__(self, folder: Path, *, namespace: str, sender: Sender | None = None) -> None:
        self._folder = folder
        self._namespace = namespace
        self._sender = sender
        self._reading = threading.Lock()
        self._files: dict[Path, _File] = {}
        self._edges: tuple[Edge, ...] = ()

    def record(
        self,
        job: str,
        *,
        inputs: Sequence[str],
        outputs: Sequence[str],
        facts: Mapping[str, Any] | None = None,
        columns: Mapping[str, Sequence[tuple[str, str]]] | None = None,
        run: str | None = None,
        event: Event = "COMPLETE",
    ) -> None:
        """Append one event; only COMPLETE says that its outputs were made.

        job: what did it (a notebook cell, a step, a verb). inputs, outputs: references or file
        paths. facts: small plain values kept with the event (rows written, commit). columns: for
        each column of every output, the inputs and their columns from which its values were made.
        """
        body = self._body(job, inputs, outputs, facts or {}, columns or {}, run, event)
        self._folder.mkdir(exist_ok=True)
        line = (json.dumps(body) + "\n").encode()
        handle = os.open(self._folder / _file_name(), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            _append(handle, line)
        finally:
            os.close(handle)
        if self._sender is not None:
            self._sender.wake()

    def _body(
        self,
        job: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        facts: Mapping[str, Any],
        columns: Mapping[str, Sequence[tuple[str, str]]],
        run: str | None,
        event: Event,
    ) -> dict[str, Any]:
        """The event as the standard has it; see `record`. Its form is written here, and compared
        with that of OpenLineage's client in the tests: loading the client takes 0.4 CPU seconds.
        """
        run_facets = (
            {"mlinfra": {"_producer": _PRODUCER, "_schemaURL": _PRODUCER, **facts}} if facts else {}
        )
        return {
            "eventTime": now().isoformat(),
            "eventType": event,
            "inputs": [{"facets": {}, "inputFacets": {}, **self._named(name)} for name in inputs],
            "job": {"facets": {}, **self._named(job)},
            "outputs": [
                {"facets": self._facets(columns), "outputFacets": {}, **self._named(name)}
                for name in outputs
            ],
            "producer": _PRODUCER,
            "run": {"facets": run_facets, "runId": run or str(uuid.uuid4())},
            "schemaURL": f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent",
        }

    def _named(self, name: str) -> dict[str, str]:
        return {"name": name, "namespace": self._namespace}

    def _facets(self, columns: Mapping[str, Sequence[tuple[str, str]]]) -> dict[str, Any]:
        """The facet `columnLineage` of an output; none where no column is known."""
        if not columns:
            return {}
        kind = "ColumnLineageDatasetFacet"
        fields = {
            column: {
                "inputFields": [
                    {"field": source, "transformations": [], **self._named(name)}
                    for name, source in sources
                ]
            }
            for column, sources in columns.items()
        }
        return {
            "columnLineage": {
                "_producer": _PRODUCER,
                "_schemaURL": f"{_SPEC}/facets/1-2-0/{kind}.json#/$defs/{kind}",
                "dataset": [],
                "fields": fields,
            }
        }

    def edges(self) -> Sequence[Edge]:
        """Every input → output pair, oldest first. A torn last line (of a killed writer) is left
        out. Only what is new since the last call is read.
        """
        with self._reading:
            files = (
                {path: self._read(path) for path in sorted(self._folder.glob("*.jsonl"))}
                if self._folder.exists()
                else {}
            )
            if files != self._files:
                edges = tuple(
                    sorted(
                        (edge for file in files.values() for edge in file.edges),
                        key=lambda edge: edge.at,
                    )
                )
                if len(edges) > KEPT:
                    return edges
                self._files, self._edges = files, edges
            return self._edges

    def around(self, ref: str, *, column: str | None = None, limit: int = 200) -> Page[Edge]:
        """Edges that lead to `ref` or come from it, at any distance, nearest first, at most `limit`
        each way; `total` counts all.

        Versions (`@…`) count as the object itself. column: only what its values were made from, and
        what was made from them; a way ends at a table of which the columns are not known.
        """
        edges, start = self.edges(), plain(ref)
        ways = [
            walk(edges, start, forward=forward)
            if column is None
            else walk_column(edges, start, column, forward=forward)
            for forward in (False, True)
        ]
        # What an object was made from may be an earlier version of itself, as after a restore: such
        # an edge lies both ways.
        back = {(edge.input, edge.output) for edge in ways[0]}
        ways[1] = [edge for edge in ways[1] if (edge.input, edge.output) not in back]
        items = [edge for way in ways for edge in way[:limit]]
        return Page(items=items, shown=len(items), total=sum(map(len, ways)))

    def _read(self, path: Path) -> _File:
        previous = self._files.get(path, _File(0, ()))
        size = path.stat().st_size
        if size == previous.size:
            return previous
        if size < previous.size:  # it is another file by now
            previous = _File(0, ())
        with path.open("rb") as file:
            file.seek(previous.size)
            # Only whole lines are read; one that is being written is read later.
            lines = file.read().rpartition(b"\n")[0]
        return (
            _File(previous.size + len(lines) + 1, (*previous.edges, *parsed(lines)))
            if lines
            else previous
        )


def _file_name() -> str:
    """A name that no other process uses: containers and machines that share the folder can have the
    same pids, and pids are reused.
    """
    host = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())[:100]
    return f"{host}-{os.getpid()}-{start_ticks(os.getpid()) or 0}.jsonl"


@dataclass(frozen=True, slots=True)
class _File:
    """What was read of one file so far, always whole lines."""

    size: int
    edges: tuple[Edge, ...]


def _append(handle: int, line: bytes) -> None:
    """Write a whole line on a line of its own: a line torn by a full disk or a killed process must
    not swallow it.
    """
    size = os.fstat(handle).st_size
    if size and os.pread(handle, 1, size - 1) != b"\n":
        line = b"\n" + line
    while line:
        line = line[os.write(handle, line) :]
