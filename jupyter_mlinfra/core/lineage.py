"""What was made from what: OpenLineage events in files, one file a process.

Source: https://openlineage.io/spec/2-0-2/OpenLineage.json, written with the official client.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .records import now

_PRODUCER = "https://github.com/jupyter-mlinfra/jupyter-mlinfra"


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

    def record(self, job: str, *, inputs: Sequence[str], outputs: Sequence[str], facts: Mapping[str, Any] | None = None, run: str | None = None) -> None:
        """Append one COMPLETE event.

        job: what did it (a notebook cell, a step, a verb). inputs, outputs: references or file paths.
        facts: small plain values kept with the event (rows written, commit).
        """
        from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
        from openlineage.client.serde import Serde

        event = RunEvent(
            eventType=RunState.COMPLETE,
            eventTime=now().isoformat(),
            run=Run(runId=run or str(uuid.uuid4())),
            job=Job(namespace=self._namespace, name=job),
            inputs=[InputDataset(namespace=self._namespace, name=name) for name in inputs],
            outputs=[OutputDataset(namespace=self._namespace, name=name) for name in outputs],
            producer=_PRODUCER,
        )
        body = json.loads(Serde.to_json(event))
        if facts:
            body["run"].setdefault("facets", {})["mlinfra"] = {"_producer": _PRODUCER, "_schemaURL": _PRODUCER, **facts}
        self._folder.mkdir(parents=True, exist_ok=True)
        line = (json.dumps(body) + "\n").encode()
        handle = os.open(self._folder / f"{os.getpid()}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, line)
        finally:
            os.close(handle)

    def edges(self) -> list[Edge]:
        """Every input → output pair, oldest first; a torn last line (a killed writer) is left out."""
        found = []
        for path in sorted(self._folder.glob("*.jsonl")) if self._folder.exists() else []:
            for line in path.read_text().splitlines():
                try:
                    event = json.loads(line)
                except json.JSONDecodeError:
                    continue
                found += [
                    Edge(input=source["name"], output=target["name"], job=event["job"]["name"], at=event["eventTime"])
                    for source in event.get("inputs", [])
                    for target in event.get("outputs", [])
                ]
        return sorted(found, key=lambda edge: edge.at)

    def around(self, ref: str, *, limit: int = 200) -> list[Edge]:
        """Edges that lead to `ref` or come from it, at any distance; versions (`@…`) count as the object itself."""
        edges = self.edges()
        plain = _plain(ref)
        return _walk(edges, plain, limit, forward=False) + _walk(edges, plain, limit, forward=True)


def _plain(ref: str) -> str:
    return ref.partition("@")[0]


def _walk(edges: Sequence[Edge], start: str, limit: int, *, forward: bool) -> list[Edge]:
    reached, todo, found = {start}, [start], dict[tuple[str, str], Edge]()
    while todo and len(found) < limit:
        here = todo.pop(0)
        for edge in edges:
            near, far = (edge.input, edge.output) if forward else (edge.output, edge.input)
            if _plain(near) != here:
                continue
            found[edge.input, edge.output] = edge
            if _plain(far) not in reached:
                reached.add(_plain(far))
                todo.append(_plain(far))
    return list(found.values())[:limit]
