"""The figures of versions as Prometheus scrapes them: `promtool` judges the text."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace

import pytest

from jupyter_mlinfra.deployments.exposition import exposition
from jupyter_mlinfra.deployments.targets import Counts, Figures
from jupyter_mlinfra.deployments.targets.envoy import meter as envoy_meter
from jupyter_mlinfra.deployments.targets.envoy.meter import Meter
from jupyter_mlinfra.deployments.targets.envoy.names import PROBES

EDGES = (1, 10, 100, 30_000)


def figures(version: str, latencies: Sequence[int], *, requests: int = 100) -> Figures:
    counts = Counts(
        requests=requests,
        refused=7,
        errors=3,
        retried=2,
        cpu_seconds=1.5,
        latencies=latencies,
    )
    return Figures(
        seconds=60,
        requests=5,
        errors=0,
        p50_ms=1.0,
        p95_ms=2.0,
        memory_bytes=1 << 20,
        gpu_memory_bytes=3 << 20 if version == "v1" else None,
        gpu_load=0.25 if version == "v1" else None,
        pids=(1, 2),
        in_flight=4,
        counts=counts,
    )


def test_promtool_accepts_the_figures_of_all_versions_and_each_is_what_was_counted() -> None:
    text = exposition(
        {
            ("flights", "v1"): figures("v1", (10, 60, 99, 100)),
            ("flights", "v2"): figures("v2", (), requests=10),  # no histogram yet
            ('a "name"\\', "v1"): Figures(
                seconds=0, requests=0, errors=0, p50_ms=None, p95_ms=None
            ),
        },
        {("flights", "v1"): 0.9, ("flights", "v2"): 0.1, ("gone", "v1"): 1.0},
        EDGES,
    )
    path = shutil.which("promtool")
    assert path, "This test asks Prometheus itself. On Debian: apt-get install promtool"
    done = subprocess.run(
        [path, "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = text.splitlines()
    one = 'deployment="flights",version="v1"'
    for line in (
        f'mlinfra_deployment_requests_total{{{one},outcome="ok"}} 90',
        f'mlinfra_deployment_requests_total{{{one},outcome="refused"}} 7',
        f'mlinfra_deployment_requests_total{{{one},outcome="error"}} 3',
        f'mlinfra_deployment_request_duration_seconds_bucket{{{one},le="0.01"}} 60',
        f'mlinfra_deployment_request_duration_seconds_bucket{{{one},le="+Inf"}} 100',
        f"mlinfra_deployment_retries_total{{{one}}} 2",
        f"mlinfra_deployment_cpu_seconds_total{{{one}}} 1.5",
        f"mlinfra_deployment_requests_in_flight{{{one}}} 4",
        f"mlinfra_deployment_memory_bytes{{{one}}} 1048576",
        f"mlinfra_deployment_gpu_memory_bytes{{{one}}} 3145728",
        f"mlinfra_deployment_gpu_load_ratio{{{one}}} 0.25",
        f"mlinfra_deployment_processes{{{one}}} 2",
        f"mlinfra_deployment_traffic_ratio{{{one}}} 0.9",
    ):
        assert line in lines
    assert "gone" not in text
    of_gpus = [line for line in lines if "gpu" in line and not line.startswith("#")]
    assert len(of_gpus) == 2, "what is not known is left out, and is not 0"


def test_without_a_version_there_is_nothing_to_scrape() -> None:
    assert exposition({}, {}, EDGES) == ""


def test_no_counter_falls_while_probes_end_between_the_readings_or_an_envoy_begins_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    readings = [  # completed, 4xx, 5xx and latencies: of all, then of probes
        ((10, 0, 0), (4, 6, 10, 10), (0, 0, 0), (0, 0, 0, 0)),
        ((12, 2, 0), (4, 7, 12, 12), (2, 0, 0), (3, 3, 4, 4)),  # two refused; later, two probes
        ((12, 2, 0), (4, 7, 12, 12), (2, 1, 1), (5, 5, 5, 5)),
        ((3, 0, 1), (), (0, 0, 0), ()),  # anew, without a histogram yet
        ((5, 0, 1), (1, 2, 5, 5), (0, 0, 0), (0, 0, 0, 0)),
    ]
    meter, before = Meter(), [0.0] * 9
    for total, latencies, probes, of_probes in readings:
        counters = [
            {
                f"cluster.{name}.upstream_rq_{counter}": str(value)
                for counter, value in zip(("completed", "4xx", "5xx"), values, strict=True)
            }
            for name, values in (("a.v1", total), (f"a.v1.{PROBES}", probes))
        ]
        answers = iter([{0: counters[0]}, {0: counters[1]}])
        histograms = {"a.v1": latencies, f"a.v1.{PROBES}": of_probes} if latencies else {}
        monkeypatch.setattr(envoy_meter, "statistics", lambda _, found=answers: next(found))
        monkeypatch.setattr(envoy_meter, "latencies", lambda found=histograms: {0: found})
        meter.read(["a.v1"])
        requests, refused, errors, below = meter.counts("a.v1") or (0, 0, 0, ())
        counts = Counts(
            requests=requests,
            refused=refused,
            errors=errors,
            retried=0,
            cpu_seconds=0,
            latencies=below,
        )
        text = exposition({("a", "v1"): replace(figures("v1", ()), counts=counts)}, {}, EDGES)
        lines = [
            line for line in text.splitlines() if "_requests_total{" in line or "_duration" in line
        ]
        now = [float(line.rpartition(" ")[2]) for line in lines if line[0] != "#"]
        assert len(now) == len(before)
        assert all(new >= old for new, old in zip(now, before, strict=True))
        before = now
    assert before[:3] == [10 + 4, 2, 1], "ok, refused and errors of both Envoys"
