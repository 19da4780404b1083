"""A deployment that answers: the real seldon-core microservice behind the real Envoy, asked over
HTTP.
"""

from __future__ import annotations

import http.client
import importlib
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import polars as pl
import psutil
import pytest
from fake_serving import FakeServing, kubeconfig

from jupyter_mlinfra.core.errors import BadRequest, NotFound, TooLarge
from jupyter_mlinfra.core.records import to_json
from jupyter_mlinfra.deployments import DeliverySpec, Deployments
from jupyter_mlinfra.deployments.kubernetes.settings import ClusterSettings
from jupyter_mlinfra.deployments.packaging import damage
from jupyter_mlinfra.deployments.settings import DeploymentSettings
from jupyter_mlinfra.deployments.targets.local import LocalTarget
from jupyter_mlinfra.deployments.targets.process_table import ProcessTable
from tests.core.test_import import HEAVY

ROWS = 1000


@pytest.fixture(scope="module")
def deployments(
    tmp_path_factory: pytest.TempPathFactory, models: Mapping[int, Path], kit: ModuleType
) -> Iterator[Deployments]:
    """Versions 1 and 2 of the model, deployed; version 1 has all of the traffic."""
    project = kit.open_project(tmp_path_factory.mktemp("serving"))
    found = Deployments(project, kit.Registry(models))
    found.deploy("flights", version="flights/1", reason="first")
    found.deploy("flights", version="flights/2")
    yield found
    kit.clean_up(project)


@pytest.fixture
def url(deployments: Deployments) -> str:
    return deployments.show("flights").deployment.url


@pytest.fixture(scope="module")
def frame(kit: ModuleType) -> pd.DataFrame:
    found: pd.DataFrame = kit.make_frame(ROWS, 99)
    return found


def ask(
    url: str,
    body: Any,
    headers: Mapping[str, str] | None = None,
    *,
    part: str = "",
    method: str = "POST",
) -> tuple[int, Any, Mapping[str, str]]:
    """Status, JSON and headers of one request. part: in the place of `api/v1.0/predictions`."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=40)
    path = parts.path.replace("api/v1.0/predictions", part) if part else parts.path
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request(
        method,
        path,
        data if method == "POST" else None,
        {"Content-Type": "application/json", **(headers or {})},
    )
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return (
        answer.status,
        json.loads(text) if text else None,
        {name.lower(): value for name, value in answer.getheaders()},
    )


def pids(deployments: Deployments) -> set[int]:
    """Every serving process and its children."""
    found = set()
    for row in ProcessTable(deployments._project.database).rows():
        process = psutil.Process(row.identity.pid)
        found |= {process.pid, *(child.pid for child in process.children(recursive=True))}
    return found


@pytest.mark.slow
@pytest.mark.parametrize("version", [1, 2])
def test_answers_equal_offline_predictions_on_a_thousand_rows(
    deployments: Deployments,
    url: str,
    frame: pd.DataFrame,
    models: Mapping[int, Path],
    version: int,
) -> None:
    import xgboost

    booster = xgboost.Booster(model_file=models[version] / "model.ubj")
    expected = booster.predict(xgboost.DMatrix(frame))
    answer = deployments.predict("flights", frame, version=f"v{version}")
    assert answer.version == f"v{version}"
    assert np.abs(np.array(answer.predictions) - expected).max() <= 1e-6
    body = {
        "data": {
            "names": list(frame.columns),
            "ndarray": json.loads(frame.to_json(orient="values", double_precision=15)),
        }
    }
    status, found, headers = ask(url, body, {"x-mlinfra-version": f"v{version}"})
    assert status == 200
    assert (
        headers["x-mlinfra-version"]
        == found["meta"]["tags"]["version"]
        == found["meta"]["requestPath"]["flights"]
        == f"v{version}"
    )
    assert np.abs(np.array(found["data"]["ndarray"]) - expected).max() <= 1e-6
    values = [
        None if math.isnan(value) else value
        for value in frame.to_numpy(dtype=float).ravel().tolist()
    ]
    tensor = {
        "data": {
            "names": list(frame.columns),
            "tensor": {"shape": list(frame.shape), "values": values},
        }
    }
    _, found, _ = ask(url, tensor, {"x-mlinfra-version": f"v{version}"})
    assert found["data"]["tensor"]["shape"] == [ROWS]
    assert np.abs(np.array(found["data"]["tensor"]["values"]) - expected).max() <= 1e-6


@pytest.mark.slow
def test_rows_and_frames_of_either_library_are_the_same_request(
    deployments: Deployments, frame: pd.DataFrame
) -> None:
    part = frame.head(5)
    rows = [
        {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in row.items()
        }
        for row in part.to_dict("records")
    ]
    scalars = [
        {name: None if value is None else np.asarray(value)[()] for name, value in row.items()}
        for row in rows
    ]
    answers = [
        deployments.predict("flights", given, version="v1").predictions
        for given in (part, pl.DataFrame(rows), rows, scalars)
    ]
    assert answers[0] == answers[1] == answers[2] == answers[3]


def test_bad_requests_get_4xx_with_what_why_and_fix_and_the_processes_stay_up(
    deployments: Deployments, url: str
) -> None:
    before = pids(deployments)
    good = json.loads(json.dumps(deployments.show("flights").sample))
    names, row = good["data"]["names"], good["data"]["ndarray"][0]
    cases: dict[str, Any] = {
        "wrong column": {"data": {"names": ["wrong", *names[1:]], "ndarray": [row]}},
        "column too few": {"data": {"names": names[1:], "ndarray": [row[1:]]}},
        "wrong type": {"data": {"names": names, "ndarray": [["a text", *row[1:]]]}},
        "missing value": {"data": {"names": names, "ndarray": [[None, *row[1:]]]}},
        "ragged rows": {"data": {"names": names, "ndarray": [row, row[1:]]}},
        "empty batch": {"data": {"names": names, "ndarray": []}},
        "no data": {"rows": []},
        "broken JSON": b'{"data": {"names": ["x0"',
        "no body": b"",
        "not UTF-8": b"\xff\xfe\x00",
        "huge number": json.dumps(good).replace(str(row[0]), "1e999").encode(),
        "900,000 columns": (
            json.dumps(
                {"data": {"names": ["a"] * 900_000, "ndarray": [[1] * 900_000]}},
                separators=(",", ":"),
            ).encode()
        ),
        "10 MB": b'{"data":{"ndarray":[[' + b"1," * 5_000_000 + b"1]]}}",
    }
    for name, body in cases.items():
        status, answer, _ = ask(url, body)
        assert 400 <= status < 500, (name, status, answer)
        assert answer["what"], name
        assert answer["why"], name
        assert answer["fix"], name
        assert answer["status"]["status"] == 1, name
        assert answer["status"]["code"] == status, name
        assert ask(url, good)[0] == 200, name
    assert ask(url, cases["10 MB"])[0] == 413
    assert ask(url, good)[0] == 200
    assert pids(deployments) == before


def test_what_the_gateway_itself_refuses_is_json_with_what_why_and_fix(url: str) -> None:
    sent = [
        ask(url, {}, part="api/v1.0/nothing"),
        ask(url, {}, {"x-mlinfra-version": "v9"}),
        ask(url.replace("/flights/", "/nothing/"), {}),
        ask(url, b"", method="GET"),
        ask(url, b"data=1", {"Content-Type": "application/x-www-form-urlencoded"}),
    ]
    assert [status for status, _, _ in sent] == [404, 404, 404, 405, 415]
    for _, answer, headers in sent:
        assert headers["content-type"] == "application/json"
        assert answer["what"]
        assert answer["fix"]


def test_python_errors_carry_the_words_of_the_endpoint(
    deployments: Deployments, frame: pd.DataFrame
) -> None:
    with pytest.raises(BadRequest) as refused:
        deployments.predict("flights", frame.head(2).rename(columns={"x0": "y0"}))
    assert "y0" in refused.value.why
    assert refused.value.fix
    with pytest.raises(BadRequest, match="empty"):
        deployments.predict("flights", frame.head(0))
    with pytest.raises(TooLarge, match="too large"):
        deployments.predict("flights", pd.concat([frame] * 120))
    with pytest.raises(NotFound, match="v9"):
        deployments.predict("flights", frame.head(1), version="v9")
    with pytest.raises(NotFound, match="There is: flights"):
        deployments.predict("other", frame.head(1))
    with pytest.raises(BadRequest, match="is a text; double means a number"):
        deployments.predict("flights", frame.head(1).assign(x0=pd.Timestamp("2013-01-01")))


def test_a_web_page_of_another_origin_can_neither_send_nor_read(url: str) -> None:
    status, _, headers = ask(url, {"data": {"ndarray": [[1]]}}, {"Origin": "http://evil.example"})
    assert not [name for name in headers if name.startswith("access-control")]
    assert status == 400
    assert ask(url, {}, {"Host": "evil.example"})[0] == 404  # a name that was pointed at 127.0.0.1
    # The one kind a page may send without asking.
    assert ask(url, b"{}", {"Content-Type": "text/plain"})[0] == 415


def test_health_and_metadata_are_at_seldons_paths(url: str) -> None:
    for part in ("health/status", "health/ping", "api/v1.0/health/status", "api/v1.0/metadata"):
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        connection.request("GET", parts.path.replace("api/v1.0/predictions", part))
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        assert answer.status == 200, part
        assert (
            part != "api/v1.0/metadata"
            or json.loads(text)["inputs"][0]["schema"]["names"][0] == "x0"
        )


def test_nothing_listens_but_the_gateway_on_loopback(deployments: Deployments, url: str) -> None:
    processes = [
        psutil.Process(row.identity.pid)
        for row in ProcessTable(deployments._project.database).rows()
    ]
    listening = [
        connection.laddr
        for process in processes
        for one in (process, *process.children(recursive=True))
        for connection in one.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    # Both processes of the gateway listen on the one port.
    assert [(address.ip, address.port) for address in listening] == 2 * [
        ("127.0.0.1", urlsplit(url).port)
    ]
    run = deployments._project.home / "deployments" / "run"
    assert run.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in run.glob("*.sock"))


def test_compiled_code_is_kept_in_the_environment_and_the_bundle_stays_as_it_was(
    deployments: Deployments,
) -> None:
    rows = ProcessTable(deployments._project.database).rows()
    started = psutil.Process(next(row.identity.pid for row in rows if row.version == "v1"))
    kept = Path(started.environ()["PYTHONPYCACHEPREFIX"])
    assert list(kept.rglob("seldon_core/wrapper.*.pyc"))  # the next start compiles nothing
    assert damage(Path(started.environ()["MLINFRA_BUNDLE"])) == ""


def test_the_processes_are_the_real_microservice(deployments: Deployments) -> None:
    for row in ProcessTable(deployments._project.database).rows():
        if row.deployment:
            command = psutil.Process(row.identity.pid).cmdline()
            assert command[1].endswith("/bin/seldon-core-microservice")


@pytest.mark.parametrize("share", [50, 10])
def test_traffic_is_shared_as_told_within_five_sigma(
    deployments: Deployments, url: str, kit: ModuleType, share: int
) -> None:
    deployments.traffic("flights", {"v1": 100 - share, "v2": share})
    requests = 1500
    counted = kit.count_versions(url, kit.sample_body(deployments), requests)
    sigma = math.sqrt(requests * share / 100 * (1 - share / 100))
    assert abs(counted["v2"] - requests * share / 100) <= 5 * sigma
    deployments.traffic("flights", {"v1": 100})


def test_a_version_without_traffic_gets_exactly_none(
    deployments: Deployments, url: str, kit: ModuleType
) -> None:
    body = kit.sample_body(deployments)
    for _ in range(3):
        deployments.traffic("flights", {"v1": 50, "v2": 50})
        assert set(kit.count_versions(url, body, 60)) == {"v1", "v2"}
        deployments.traffic("flights", {"v1": 100, "v2": 0})
        assert kit.count_versions(url, body, 300) == {"v1": 300}
    assert kit.count_versions(url, body, 50, {"x-mlinfra-version": "v2"}) == {"v2": 50}


def settled(deployments: Deployments) -> int:
    """Rows in the log once everything that was asked so far is in it: that is so when a further
    request is, process by process.
    """
    for version in ("v1", "v2"):
        for number in range(16):  # enough for each of its two workers
            deployments.predict(
                "flights",
                {
                    **(deployments.show("flights").sample or {}),
                    "meta": {"puid": f"last-{version}-{number}"},
                },
                version=version,
            )
    end = time.monotonic() + 10
    while (logged := deployments.payloads("flights")).filter(
        pl.col("request_id").str.starts_with("last-")
    ).height < 32:
        assert time.monotonic() < end
        time.sleep(0.05)
    return logged.height


def test_requests_are_in_the_payload_log_once_with_inputs_score_and_version(
    deployments: Deployments, url: str, frame: pd.DataFrame
) -> None:
    before = settled(deployments)
    deployments.measure("flights", seconds=0.2, rate=50)  # probes, not logged
    part = frame.head(7)
    answer = deployments.predict("flights", part, version="v2")
    deployments.feedback("flights", answer.request_id, reward=0.5, truth=[1.0])
    sample = json.loads(json.dumps(deployments.show("flights").sample))
    # One id for all of its requests.
    for headers in (
        {},
        {"x-mlinfra-version": "v2"},
        {"x-mlinfra-request": "forged"},
        {"x-mlinfra-request": "forged"},
    ):
        status, given, _ = ask(url, {"meta": {"puid": "mine"}, **sample}, headers)
        assert (status, given["meta"]["puid"]) == (200, "mine")
    for _ in range(3):
        assert ask(url, sample, {"x-request-id": "theirs"})[1]["meta"]["puid"] == "theirs"
    ask(url, {"data": {"ndarray": [[1.0]]}}, {"x-request-id": "refused-one"})
    # No probe of ours.
    assert (
        ask(
            url,
            {"data": {}},
            {"x-request-id": "no-json", "Content-Type": "text/plain", "x-mlinfra-probe": "1"},
        )[0]
        == 415
    )
    logged, end = deployments.payloads("flights"), time.monotonic() + 10
    while logged.height < before + 16 and time.monotonic() < end:
        time.sleep(0.05)
        logged = deployments.payloads("flights")
    rows = logged.filter(pl.col("request_id") == answer.request_id).sort("row")
    assert rows["version"].unique().to_list() == ["v2"]
    assert rows["status"].unique().to_list() == [200]
    # The number that was answered, to its last digit.
    assert rows["prediction"].to_list() == answer.predictions
    np.testing.assert_array_equal(
        rows.select(*frame.columns).cast(pl.Float64).to_numpy(), part.to_numpy(dtype=float)
    )
    assert (rows["latency_ms"] > 0).all()
    assert logged.filter(pl.col("request_id") == "mine").height == 4
    assert logged.filter(pl.col("request_id") == "theirs").height == 3
    assert logged.filter(pl.col("request_id") == "refused-one")["status"].to_list() == [400]
    refused = deployments.payloads_refused("flights").filter(
        pl.col("request_id").is_in(["refused-one", "no-json"])
    )
    assert refused.select("status", "what", "request").rows() == [
        (400, "The columns do not fit.", '{"data": {"ndarray": [[1.0]]}}'),
        (415, "The request is not marked as JSON.", '{"data": {}}'),
    ]
    assert logged.height == before + 16  # the measurement has left nothing
    assert deployments.payloads_feedback("flights").select(
        "request_id", "reward", "truth"
    ).rows() == [(answer.request_id, 0.5, [1.0])]
    assert deployments.payloads_dropped("flights") == 0


def test_feedback_without_a_request_is_refused(url: str) -> None:
    for body in (b"{", {"reward": 1.0}, {"rewards": 1.0}):
        status, answer, _ = ask(url, body, part="api/v1.0/feedback")
        assert status == 400
        assert answer["what"]
        assert answer["fix"]


def test_a_steady_load_is_measured(deployments: Deployments) -> None:
    # A stall of the machine spoils one measurement; a fault of ours would spoil them all.
    for _ in range(5):
        found = deployments.measure("flights", seconds=2, rate=50)
        assert found.requests == 100
        assert found.failed == 0
        assert found.rate <= 51
        assert 0 < found.p50_ms <= found.p95_ms <= found.p99_ms
        if found.rate >= 45:
            break
    assert found.rate >= 45
    with pytest.raises(BadRequest):
        deployments.measure("flights", seconds=0, rate=50)


def test_the_page_shows_versions_gates_figures_and_code_that_runs(
    deployments: Deployments, kit: ModuleType, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.count_versions(url, kit.sample_body(deployments), 200)
    end = time.monotonic() + 15
    while time.monotonic() < end:
        detail = deployments.show("flights")
        first = detail.deployment.versions[0]
        if (
            first.p50_ms is not None
            and first.requests_per_second is not None
            and first.requests_per_second.value
        ):
            break
        time.sleep(0.2)
    assert first.requests_per_second is not None
    assert first.requests_per_second.value > 0
    assert first.p50_ms.value <= first.p95_ms.value  # type: ignore[union-attr]
    assert first.error_fraction is not None
    assert first.error_fraction.value == 0
    assert (first.version, first.model, first.role, first.workers, first.state) == (
        "v1",
        "flights",
        "stable",
        2,
        "ready",
    )
    assert [gate.name for gate in first.gates] == [
        "signature",
        "environment",
        "start",
        "rows",
        "equal",
        "refuses",
        "latency",
        "memory",
    ]
    assert all(gate.passed for gate in first.gates)
    one = 'deployment="flights",version="v1"'
    scraped = dict(line.rsplit(" ", 1) for line in deployments.metrics().splitlines())
    assert float(scraped[f'mlinfra_deployment_requests_total{{{one},outcome="ok"}}']) >= 200
    assert float(scraped[f"mlinfra_deployment_cpu_seconds_total{{{one}}}"]) > 0
    assert int(scraped[f"mlinfra_deployment_processes{{{one}}}"]) == 2
    assert int(scraped[f"mlinfra_deployment_memory_bytes{{{one}}}"]) > 10_000_000
    assert detail.deployment.url.endswith("/seldon/test/flights/api/v1.0/predictions")
    assert {"name": "x5", "type": "double", "required": False} in detail.signature
    assert detail.history[-1].reason == "first"
    json.dumps(to_json(detail))
    monkeypatch.setattr(
        "jupyter_mlinfra.deployment",
        lambda name: SimpleNamespace(predict=lambda rows: deployments.predict(name, rows)),
        raising=False,
    )
    *_, last = detail.code["python"].splitlines()
    assert eval(last, {"ml": importlib.import_module("jupyter_mlinfra")}).version == "v1"
    process = subprocess.run(
        ["bash", "-c", detail.code["curl"]], capture_output=True, text=True, check=True
    )
    assert json.loads(process.stdout)["data"]["ndarray"]


def test_it_is_found_by_name_model_version_and_input(deployments: Deployments) -> None:
    (document,) = deployments.search_documents()
    assert document.ref == "deployment:flights"
    for word in ("flights", "v2", "x3"):
        assert word in f"{document.name} {document.text}"
    before = deployments.search_fingerprint()
    print_ = deployments.fingerprint("flights")
    deployments.traffic("flights", {"v1": 99, "v2": 1})
    assert deployments.search_fingerprint() != before
    # A pipeline is not stale because traffic moved.
    assert deployments.fingerprint("flights") == print_
    assert deployments.fingerprint("other") is None
    deployments.traffic("flights", {"v1": 100})


def test_lineage_leads_from_each_version_of_the_model_to_the_deployment(
    deployments: Deployments,
) -> None:
    edges = deployments._project.lineage.around("deployment:flights").items
    assert {(edge.input, edge.output, edge.job) for edge in edges} == {
        ("version:flights/1", "deployment:flights", "deploy"),
        ("version:flights/2", "deployment:flights", "deploy"),
    }


def test_the_gateway_keeps_only_what_it_needs_open(deployments: Deployments) -> None:
    target = deployments._target
    assert isinstance(target, LocalTarget)
    assert target.running() == {("flights", "v1"): 2, ("flights", "v2"): 2}
    assert not target.stopped()
    run = deployments._project.home / "deployments" / "run"
    assert all(os.access(run / f"admin.{number}.sock", os.W_OK) for number in (0, 1))


def test_what_has_passed_its_tests_goes_on_to_the_clusters_of_the_settings(
    deployments: Deployments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, clusters = deployments._project, {"eu": FakeServing(), "us": FakeServing()}
    ours = project.settings.of(DeploymentSettings)
    config = str(kubeconfig(tmp_path / "config", clusters))
    there = ClusterSettings(kind="seldon-v1", model_uri="s3://models/flights/{version}")
    changed = ours.model_copy(update={"kubeconfig": config, "contexts": ("us", "eu")})
    monkeypatch.setattr(project, "settings", project.settings.changed(changed).changed(there))
    said: list[str] = []
    try:
        deployments.deploy(
            "flights",
            version="flights/2",
            delivery=DeliverySpec(shadow=100),
            target="kubernetes",
            on_progress=said.append,
        )
        specs = [clusters[name].objects["seldondeployments/flights"]["spec"] for name in clusters]
    finally:
        deployments.shadow("flights", "v2", percent=0)
        for cluster in clusters.values():
            cluster.stop()
    assert specs[0] == specs[1]
    assert [bool(item.get("shadow")) for item in specs[0]["predictors"]] == [False, True]
    assert [line.partition(":")[0] for line in said if "applying" in line] == ["us", "eu"]
    assert [item.outcome for item in deployments.regions("flights")] == ["ready", "ready"]


def test_a_change_of_traffic_from_the_command_line_loads_no_data_library(
    deployments: Deployments,
) -> None:
    code = (
        "import sys\nfrom jupyter_mlinfra.cli.app import main\ntry: main(sys.argv[1:])\nexcept"
        " SystemExit: print(*sys.modules, file=sys.stderr)"
    )
    before = deployments.show("flights").deployment.versions
    for words in (["traffic", "flights", "v1=60", "v2=40"], ["rollback", "flights"]):
        done = subprocess.run(
            [sys.executable, "-c", code, "deployments", *words],
            capture_output=True,
            text=True,
            check=True,
            cwd=deployments._project.root,
        )
        loaded = {name.partition(".")[0] for name in done.stderr.split()}
        assert loaded & (HEAVY - {"pydantic"}) == set()
    after = deployments.show("flights").deployment.versions
    assert [item.traffic for item in after] == [item.traffic for item in before]


def test_a_full_disk_costs_nobody_an_answer_and_no_entry_goes_uncounted(
    deployments: Deployments, url: str, kit: ModuleType
) -> None:
    """The kernel refuses each write of the serving processes, as on a disk without space."""
    serving = [psutil.Process(pid) for pid in pids(deployments)]
    lost = deployments.payloads_dropped("flights")
    before, began = [item.rlimit(psutil.RLIMIT_FSIZE) for item in serving], datetime.now(UTC)
    try:
        for item, (_, most) in zip(serving, before, strict=True):
            item.rlimit(psutil.RLIMIT_FSIZE, (1, most))
        with kit.load(url, kit.sample_body(deployments), rate=100) as load:
            load.next(200)
            assert deployments.payloads("flights", since=began).height < 100
        assert load.lost == {}, load.details[:3]
    finally:
        for item, limits in zip(serving, before, strict=True):
            item.rlimit(psutil.RLIMIT_FSIZE, limits)
    # What fits into the queue meanwhile is written when there is room again, the rest is counted.
    asked, end = sum(load.statuses.values()), time.monotonic() + 30

    def accounted() -> int:
        logged = deployments.payloads("flights", since=began).height
        return logged + deployments.payloads_dropped("flights") - lost

    while accounted() < asked and time.monotonic() < end:
        time.sleep(0.2)
    assert accounted() == asked
