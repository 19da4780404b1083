"""Requests to one model version on each of our runtimes, alone and through the gateway, against
MLServer and `mlflow models serve`.

    python benchmarks/serving.py [--rounds 3] [--seconds 4] [--models xgboost sklearn onnx] [--json]

Three models of 30 inputs: XGBoost (100 trees of depth 6), a scikit-learn Pipeline (scaler and
gradient boosting) and the same network as ONNX. Every server has one model process with one thread
of numerics. All get the rows as one tensor in the Open Inference Protocol, but Seldon's own
protocol for our default runtime and a data frame for MLflow. Ours check the signature and write
the payload log; MLServer and MLflow keep no log. Every server is asked in turn within each round,
so a busy moment of the machine hits all. The clients run on the same machine: wall times hold
their share of it. CPU is that of all processes of a server together (gateway included), from
/proc, divided by the requests that were answered. The answers are compared before anything is
timed. MLServer has an environment of its own, because it declares older packages and Python < 3.13.

The start is the time from the command to the first answer: of ours that of a deployment that is
down, with keeper and gateway. It ends with 1 if XGBoost's figures are out of bounds.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import math
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from peers import Absent, environment
from peers.served_models import COLUMNS, log_model, make_data

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments import Deployments
from jupyter_mlinfra.deployments.targets.layout import run_folder
from jupyter_mlinfra.deployments.targets.ports import choose
from jupyter_mlinfra.deployments.targets.process_table import ProcessTable
from jupyter_mlinfra.experiments import Experiments

LOADS = {
    "1 row, 1 connection": (1, 1),
    "1 row, 16 connections": (1, 16),
    "100 rows, 16 connections": (100, 16),
}
RUNTIMES = ("open-inference", "seldon-core")
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
MOST_CPU = {
    "open-inference alone": 0.5,
    "open-inference, gateway": 0.8,
    "seldon-core, gateway": 1.2,
}
"""Times the CPU of MLServer for a request of one row to XGBoost, over 16 connections."""
MOST_P99_MS = {"1 row, 1 connection": 10.0, "1 row, 16 connections": 100.0}
"""Of ours through the gateway."""
PEER = "MLServer 1.7.1"
MLSERVER = ("mlserver==1.7.1", "uvloop<0.22", "setuptools<80")
MLSERVER_MODELS = {
    "xgboost": ("mlserver-xgboost==1.7.1", "mlserver_xgboost.XGBoostModel"),
    "sklearn": ("mlserver-sklearn==1.7.1", "mlserver_sklearn.SKLearnModel"),
    "onnx": ("mlserver-mlflow==1.7.1", "mlserver_mlflow.MLflowRuntime"),
}


@dataclass(frozen=True)
class Server:
    """One contender: where it is asked, with which body for so many rows, and the processes that
    answer. socket: of a server that has no port. start_seconds, start_cpu: until its first answer.
    """

    name: str
    url: str
    bodies: Mapping[int, bytes]
    pids: tuple[int, ...]
    socket: Path | None = None
    start: Mapping[str, float] = field(default_factory=dict)

    def connect(self) -> http.client.HTTPConnection:
        """A new connection."""
        if self.socket is None:
            return http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        connection = http.client.HTTPConnection("localhost", timeout=60)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(60)
        connection.sock.connect(str(self.socket))
        return connection

    def processes(self) -> list[psutil.Process]:
        """All that belong to it."""
        return [
            one
            for pid in self.pids
            for one in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True))
        ]

    def cpu_seconds(self) -> float:
        """Used so far by all of them."""
        times = [one.cpu_times() for one in self.processes()]
        return sum(one.user + one.system for one in times)

    def memory_mb(self) -> float:
        """Proportional set size of all of them."""
        return sum(one.memory_full_info().pss for one in self.processes()) / 1e6


def tensor_body(data: Any, rows: int, name: str = "x") -> bytes:
    """Rows as one tensor in the Open Inference Protocol."""
    one = {"name": name, "shape": [rows, COLUMNS], "datatype": "FP32"}
    return json.dumps({"inputs": [{**one, "data": data[:rows].ravel().tolist()}]}).encode()


def bodies(make: Callable[[int], bytes]) -> dict[int, bytes]:
    """Bodies by number of rows."""
    return {rows: make(rows) for rows in (1, 100)}


def seldon_body(kind: str, data: Any, rows: int) -> bytes:
    """Rows in Seldon's protocol; with names for the model whose signature has columns."""
    names = {"names": [f"x{place}" for place in range(COLUMNS)]} if kind == "xgboost" else {}
    return json.dumps({"data": {**names, "ndarray": data[:rows].tolist()}}).encode()


def ours(deployments: Deployments, kind: str, ref: str, data: Any) -> Iterator[Server]:
    """Both runtimes with one worker, through the gateway and alone."""
    sockets = run_folder(deployments._project)
    names = {runtime: f"{kind}-{runtime}" for runtime in RUNTIMES}
    for runtime, name in names.items():
        deployments.deploy(name, version=ref, runtime=runtime, workers=1)
    starts = {
        name: first_answer(deployments, name, seldon_body(kind, data, 1)) for name in names.values()
    }
    deployments.up()
    for runtime, name in names.items():
        url = deployments.show(name).deployment.url
        *gateways, worker = processes_of(deployments, name)
        if runtime == "seldon-core":
            sent = bodies(lambda rows: seldon_body(kind, data, rows))
            path = "/api/v1.0/predictions"
        else:
            sent = bodies(lambda rows: tensor_body(data, rows))
            path = f"/v2/models/{name}/infer"
            url = url.split("/seldon/")[0] + path
        (file,) = sockets.glob(f"*{name}*.sock")
        through = f"{runtime}, gateway and log"
        yield Server(through, url, sent, (*gateways, worker), start=starts[name])
        yield Server(f"{runtime} alone, log", f"http://localhost{path}", sent, (worker,), file)


def processes_of(deployments: Deployments, name: str) -> tuple[int, ...]:
    """Those of the gateway, then the one that serves."""
    rows = ProcessTable(deployments._project.database).rows()
    gateways = [row.identity.pid for row in rows if row.version == "gateway"]
    (worker,) = [row.identity.pid for row in rows if row.deployment == name]
    return (*gateways, worker)


def first_answer(deployments: Deployments, name: str, body: bytes) -> Mapping[str, float]:
    """Seconds, and CPU seconds of gateway and model, until a deployment that was down answers."""
    deployments.down()
    began = time.perf_counter()
    deployments.up(name)
    url = deployments.show(name).deployment.url
    server = Server(name, url, {1: body}, processes_of(deployments, name))
    ask(server.connect(), url, body)
    return {"seconds": time.perf_counter() - began, "cpu": server.cpu_seconds()}


@contextlib.contextmanager
def started(
    name: str, command: Sequence[str], url: str, sent: Mapping[int, bytes], folder: Path
) -> Iterator[Server]:
    """A peer as a process of its own, once it answers. Raises TimeoutError with the end of its
    log.
    """
    log = folder / "peer.log"
    path = f"{Path(command[0]).parent}:{os.environ['PATH']}"  # they start others by name
    with open(log, "wb") as out:
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdout=out,
            stderr=out,
            cwd=folder,
            start_new_session=True,
            env={**os.environ, **ONE_THREAD, "PATH": path},
        )
    server = Server(name, url, sent, (process.pid,))
    try:
        limit = time.monotonic() + 180
        while True:
            with contextlib.suppress(OSError, AssertionError):
                ask(server.connect(), server.url, sent[1])
                break
            if time.monotonic() > limit or process.poll() is not None:
                raise TimeoutError(f"{name} does not answer:\n{log.read_text()[-2000:]}")
            time.sleep(0.1)
        start = {"seconds": time.perf_counter() - began, "cpu": server.cpu_seconds()}
        yield Server(name, url, sent, (process.pid,), start=start)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait()


def mlserver(
    kind: str, data: Any, folder: Path, logged: Path
) -> contextlib.AbstractContextManager[Server]:
    """MLServer with inference in its own process, without metrics. Raises Absent."""
    package, implementation = MLSERVER_MODELS[kind]
    pins = [
        f"{one}=={metadata.version(one)}"
        for one in {"xgboost": ["xgboost"], "sklearn": ["scikit-learn"], "onnx": ["onnxruntime"]}[
            kind
        ]
    ]
    python = environment(f"mlserver-{kind}", (*MLSERVER, package, *pins))
    http_port, grpc_port, metrics_port = (choose(folder / name) for name in ("h", "g", "m"))
    files = {"xgboost": folder / "model.ubj", "sklearn": folder / "model.joblib", "onnx": logged}
    settings = {
        "parallel_workers": 0,
        "http_port": http_port,
        "grpc_port": grpc_port,
        "metrics_port": metrics_port,
        "metrics_endpoint": None,
        "debug": False,
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    model = {
        "name": "benchmark",
        "implementation": implementation,
        "parameters": {"uri": str(files[kind])},
    }
    (folder / "model-settings.json").write_text(json.dumps(model))
    url = f"http://127.0.0.1:{http_port}/v2/models/benchmark/infer"
    sent = bodies(lambda rows: tensor_body(data, rows))
    command = [str(python.parent / "mlserver"), "start", str(folder)]
    return started(PEER, command, url, sent, folder)


def mlflow_serve(
    kind: str, data: Any, folder: Path, logged: Path
) -> contextlib.AbstractContextManager[Server]:
    """`mlflow models serve` in the environment of this process, with one worker."""
    port = choose(folder / "mlflow")
    words = ["-m", "mlflow", "models", "serve", "--env-manager", "local", "--workers", "1"]
    command = [sys.executable, *words, "-h", "127.0.0.1", "-p", str(port), "-m", str(logged)]

    def body(rows: int) -> bytes:
        values = data[:rows].tolist()
        if kind != "xgboost":
            return json.dumps({"inputs": values}).encode()
        columns = [f"x{place}" for place in range(COLUMNS)]
        return json.dumps({"dataframe_split": {"columns": columns, "data": values}}).encode()

    url = f"http://127.0.0.1:{port}/invocations"
    return started("mlflow models serve", command, url, bodies(body), folder)


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
        connection = server.connect()
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


def numbers(text: bytes) -> list[float]:
    """The predictions of an answer, whichever protocol it speaks."""
    body = json.loads(text)
    if "outputs" in body:
        found = body["outputs"][0]["data"]
    else:
        found = body["predictions"] if "predictions" in body else body["data"]["ndarray"]
    if isinstance(found, dict):
        (found,) = found.values()
    return [one[0] if isinstance(one, list) else one for one in found]


def check_equal(servers: Sequence[Server]) -> None:
    """All give the same answers."""
    found = [numbers(ask(one.connect(), one.url, one.bodies[100])) for one in servers]
    for server, other in zip(servers, found, strict=True):
        assert len(other) == 100, server.name
        assert all(math.isclose(a, b, abs_tol=1e-5) for a, b in zip(found[0], other, strict=True))


def compare(servers: Sequence[Server], rounds: int, seconds: float) -> dict[str, Any]:
    """Medians over the rounds: load → server → figures."""
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
    fixed = {
        server.name: {
            "memory_mb": server.memory_mb(),
            **{f"start_{key}": value for key, value in server.start.items()},
        }
        for server in servers
    }
    return {
        load: {
            name: {key: statistics.median(one[key] for one in all_) for key in all_[0]}
            | fixed[name]
            for name, all_ in by.items()
        }
        for load, by in results.items()
    }


def run_model(kind: str, project: Project, rounds: int, seconds: float) -> dict[str, Any]:
    """One model on all servers."""
    experiments = Experiments(project)
    deployments = Deployments(project, experiments)
    folder = project.root / f"peer-{kind}"
    folder.mkdir()
    data, label = make_data()
    with experiments.track("benchmark", name=kind):
        log_model(kind, data, label, folder)
        import mlflow

        run = mlflow.active_run()
    assert run is not None
    version = experiments.register(run.info.run_id, model=f"benchmark-{kind}")
    ref = f"benchmark-{kind}/{version.version}"
    logged = experiments.download(ref)
    with contextlib.ExitStack() as stack:
        stack.callback(deployments.down)
        servers = list(ours(deployments, kind, ref, data))
        for start in (mlserver, mlflow_serve):
            own = folder / start.__name__
            own.mkdir()
            for file in folder.glob("model.*"):
                (own / file.name).symlink_to(file)
            try:
                servers.append(stack.enter_context(start(kind, data, own, logged)))
            except (Absent, TimeoutError) as error:
                print(f"left out: {start.__name__} for {kind}: {error}", file=sys.stderr)
        return compare(servers, rounds, seconds)


def run(kinds: Sequence[str], rounds: int, seconds: float) -> dict[str, Any]:
    """Model → load → server → figures."""
    os.environ.update(ONE_THREAD)  # before the first process that inherits them
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        root.mkdir()
        (root / "mlinfra.toml").write_text(
            '[project]\nname = "benchmark"\n[project.targets]\nlatency_p99_ms = 5000\n'
        )
        project = Project.open(root)
        try:
            return {kind: run_model(kind, project, rounds, seconds) for kind in kinds}
        finally:
            project.database.close()


def out_of_bounds(by_load: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[str]:
    """What of XGBoost's figures is above its limit, a line each. by_load: as of `compare`. Without
    MLServer nothing is compared with it.
    """
    by = by_load["1 row, 16 connections"]
    missed = []
    for start, most in MOST_CPU.items() if PEER in by else ():
        (name,) = [one for one in by if one.startswith(start)]
        ratio = by[name]["cpu_ms"] / by[PEER]["cpu_ms"]
        if ratio > most:
            missed.append(f"{name}: {ratio:.2f} times the CPU of MLServer, at most {most:g}")
    for load, most in MOST_P99_MS.items():
        for name, one in by_load[load].items():
            if "gateway" in name and one["p99_ms"] > most:
                missed.append(f"{name}, {load}: p99 {one['p99_ms']:.1f} ms, at most {most:g}")
    return missed


def main() -> int:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--models", nargs="+", choices=MLSERVER_MODELS, default=[*MLSERVER_MODELS])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = run(options.models, options.rounds, options.seconds)
    if options.json:
        print(json.dumps(results, indent=1))
    else:
        show(results)
    missed = out_of_bounds(results["xgboost"]) if "xgboost" in results else []
    for text in missed:
        print(f"OUT OF BOUNDS: {text}", file=sys.stderr if options.json else sys.stdout)
    return 1 if missed else 0


def show(results: Mapping[str, Any]) -> None:
    """Print the table, and how long each took to start."""
    heads = (
        "model | load | server | p50 ms | p99 ms | requests/s | CPU ms | × MLServer's CPU | PSS MB"
    )
    print(f"| {heads} |\n|---|---|---|---:|---:|---:|---:|---:|---:|")
    for kind, by_load in results.items():
        for load, by in by_load.items():
            base = by.get(PEER, {}).get("cpu_ms", math.nan)
            for name, one in by.items():
                print(
                    f"| {kind} | {load} | {name} | {one['p50_ms']:.2f} | {one['p99_ms']:.1f} |"
                    f" {one['per_second']:.0f} | {one['cpu_ms']:.2f} | {one['cpu_ms'] / base:.2f} |"
                    f" {one['memory_mb']:.0f} |"
                )
        for name, one in next(iter(by_load.values())).items():
            if "start_seconds" in one:
                print(
                    f"{kind}: {name} answers after {one['start_seconds']:.1f} s, "
                    f"{one['start_cpu']:.1f} s of CPU"
                )


if __name__ == "__main__":
    sys.exit(main())
