"""The build context of an image: what is in it, and that its container would serve."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import pytest
import wire
from dockerfile_parse import DockerfileParser

from jupyter_mlinfra.core.errors import BadRequest, Conflict, NotFound, Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments import environment
from jupyter_mlinfra.deployments.kubernetes import exporting
from jupyter_mlinfra.deployments.kubernetes.image import HOME, Contents, packages_of, write
from jupyter_mlinfra.deployments.kubernetes.plan import ManifestOptions
from jupyter_mlinfra.deployments.packaging import load_bundle, package
from jupyter_mlinfra.deployments.rows import DeploymentRow, VersionRow
from jupyter_mlinfra.deployments.runtimes import load_runtime
from jupyter_mlinfra.deployments.spec import VersionState

PACKAGES = ("numpy==2.5.5", "seldon-core==1.19.0", "xgboost==3.4.1")
NOW = datetime(2026, 11, 28, tzinfo=UTC)


@pytest.fixture(scope="module")
def bundle(models: Mapping[int, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return package(models[1], tmp_path_factory.mktemp("bundles")).folder


def contents(bundle: Path, packages: Any = PACKAGES) -> Contents:
    return Contents(
        deployment="flights",
        version="v1",
        model="flights/1",
        bundle=bundle,
        packages=packages,
        workers=2,
    )


def parsed(folder: Path) -> dict[str, str]:
    """Instructions by name; the last one of each."""
    found = DockerfileParser(path=str(folder)).structure
    return {item["instruction"]: item["value"] for item in found}


def digest(folder: Path) -> str:
    """Of names, contents, modes and times."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        stat = file.stat()
        digest.update(f"{file.relative_to(folder)} {stat.st_mode:o} {int(stat.st_mtime)}".encode())
        digest.update(file.read_bytes() if file.is_file() else b"")
    return digest.hexdigest()


def test_the_same_version_gives_the_same_bytes(bundle: Path, tmp_path: Path) -> None:
    first = write(contents(bundle), tmp_path / "a")
    os.utime(bundle / "bundle.json")
    second = write(contents(bundle, PACKAGES[::-1]), tmp_path / "b")
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    assert first.tag == second.tag == f"v1-{bundle.name}"
    assert first.bytes > 1000


def test_the_dockerfile_installs_what_is_pinned_and_is_not_root(
    bundle: Path, tmp_path: Path
) -> None:
    record = write(contents(bundle), tmp_path / "image")
    found = parsed(tmp_path / "image")
    assert re.fullmatch(r"BASE=python:3\.\d+-slim", found["ARG"])
    assert found["FROM"] == "${BASE}"
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", found["USER"])
    assert "--no-deps" in found["RUN"]
    assert "health/ping" in found["HEALTHCHECK"]
    assert json.loads(found["CMD"]) == record.command
    lines = (tmp_path / "image" / "requirements.txt").read_text().splitlines()
    assert lines == sorted(PACKAGES)
    sources = [
        item["value"].split()[0]
        for item in DockerfileParser(path=str(tmp_path / "image")).structure
        if item["instruction"] == "COPY"
    ]
    ignored = (tmp_path / "image" / ".dockerignore").read_text().split()
    assert ignored == ["*", *(f"!{source}" for source in sources)]


def test_another_user_can_read_the_files_and_nothing_else_is_there(
    bundle: Path, tmp_path: Path
) -> None:
    bundle_file = next(file for file in bundle.rglob("*") if file.is_file())
    bundle_file.chmod(0o600)
    write(contents(bundle), tmp_path / "image")
    for file in (tmp_path / "image").rglob("*"):
        assert file.stat().st_mode & 0o777 == (0o755 if file.is_dir() else 0o644), file
    names = {file.name for file in (tmp_path / "image").iterdir()}
    assert names == {"Dockerfile", ".dockerignore", "requirements.txt", "bundle"}
    load_bundle(tmp_path / "image" / "bundle")


def test_a_folder_with_something_in_it_is_left_alone(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(Conflict):
        write(contents(bundle), tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "mine"
    (tmp_path / "empty").mkdir()
    write(contents(bundle), tmp_path / "empty")
    assert not [*tmp_path.glob(".image-*")]


def test_a_package_of_this_machine_and_a_damaged_bundle_are_refused(
    bundle: Path, tmp_path: Path
) -> None:
    for line in ("mine @ file:///home/ana/mine", "-e /home/ana/mine", "xgboost"):
        with pytest.raises(Unprocessable, match="cannot install"):
            write(contents(bundle, [line]), tmp_path / "image")
    broken = tmp_path / bundle.name
    shutil.copytree(bundle, broken)
    (broken / "bundle.json").write_text("{}")
    with pytest.raises(Unprocessable):
        write(contents(broken), tmp_path / "image")
    assert not (tmp_path / "image").exists()


def deployed(bundle: Path, python: Path, *, proved: bool = True) -> DeploymentRow:
    version = VersionRow(
        deployment="flights",
        version="v1",
        number=1,
        bundle=str(bundle),
        python=str(python),
        state=VersionState.READY,
        reason="",
        traffic=100 if proved else 0,
        wanted=True,
        proved=proved,
        gates=(),
        workers=2,
        runtime="seldon-core",
        shadow=0,
        deployer=None,
        created_at=NOW,
        used_at=NOW,
    )
    return DeploymentRow(
        name="flights",
        namespace="prod",
        target="local",
        model="flights",
        up=True,
        created_at=NOW,
        updated_at=NOW,
        versions=[version],
    )


def test_the_manifest_names_the_image_that_the_context_is_for(bundle: Path, tmp_path: Path) -> None:
    python = tmp_path / "env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    (tmp_path / "env" / environment.MARKER).write_text(json.dumps({"packages": PACKAGES}))
    row = deployed(bundle, python)
    record = exporting.image_of(row, "flights/1", tmp_path / "image", workers=3)
    file = tmp_path / "flights.yaml"
    written = exporting.manifests_of(
        row, "seldon-v1", ManifestOptions(image="registry/flights"), output=file
    )
    assert f"image: registry/flights:{record.tag}\n" in written.yaml
    assert (file.read_text(), written.namespace) == (written.yaml, "prod")
    assert record.command[record.command.index("--workers") + 1] == "3"


@pytest.mark.parametrize("kind", ["seldon-v1", "core2", "kserve"])
def test_a_format_that_the_model_was_not_logged_in_is_refused_with_those_that_it_was(
    bundle: Path, tmp_path: Path, kind: Any
) -> None:
    row, stored = deployed(bundle, tmp_path), ManifestOptions(model_uri="s3://models/flights")
    with pytest.raises(BadRequest, match="v1 of flights cannot be read as sklearn") as refused:
        exporting.manifests_of(row, kind, replace(stored, model_format="sklearn"))
    assert refused.value.why == "It was logged with python_function, xgboost."
    assert refused.value.fix == "--format mlflow or xgboost, with the model stored so."
    for written in ("mlflow", "xgboost"):
        assert exporting.manifests_of(row, kind, replace(stored, model_format=written)).manifests


def test_a_version_that_has_not_passed_its_tests_goes_nowhere(bundle: Path, tmp_path: Path) -> None:
    row = deployed(bundle, tmp_path, proved=False)
    with pytest.raises(Conflict, match="has not passed its tests"):
        exporting.image_of(row, "v1", tmp_path / "image", workers=2)
    with pytest.raises(Conflict):
        exporting.manifests_of(
            row, "seldon-v1", ManifestOptions(image="registry/flights", shadow="v1")
        )
    with pytest.raises(NotFound):
        exporting.image_of(row, "v7", tmp_path / "image", workers=2)


class Container(NamedTuple):
    """What runs, and where it answers. calls: by gRPC; empty for a runtime without."""

    address: str
    calls: str
    folder: Path
    process: subprocess.Popen[bytes]


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(params=["seldon-core", "open-inference"])
def served(
    request: pytest.FixtureRequest, bundle: Path, tmp_path: Path, project: Project
) -> Iterator[Container]:
    """The container's process, started from the folder by the Dockerfile's own ENV and CMD, in the
    environment that its requirements were taken from.
    """
    python = environment.ensure(
        load_bundle(bundle).requirements,
        environment.cache_folder(project.settings),
        recipe=load_runtime(request.param).recipe,
    )
    packages = packages_of(python)
    folder = tmp_path / "image"
    write(replace(contents(bundle, packages), runtime=request.param), folder)
    licensed = "Business Source License" in (folder / "Dockerfile").read_text()
    assert licensed is any(line.startswith("seldon-core==") for line in packages)
    home = tmp_path / "home"
    shutil.copytree(folder / "bundle", home / "bundle")
    parser = DockerfileParser(path=str(folder))
    variables = {name: value.replace(HOME, str(home)) for name, value in parser.envs.items()}
    port, metrics, calls = free_port(), free_port(), free_port()
    environ = {
        **variables,
        "PATH": f"{python.parent}:/usr/bin:/bin",
        # As the operator of Seldon gives it to the container.
        "PREDICTIVE_UNIT_HTTP_SERVICE_PORT": str(port),
        "PREDICTIVE_UNIT_METRICS_SERVICE_PORT": str(metrics),
        "PREDICTIVE_UNIT_GRPC_SERVICE_PORT": str(calls),
        "MLINFRA_PAYLOADS": str(tmp_path / "payloads"),
    }
    command = json.loads(parsed(folder)["CMD"])
    with (tmp_path / "server.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environ, start_new_session=True, stderr=log
        )
    try:
        yield Container(
            f"http://127.0.0.1:{port}",
            f"127.0.0.1:{calls}" if request.param == "seldon-core" else "",
            folder,
            process,
        )
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


@pytest.mark.timeout(900)
def test_the_containers_command_serves_the_model(served: Container, bundle: Path) -> None:
    address, calls, folder, process = served
    end = time.monotonic() + 600  # its imports are compiled first: 10 s of a core
    while True:
        try:
            urllib.request.urlopen(f"{address}/health/ping", timeout=2)
            break
        except (urllib.error.URLError, OSError):
            said = (folder.parent / "server.log").read_text()
            assert process.poll() is None, said
            assert time.monotonic() < end, said
            time.sleep(0.2)
    sample = load_bundle(bundle).sample
    request = urllib.request.Request(
        f"{address}/api/v1.0/predictions",
        json.dumps({"data": sample}).encode(),
        {"Content-Type": "application/json"},
    )
    answer = json.loads(urllib.request.urlopen(request, timeout=20).read())
    scores = [
        value
        for row in answer["data"]["ndarray"]
        for value in (row if isinstance(row, list) else [row])
    ]
    assert len(scores) == len(sample["ndarray"])
    assert all(0 <= score <= 1 for score in scores)
    assert answer["meta"]["tags"]["version"] == "v1"
    probe = json.loads(parsed(folder)["HEALTHCHECK"].partition("CMD ")[2])
    port = address.rpartition(":")[2]
    subprocess.run(probe, env={**os.environ, "PREDICTIVE_UNIT_HTTP_SERVICE_PORT": port}, check=True)
    with pytest.raises(subprocess.CalledProcessError):
        subprocess.run(
            probe,
            env={**os.environ, "PREDICTIVE_UNIT_HTTP_SERVICE_PORT": "1"},
            check=True,
            stderr=subprocess.DEVNULL,
        )
    if calls:
        answers_by_grpc(calls, sample, scores)
    else:
        assert "9500" not in parsed(folder)["EXPOSE"]
    # As a cluster ends it: only the container's first process is told.
    process.send_signal(signal.SIGTERM)
    process.wait(10)
    log = list((folder.parent / "payloads").iterdir())
    assert {path.suffix for path in log} == {".jsonl"}, "each process has closed its own"
    asked = [line for path in log for line in path.read_text().splitlines() if '"k":"p"' in line]
    assert len(asked) == (3 if calls else 1)


def answers_by_grpc(address: str, sample: Mapping[str, Any], scores: Sequence[float]) -> None:
    """The same answers by Seldon's gRPC as by REST, its metadata, and a refusal with its reason."""
    with grpc.insecure_channel(address) as channel:  # its process loads the model by itself
        grpc.channel_ready_future(channel).result(90)
    caller = wire.Caller(address)
    names = b"".join(wire.field(1, name) for name in sample["names"])
    rows = b"".join(wire.field(1, wire.value(row)) for row in sample["ndarray"])
    request = wire.field(2, wire.field(1, "mine")) + wire.field(3, names + wire.field(3, rows))
    for service in ("Model", "Seldon"):
        done = caller.call(f"/seldon.protos.{service}/Predict", request)
        assert done.code == "OK", done.text
        message = wire.read(done.message)
        assert wire.read(message[2][0])[1] == [b"mine"]
        items = wire.read(wire.read(message[3][0])[3][0])[1]
        found = [struct.unpack("<d", wire.read(item)[2][0])[0] for item in items]
        assert found == pytest.approx(scores, abs=1e-6)
    refused = caller.call("/seldon.protos.Model/Predict", wire.field(3, wire.field(1, "other")))
    assert refused.code == "INVALID_ARGUMENT"
    assert "no rows" in refused.text
    assert wire.read(caller.call("/seldon.protos.Model/Metadata").message)[1] == [b"flights"]
    feedback = wire.field(2, wire.field(2, wire.field(1, "mine"))) + struct.pack("<Bf", 29, 1.0)
    assert caller.call("/seldon.protos.Model/SendFeedback", feedback).code == "OK"
    caller.close()
