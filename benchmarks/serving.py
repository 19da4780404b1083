"""A request through gateway and Seldon runtime, against `mlflow models serve` of the same model
version.

    python benchmarks/serving.py [--rounds 3] [--seconds 4] [--json]

Both serve one registered XGBoost model (100 trees of depth 6, 30 inputs) with one model process,
both check the signature; ours also writes the payload log and goes through Envoy. The two take
turns within every round, so a busy moment of the machine hits both. The clients run on the same
machine: wall times hold their share of it. CPU is that of all server processes together (gateway
included), from /proc, divided by the requests that were answered. The answers of both are compared
with each other before anything is timed.
"""

from __future__ import annotations

import argparse
import http.client
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments import Deployments
from jupyter_mlinfra.deployments.targets.ports import choose
from jupyter_mlinfra.deployments.targets.process_table import ProcessTable
from jupyter_mlinfra.experiments import Experiments

ROWS, COLUMNS, TREES, DEPTH = 5000, 30, 100, 6
LOADS = {
    "1 row, 1 connection": (1, 1),
    "1 row, 16 connections": (1, 16),
    "100 rows, 16 connections": (100, 16),
}


@dataclass(frozen=True)
class Server:
    """One contender: where it is asked, with which body for so many rows, and the processes that
    answer.
    """

    name: str
    url: str
    bodies: Mapping[int, bytes]
    pids: tuple[int, ...]

    def cpu_seconds(self) -> float:
        """Used so far by the processes and their children."""
        total = 0.0
        for pid in self.pids:
            process = psutil.Process(pid)
            for one in (process, *process.children(recursive=True)):
                times = one.cpu_times()
                total += times.user + times.system
        return total

    def memory_mb(self) -> float:
        """Proportional set size of all processes."""
        processes = [
            one
            for pid in self.pids
            for one in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True))
        ]
        return sum(process.memory_full_info().pss for process in processes) / 1e6


def register(experiments: Experiments) -> tuple[str, Any]:
    """Train, log and register the model; its reference and rows to ask with."""
    import mlflow
    import numpy as np
    import pandas as pd
    import xgboost
    from mlflow.models import infer_signature

    random = np.random.default_rng(1)
    frame = pd.DataFrame(
        random.normal(size=(ROWS, COLUMNS)), columns=[f"x{place}" for place in range(COLUMNS)]
    )
    data = xgboost.DMatrix(frame, label=(frame["x0"] * frame["x1"] + frame["x2"] > 0).astype(int))
    booster = xgboost.train(
        {"objective": "binary:logistic", "max_depth": DEPTH, "nthread": 1}, data, TREES
    )
    with experiments.track("benchmark", name="serving"):
        requirements = [
            f"{name}=={metadata.version(name)}" for name in ("mlflow", "numpy", "pandas", "xgboost")
        ]
        mlflow.xgboost.log_model(
            booster,
            name="model",
            signature=infer_signature(frame, booster.predict(data)),
            input_example=frame.head(5),
            model_format="ubj",
            pip_requirements=requirements,
        )
        run = mlflow.active_run()
    assert run is not None
    version = experiments.register(run.info.run_id, model="benchmark")
    return f"benchmark/{version.version}", frame


def ours(deployments: Deployments, ref: str, frame: Any) -> Server:
    """Deployed as anybody does it, with one worker."""
    record = deployments.deploy("benchmark", version=ref)
    pids = tuple(row.identity.pid for row in ProcessTable(deployments._project.database).rows())
    names = list(frame.columns)
    bodies = _bodies(frame, lambda data: {"data": {"names": names, "ndarray": data}})
    return Server("gateway + Seldon runtime", record.url, bodies, pids)


def mlflow_serve(folder: Path, frame: Any, log: Path) -> tuple[Server, subprocess.Popen[bytes]]:
    """`mlflow models serve` in the environment of this process, with one worker."""
    port = choose(folder)
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "models",
        "serve",
        "-m",
        str(folder),
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
        "--env-manager",
        "local",
        "--workers",
        "1",
    ]
    with open(log, "wb") as out:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # it starts uvicorn by name
        process = subprocess.Popen(
            command,
            stdout=out,
            stderr=out,
            start_new_session=True,
            env={**os.environ, "PATH": path},
        )
    columns = list(frame.columns)
    bodies = _bodies(frame, lambda data: {"dataframe_split": {"columns": columns, "data": data}})
    server = Server(
        "mlflow models serve", f"http://127.0.0.1:{port}/invocations", bodies, (process.pid,)
    )
    _wait(server, log)
    return server, process


def _bodies(frame: Any, body_of: Callable[[list[Any]], Any]) -> dict[int, bytes]:
    """Request bodies by number of rows. body_of: the JSON around the values of some rows."""
    return {
        rows: json.dumps(body_of(frame.head(rows).to_numpy().tolist())).encode()
        for rows in (1, 100)
    }


def _wait(server: Server, log: Path) -> None:
    """Wait until a server answers. Raises TimeoutError with the end of its log."""
    address = urlsplit(server.url).netloc
    limit = time.monotonic() + 120
    while time.monotonic() < limit:
        try:
            ask(http.client.HTTPConnection(address, timeout=10), server.url, server.bodies[1])
        except (OSError, AssertionError):
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(log.read_text()[-2000:])


def ask(connection: http.client.HTTPConnection, url: str, body: bytes) -> bytes:
    """One request; the body of its answer."""
    connection.request("POST", urlsplit(url).path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status == 200, text[:500]
    return text


def measure(server: Server, rows: int, connections: int, seconds: float) -> dict[str, float]:
    """A closed loop of clients; latencies in ms, requests a second, CPU ms a request."""
    taken: list[float] = []
    lock, stop = threading.Lock(), threading.Event()

    def client() -> None:
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
        own = []
        while not stop.is_set():
            start = time.perf_counter()
            ask(connection, server.url, server.bodies[rows])
            own.append((time.perf_counter() - start) * 1000)
        connection.close()
        with lock:
            taken.extend(own)

    crowd = [threading.Thread(target=client) for _ in range(connections)]
    used, start = server.cpu_seconds(), time.perf_counter()
    for thread in crowd:
        thread.start()
    time.sleep(seconds)
    stop.set()
    for thread in crowd:
        thread.join()
    elapsed, used = time.perf_counter() - start, server.cpu_seconds() - used
    taken.sort()
    return {
        "p50_ms": taken[len(taken) // 2],
        "p99_ms": taken[min(len(taken) - 1, int(len(taken) * 0.99))],
        "per_second": len(taken) / elapsed,
        "cpu_ms": used * 1000 / len(taken),
    }


def check_equal(servers: list[Server]) -> None:
    """Both give the same answers."""
    found = []
    for server in servers:
        body = json.loads(
            ask(
                http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60),
                server.url,
                server.bodies[100],
            )
        )
        found.append(body["predictions"] if "predictions" in body else body["data"]["ndarray"])
    assert len(found[0]) == 100
    assert all(math.isclose(a, b, abs_tol=1e-6) for a, b in zip(*found, strict=True))


def run(rounds: int, seconds: float) -> dict[str, dict[str, dict[str, float]]]:
    """Medians over the rounds: load → server → figures."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        root.mkdir()
        (root / "mlinfra.toml").write_text(
            '[project]\nname = "benchmark"\n[deployments]\nworkers = 1\n'
        )
        project = Project.open(root)
        experiments = Experiments(project)
        deployments = Deployments(project, experiments)
        process = None
        try:
            ref, frame = register(experiments)
            mine = ours(deployments, ref, frame)
            theirs, process = mlflow_serve(experiments.download(ref), frame, root / "mlflow.log")
            servers = [mine, theirs]
            check_equal(servers)
            results: dict[str, dict[str, list[dict[str, float]]]] = {
                load: {server.name: [] for server in servers} for load in LOADS
            }
            for number in range(rounds + 1):  # the first round warms up
                for load, (rows, connections) in LOADS.items():
                    for server in servers if number % 2 else reversed(servers):
                        figures = measure(server, rows, connections, seconds if number else 1.0)
                        if number:
                            results[load][server.name].append(figures)
            memory = {server.name: server.memory_mb() for server in servers}
        finally:
            if process is not None:
                os.killpg(process.pid, 9)
                process.wait()
            deployments.down()
            project.database.close()
    medians = {
        load: {
            name: {key: statistics.median(one[key] for one in all_) for key in all_[0]}
            for name, all_ in by.items()
        }
        for load, by in results.items()
    }
    for by in medians.values():
        for name, figures in by.items():
            figures["memory_mb"] = memory[name]
    return medians


def main() -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    medians = run(options.rounds, options.seconds)
    if options.json:
        print(json.dumps(medians, indent=1))
        return
    print(
        "| load | server | p50 ms | p99 ms | requests/s | CPU ms a request | PSS MB"
        " |\n|---|---|---:|---:|---:|---:|---:|"
    )
    for load, by in medians.items():
        for name, one in by.items():
            print(
                f"| {load} | {name} | {one['p50_ms']:.2f} | {one['p99_ms']:.1f} |"
                f" {one['per_second']:.0f} | {one['cpu_ms']:.2f} | {one['memory_mb']:.0f} |"
            )
        first, second = by.values()
        gains = {key: second[key] / first[key] for key in ("p50_ms", "per_second", "cpu_ms")}
        ratios = (
            f"p50 {gains['p50_ms']:.1f}×, requests/s {1 / gains['per_second']:.1f}×, CPU"
            f" {gains['cpu_ms']:.1f}×"
        )
        print(f"| | **{ratios}** | | | | | |")


if __name__ == "__main__":
    main()
