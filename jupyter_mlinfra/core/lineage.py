"""What was made from what: OpenLineage events in files, one file per process, on any machine.

Source: https://openlineage.io/spec/2-0-2/OpenLineage.json, written with the official client.
"""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import threading
import uuid
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .imports import load_modules
from .processes import start_ticks
from .records import Page, now

KEPT = 200_000
"""Edges that are kept in memory (some 50 MB); the rest is read each time."""

_PRODUCER = "https://github.com/jupyter-mlinfra/jupyter-mlinfra"


Event = Literal["START", "COMPLETE", "FAIL", "ABORT"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """`output` was made from `input` by `job`. All three are references; at: ISO 8601 in UTC."""

    input: str
    output: str
    job: str
    at: str


class Lineage:
    """The lineage of one project."""

    def __init__(self, folder: Path, *, namespace: str) -> None:
        self._folder = folder
        self._namespace = namespace
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
        run: str | None = None,
        event: Event = "COMPLETE",
    ) -> None:
        """Append one event; only COMPLETE says that its outputs were made.

        job: what did it (a notebook cell, a step, a verb). inputs, outputs: references or file
        paths. facts: small plain values kept with the event (rows written, commit).
        """
        load_modules("openlineage.client.event_v2", "openlineage.client.serde")
        from openlineage.client.event_v2 import (
            InputDataset,
            Job,
            OutputDataset,
            Run,
            RunEvent,
            RunState,
        )
        from openlineage.client.serde import Serde

        record = RunEvent(
            eventType=RunState[event],
            eventTime=now().isoformat(),
            run=Run(runId=run or str(uuid.uuid4())),
            job=Job(namespace=self._namespace, name=job),
            inputs=[InputDataset(namespace=self._namespace, name=name) for name in inputs],
            outputs=[OutputDataset(namespace=self._namespace, name=name) for name in outputs],
            producer=_PRODUCER,
        )
        body = json.loads(Serde.to_json(record))
        if facts:
            body["run"].setdefault("facets", {})["mlinfra"] = {
                "_producer": _PRODUCER,
                "_schemaURL": _PRODUCER,
                **facts,
            }
        self._folder.mkdir(exist_ok=True)
        line = (json.dumps(body) + "\n").encode()
        handle = os.open(self._folder / _file_name(), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            _append(handle, line)
        finally:
            os.close(handle)

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

    def around(self, ref: str, *, limit: int = 200) -> Page[Edge]:
        """Edges that lead to `ref` or come from it, at any distance, nearest first, at most `limit`
        each way; `total` counts all.

        Versions (`@…`) count as the object itself.
        """
        edges = self.edges()
        ways = [_walk(edges, _plain(ref), forward=forward) for forward in (False, True)]
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
            _File(previous.size + len(lines) + 1, (*previous.edges, *_parsed(lines)))
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


def _parsed(lines: bytes) -> Iterator[Edge]:
    for line in lines.splitlines():
        try:
            event = json.loads(line)
            if event.get("eventType", "COMPLETE") != "COMPLETE":
                continue
            job, at = sys.intern(event["job"]["name"]), event["eventTime"]
            pairs = [
                (sys.intern(source["name"]), sys.intern(target["name"]))
                for source in event["inputs"]
                for target in event["outputs"]
            ]
        except (ValueError, KeyError, TypeError):  # torn by a killed writer, or no event of ours
            continue
        for source, target in pairs:
            yield Edge(input=source, output=target, job=job, at=at)


def _plain(ref: str) -> str:
    return ref.partition("@")[0]


def _walk(edges: Sequence[Edge], start: str, *, forward: bool) -> list[Edge]:
    """The edges that can be reached from `start`, nearest first; of edges between the same two
    objects, the newest.
    """
    by_near = dict[str, list[Edge]]()
    for edge in edges:
        by_near.setdefault(_plain(edge.input if forward else edge.output), []).append(edge)
    reached, todo, found = {start}, deque([start]), dict[tuple[str, str], Edge]()
    while todo:
        for edge in by_near.get(todo.popleft(), ()):
            found[edge.input, edge.output] = edge
            far = _plain(edge.output if forward else edge.input)
            if far not in reached:
                reached.add(far)
                todo.append(far)
    return list(found.values())
