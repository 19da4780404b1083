"""What the keeper measures every few seconds: figures for those who look, and the minutes of the
vitals log.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from ...core.project import Project
from ..gateway import DeploymentPlan, cluster_name
from ..settings import DeploymentSettings
from . import Counts, Figures
from .envoy import admin, watched_files
from .envoy.meter import Meter
from .gpu_use import GpuWatch
from .layout import FIGURES
from .minutes import Minutes
from .vitals_log import Reading, VitalsLog, used_since
from .workers import Workers

Key = tuple[str, str]
"""Deployment and version."""


class Measures:
    """The measurements of one keeper. figures, p95_ms: of each version, as last measured."""

    def __init__(self, project: Project, workers: Workers) -> None:
        self.p95_ms: dict[Key, float] = {}
        self.figures: dict[Key, Figures] = {}
        self._workers, self._meter = workers, Meter()
        self._log = VitalsLog(project, project.settings.of(DeploymentSettings).payload_days)
        self._minutes = Minutes()
        self._gpus = GpuWatch()
        self._retried: dict[tuple[int, str], int] = {}
        self._readings: dict[Key, Reading] = {}
        self._used: dict[Key, float] = {}
        self._sent_again: Counter[Key] = Counter()
        self._measured_at = 0.0

    def mark(self, plans: Sequence[DeploymentPlan]) -> None:
        """Read the gateway's counters now, so that what follows can be told from what was before:
        the traffic has changed.
        """
        self._meter.read(list(_clusters(plans)), mark=True)

    def step(self, plans: Sequence[DeploymentPlan], *, every: float) -> bool:
        """Measure if `every` seconds have passed; returns whether they have."""
        if time.monotonic() - self._measured_at < every * 0.9:
            return False
        self._measured_at = time.monotonic()
        keys = _clusters(plans)
        self._workers.heal(admin.unhealthy_sockets())
        self._workers.measure()
        figures = self._meter.read(list(keys))
        self.figures = {keys[name]: item for name, item in figures.items()}
        self.p95_ms |= {key: item.p95_ms or 0.0 for key, item in self.figures.items()}
        self._note_vitals(keys)
        self._write_figures(keys)
        return True

    def _write_figures(self, keys: Mapping[str, Key]) -> None:
        found, clusters, at = [], {key: name for name, key in keys.items()}, time.time()
        self._minutes.keep(clusters)
        for key, item in self.figures.items():
            memory, pids = self._workers.memory(key), self._workers.pids(key)
            reading, counts = self._readings.get(key), self._counts(key, clusters[key])
            item = replace(
                item,
                memory_bytes=memory,
                pids=pids,
                in_flight=reading.in_flight if reading else 0,
                gpu_memory_bytes=reading.gpu.memory_bytes if reading else None,
                gpu_load=reading.gpu.load if reading else None,
                gpu_reason=reading.gpu.why if reading else "",
                counts=counts,
                by_minute=self._minutes.count(key, counts.requests, at) if counts else (),
            )
            found.append({"deployment": key[0], "version": key[1], **asdict(item)})
        watched_files.swap(FIGURES, json.dumps({"at": at, "figures": found}))

    def _counts(self, key: Key, cluster: str) -> Counts | None:
        counted = self._meter.counts(cluster)
        if counted is None:
            return None
        requests, refused, errors, latencies = counted
        return Counts(
            requests=requests,
            refused=refused,
            errors=errors,
            retried=self._sent_again[key],
            cpu_seconds=round(self._used.get(key, 0.0), 3),
            latencies=latencies,
        )

    def _note_vitals(self, keys: Mapping[str, Key]) -> None:
        pressure, at = admin.pressure() or {}, time.time()
        in_flight, retried = _in_flight(pressure), self._retried_since(pressure)
        running = {name: key for name, key in keys.items() if self._workers.pids(key)}
        gpus = self._gpus.uses({key: self._workers.pids(key) for key in running.values()})
        for name, key in running.items():
            reading = Reading(
                at=at,
                memory_bytes=self._workers.memory(key),
                cpu=self._workers.cpu(key),
                in_flight=in_flight[name],
                retried=retried[name],
                gpu=gpus[key],
            )
            self._log.note(*key, reading)
            self._used[key] = self._used.get(key, 0.0) + used_since(
                self._readings.get(key), reading
            )
            self._sent_again[key] += reading.retried
            self._readings[key] = reading
        self._log.keep(set(running.values()))
        for kept in (self._readings, self._used, self._sent_again):
            for key in set(kept) - set(keys.values()):
                del kept[key]

    def _retried_since(self, pressure: admin.PressureByEnvoy) -> Counter[str]:
        """Retries since the last look, by cluster. Counters of an Envoy begin anew with it."""
        found = Counter[str]()
        for number, clusters in pressure.items():
            for name, item in clusters.items():
                before = self._retried.get((number, name), item.retried)
                found[name] += item.retried - before if item.retried >= before else item.retried
                self._retried[number, name] = item.retried
        return found


def _clusters(plans: Sequence[DeploymentPlan]) -> dict[str, Key]:
    return {
        cluster_name(plan.name, item.version): (plan.name, item.version)
        for plan in plans
        for item in plan.versions
    }


def _in_flight(pressure: admin.PressureByEnvoy) -> Counter[str]:
    found = Counter[str]()
    for clusters in pressure.values():
        found.update({name: item.in_flight for name, item in clusters.items()})
    return found
