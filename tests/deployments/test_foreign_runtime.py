"""A serving runtime of another package: found by its entry point, asked what it accepts, and its
server, which is none of ours, carries the processes and keeps the contract of all runtimes.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import numpy as np
import psutil
import pytest
from wire import SELDON, Caller, tensor_answer, tensor_request

from jupyter_mlinfra.core.errors import NotFound, Unprocessable
from jupyter_mlinfra.deployments import Deployments
from jupyter_mlinfra.deployments.runtimes import load_runtime
from jupyter_mlinfra.deployments.targets.process_table import ProcessTable
from tests.deployments import test_runtimes as contract
from tests.deployments.gate import Gate

pytestmark = pytest.mark.slow

THEIRS = """
    from pathlib import Path

    from jupyter_mlinfra.deployments.runtimes.open_inference import OpenInference


    class Theirs:
        name = "theirs"
        recipe = OpenInference.recipe

        def refusal(self, bundle):
            return "" if bundle.engine == "xgboost" else "It serves XGBoost alone."

        def python_for(self, needed):
            return needed

        def command(self, python, *, threads, keepalive_seconds):
            return [python, str(Path(__file__).with_name("their_server.py")), str(threads)]

        def variables(self, *, deployment, version):
            return {"THEIRS": f"{deployment}/{version}"}
"""
SERVER = """
    import asyncio
    import http.server
    import os
    import socketserver
    import sys

    from mlinfra_runtime.asgi import Application
    from mlinfra_runtime.served import Served

    served = Served()
    served.load()
    app = Application(served, int(sys.argv[1]))


    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version, wbufsize = "HTTP/1.1", -1

        def do_GET(self):
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            asked = app.respond(self.path, self.command, body, self.headers.get)
            status, reply = asyncio.run(asked)
            self.send_response(status)
            fields = {"Content-Type": "application/json", "x-mlinfra-version": served.version}
            fields |= reply.headers | {"Content-Length": str(len(reply.body))}
            for name, value in fields.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        do_POST = do_GET

        def log_message(self, *_):
            pass


    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads, request_queue_size = True, 128


    os.umask(0o077)
    Server(os.environ["MLINFRA_SOCKET"], Handler).serve_forever()
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package, as an installer leaves it."""
    site = tmp_path / "site"
    facts = site / "theirs-1.0.dist-info"
    facts.mkdir(parents=True)
    (site / "their_runtime.py").write_text(textwrap.dedent(THEIRS))
    (site / "their_server.py").write_text(textwrap.dedent(SERVER))
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(
        "[mlinfra.serving_runtimes]\ntheirs = their_runtime:Theirs\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.syspath_prepend(str(site))
    yield
    sys.modules.pop("their_runtime", None)


@pytest.mark.usefixtures("installed")
def test_a_server_of_another_package_keeps_the_contract_by_both_protocols_and_grpc(
    tmp_path: Path, models: Mapping[int, Path], kit: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    import xgboost

    project = kit.open_project(tmp_path / "project", "[deployments]\nworkers = 1\n")
    deployments = Deployments(project, kit.Registry({1: models[1]}))
    monkeypatch.setattr(contract, "RUNTIMES", ["flights"])
    try:
        deployments.deploy("flights", version="flights/1", runtime="theirs")
        frame = kit.make_frame(20, 7)
        booster = xgboost.Booster(model_file=models[1] / "model.ubj")
        expected = booster.predict(xgboost.DMatrix(frame))
        found = deployments.predict("flights", frame).predictions
        gate = Gate(deployments, "flights")
        (v2,) = gate.ask("POST", gate.v2("flights"), gate.body(frame)).body["outputs"]
        caller = Caller(deployments.show("flights").deployment.urls["grpc"])
        rows = frame.astype(float).to_numpy().tolist()
        called = caller.call(
            SELDON + "Predict", tensor_request(list(frame), rows), seldon="flights"
        )
        caller.close()
        for values in (found, v2["data"], tensor_answer(called.message)):
            assert np.abs(np.array(values) - expected).max() <= 1e-6
        for case in contract.BAD:
            contract.test_bad_requests_get_the_same_4xx_on_each(gate, case)
        contract.test_metadata_and_health_are_those_of_the_protocols(gate, "flights")
        contract.test_the_payload_log_holds_requests_of_both_protocols_and_feedback(
            gate, frame, "flights"
        )
        (worker,) = [row for row in ProcessTable(project.database).rows() if row.version == "v1"]
        process = psutil.Process(worker.identity.pid)
        assert process.environ()["THEIRS"] == "flights/v1"
        assert process.cmdline()[-2].endswith("their_server.py")
    finally:
        kit.clean_up(project)


@pytest.mark.usefixtures("installed")
def test_a_model_that_it_does_not_accept_is_refused_before_anything_is_built(
    tmp_path: Path, kit: ModuleType
) -> None:
    from tests.deployments.test_engines import onnx_tensors

    onnx_tensors(tmp_path / "model")
    project = kit.open_project(tmp_path / "project")
    deployments = Deployments(project, kit.Registry({1: tmp_path / "model"}))
    with pytest.raises(Unprocessable, match="It serves XGBoost alone"):
        deployments.deploy("flights", version="flights/1", runtime="theirs")
    with pytest.raises(NotFound):
        deployments.show("flights")


def test_a_runtime_that_nobody_provides_is_named_with_those_that_are_there() -> None:
    with pytest.raises(NotFound, match="mlserver, open-inference, seldon-core"):
        load_runtime("nobody")
