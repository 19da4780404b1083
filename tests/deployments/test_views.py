"""What a deployment shows of its processes and of the gateway's figures."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import Conflict
from jupyter_mlinfra.core.processes import Identity
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments import Deployments, views
from jupyter_mlinfra.deployments.deployed import answers_of
from jupyter_mlinfra.deployments.faces.status import count_deployments
from jupyter_mlinfra.deployments.packaging import damage, load_bundle, package
from jupyter_mlinfra.deployments.rows import DeploymentRow, VersionRow
from jupyter_mlinfra.deployments.settings import DeploymentSettings
from jupyter_mlinfra.deployments.spec import DeployedVersion, VersionState
from jupyter_mlinfra.deployments.targets import Figures, present
from jupyter_mlinfra.deployments.targets.layout import bundles_folder, figures_file
from jupyter_mlinfra.deployments.targets.local import LocalTarget
from jupyter_mlinfra.experiments.artifacts import found_again
from jupyter_mlinfra.faces.rows import row_of
from jupyter_mlinfra.workbench import Workbench

AT = datetime(2026, 1, 1, tzinfo=UTC)
KEY = ("flights", "v1")


def begin(store: Any) -> None:
    """Version 1 of a deployment, as a deploy begins it."""
    store.begin(
        "flights",
        "v1",
        target="local",
        model="flights",
        number=1,
        workers=1,
        runtime="seldon-core",
    )


def shown(live: int, figures: Figures, **values: Any) -> DeployedVersion:
    """Version v1 with so many processes, these figures and further values of its row."""
    version = VersionRow(
        deployment="flights",
        version="v1",
        number=1,
        bundle="",
        python="",
        state=VersionState.READY,
        reason="",
        traffic=100,
        wanted=True,
        proved=True,
        gates=[],
        workers=2,
        runtime="seldon-core",
        shadow=0,
        deployer=None,
        created_at=AT,
        used_at=AT,
    )
    version = replace(version, **values)
    row = DeploymentRow(
        name="flights",
        namespace="test",
        target="local",
        model="flights",
        up=True,
        created_at=AT,
        updated_at=AT,
        versions=[version],
    )
    (found,) = views.deployment(
        row, running={KEY: live}, figures={KEY: figures}, base_url="http://127.0.0.1:1"
    ).versions
    return found


def test_what_is_down_shows_no_figures_of_the_time_before() -> None:
    figures = Figures(seconds=60.0, requests=120, errors=0, refused=30, p50_ms=4.0, p95_ms=9.0)
    up = shown(2, figures)
    assert row_of(up)["refused"] == "25.0 %"
    assert up.requests_per_second is not None
    assert (up.requests_per_second.value, up.requests_per_second.n) == (pytest.approx(2.0), 120)
    assert up.p50_ms is not None
    down = shown(0, figures)
    shares = down.error_fraction, down.refused_fraction
    assert (down.requests_per_second, down.p50_ms, down.p95_ms, *shares) == (None,) * 5


def test_old_figures_are_shown_with_their_time_and_decide_nothing(
    tmp_path: Path, kit: ModuleType
) -> None:
    project = kit.open_project(tmp_path / "project")
    target = LocalTarget(project, Deployments(project, kit.Registry({}))._store)
    file = figures_file(project)
    file.parent.mkdir(parents=True, exist_ok=True)
    measured = asdict(
        Figures(seconds=60.0, requests=120, errors=6, p50_ms=4.0, p95_ms=9.0, by_minute=(1, 120))
    )
    item = {"deployment": "flights", "version": "v1", "pids": [7]}

    def seen(age: float) -> DeployedVersion:
        at = time.time() - age
        file.write_text(json.dumps({"at": at, "figures": [measured | item]}))
        assert (KEY in present(target.figures())) is (age < 30)
        found = shown(2, target.figures()[KEY])
        assert found.requests_per_second is not None
        assert (found.requests_per_second.value, found.traffic) == (2.0, 100)
        if found.stale_since:
            assert found.stale_since.timestamp() == pytest.approx(at, abs=0.01)
        return found

    now, old = seen(1), seen(3600)
    assert (now.stale_since, now.pids, row_of(now)["reason"]) == (None, [7], "–")
    assert (old.pids, "its figures are of" in row_of(old)["reason"]) == ([], True)
    project.database.close()


@pytest.mark.parametrize("state", ["building", "starting", "testing", "draining", "stopped"])
def test_a_version_whose_deploy_was_killed_does_not_go_on_being_tested(state: str) -> None:
    none = Figures(seconds=60.0, requests=0, errors=0, p50_ms=None, p95_ms=None)
    begun = {"state": VersionState(state), "proved": False}
    killed = shown(0, none, deployer=Identity("another boot", os.getpid(), 1), **begun)
    assert (killed.state, killed.reason) == ("failed", "Its deploy was interrupted.")
    going_on = shown(0, none, deployer=Identity.of(os.getpid()), **begun)
    assert (going_on.state, going_on.reason) == (state, "")


def detail_of(row: list[Any], header_file: str = "") -> Any:
    """The page of a deployment whose sample is this row."""
    found = shown(2, Figures(seconds=60.0, requests=1, errors=0, p50_ms=4.0, p95_ms=9.0))
    record = views.Deployment(
        ref="",
        name="flights",
        namespace="",
        target="local",
        state="healthy",
        url="http://127.0.0.1:1/p",
        urls={},
        versions=[found],
        created_at=AT,
        updated_at=AT,  # type: ignore[arg-type]
    )
    names = [f"x{index}" for index in range(len(row))]
    bundle = views.Bundle(
        folder=Path(),
        engine="xgboost",
        layout="columns",
        columns=[],
        output_names=[],
        model_class="",
        answers="classes",
        model_file="",
        files={},
        requirements=[],
        own_requirements=[],
        python="",
        runs_code=False,
        document={},
        sample={"names": names, "ndarray": [row, row]},
    )
    return views.detail(record, bundle, [], header_file)


def test_the_code_shows_numbers_that_people_write_and_keeps_whole_ones() -> None:
    detail = detail_of([0.1 + 0.2, 1 / 3, 1234567, None, True, "JFK"])
    assert detail.sample["data"]["ndarray"] == [[0.3, 0.333333, 1234567, None, True, "JFK"]]
    assert (
        'predict([{"x0": 0.3, "x1": 0.333333, "x2": 1234567, "x3": None, "x4": True, "x5": "JFK"}])'
        in detail.code["python"]
    )
    assert json.dumps(detail.sample) in detail.code["curl"]
    assert (detail.answers, " -H @" in detail.code["curl"]) == ("classes", False)
    assert " -H '@/a b/authorization' " in detail_of([1], "/a b/authorization").code["curl"]


def test_a_bundle_that_is_gone_is_the_reason_of_its_version_and_hides_nothing_else(
    tmp_path: Path, models: Mapping[int, Path], kit: ModuleType
) -> None:
    project = kit.open_project(tmp_path / "project")
    deployments = Deployments(project, kit.Registry(models))
    bundle = package(models[1], tmp_path / "bundles")
    begin(deployments._store)
    deployments._store.move("flights", "v1", VersionState.STARTING, bundle=str(bundle.folder))
    assert deployments.show("flights").signature
    shutil.rmtree(bundle.folder)
    detail = deployments.show("flights")
    (version,) = detail.deployment.versions
    assert (version.version, version.state) == ("v1", "starting")
    assert f"Bundle {bundle.id} cannot be read." in version.reason
    assert (detail.signature, detail.sample) == ([], None)
    project.database.close()


def test_a_project_that_never_served_is_read_on_a_read_only_disk(
    project: Project, kit: ModuleType, small_disk: Callable[[int], Any]
) -> None:
    disk = small_disk(8)
    deployments = Deployments(project, kit.Registry({}))
    begin(deployments._store)
    project.database.close()
    disk.lock()
    bench = Workbench(Project.open(project.root))
    assert count_deployments(bench) == {"deployments": 1, "live": 0}
    assert bench.deployments.show("flights").deployment.state == "down"
    assert bench.deployments.payloads("flights").height == 0
    assert bench.deployments.payloads_feedback("flights").height == 0
    assert bench.deployments.payloads_refused("flights").height == 0
    assert bench.deployments.payloads_dropped("flights") == 0


@pytest.mark.parametrize("harm", ["", "{"], ids=["model", "description"])
def test_a_damaged_bundle_is_made_again_with_the_answers_that_were_chosen(
    tmp_path: Path, kit: ModuleType, harm: str
) -> None:
    kit.train_classifier(tmp_path / "model")
    project = kit.open_project(tmp_path / "project")
    deployments = Deployments(project, kit.Registry({1: tmp_path / "model"}))
    bundle = package(tmp_path / "model", tmp_path / "bundles", answers="probabilities")
    store = deployments._store
    begin(store)
    store.move("flights", "v1", VersionState.STARTING, bundle=str(bundle.folder), wanted=True)
    with store.change("flights") as change:
        change.ready("v1", [])
    store.move("flights", "v1", VersionState.FAILED, reason="damaged", wanted=False)
    (bundle.folder / ("bundle.json" if harm else f"model/{bundle.model_file}")).write_text(harm)
    item = store.deployment("flights").version("v1")
    assert deployments._deploying._intact(item, answers_of(item), lambda _: None)
    assert damage(bundle.folder) == ""
    assert load_bundle(bundle.folder).answers == "probabilities"
    item = store.deployment("flights").version("v1")
    assert (item.state, item.reason, item.wanted, item.proved) == ("stopped", "", True, True)
    project.database.close()


def test_a_project_that_was_moved_finds_its_bundles_and_the_files_of_its_models(
    tmp_path: Path, kit: ModuleType, models: Mapping[int, Path]
) -> None:
    before = kit.open_project(tmp_path / "before")
    bundle = package(models[1], bundles_folder(before))
    store = Deployments(before, kit.Registry({}))._store
    begin(store)
    store.move("flights", "v1", VersionState.STARTING, bundle=str(bundle.folder), wanted=True)
    artifacts = before.home / "artifacts"
    logged = artifacts / "e-1" / "artifacts" / "models" / "m-1"
    shutil.copytree(models[1], logged)
    before.database.close()
    (tmp_path / "before").rename(tmp_path / "after")
    after = Project.open(tmp_path / "after")
    (row,) = Deployments(after, kit.Registry({}))._store.deployments()
    found = Path(row.versions[0].bundle)
    assert found.is_relative_to(tmp_path / "after")
    assert load_bundle(found).model_file == bundle.model_file
    assert damage(found) == ""
    root = str(after.home / "artifacts")
    for location in (str(logged), logged.as_uri()):
        moved = Path(found_again(location, root))
        assert moved == after.home / logged.relative_to(before.home)
    assert found_again("s3://bucket/artifacts/m-1", root) == "s3://bucket/artifacts/m-1"
    after.database.close()


def test_another_model_under_a_deployed_number_is_no_success(
    project: Project, kit: ModuleType, models: Mapping[int, Path]
) -> None:
    deployments = Deployments(project, kit.Registry({1: models[1]}))
    bundle = package(models[1], project.root / "bundles")
    store = deployments._store
    begin(store)
    store.move("flights", "v1", VersionState.STARTING, bundle=str(bundle.folder), wanted=True)
    item = store.deployment("flights").version("v1")
    assert deployments._deploying._intact(item, None, lambda _: None)
    other = Deployments(project, kit.Registry({1: models[2]}))
    with pytest.raises(Conflict) as refused:
        other._deploying._intact(item, None, lambda _: None)
    assert "is not the flights/1 that is registered now" in refused.value.what
    assert "mlinfra deployments remove flights v1" in refused.value.fix


def test_the_limits_of_a_deployment_are_its_own_before_those_of_all() -> None:
    settings = DeploymentSettings(rate_limit=50, rate_limits={"flights": 200}, listen="0.0.0.0:1")
    assert views.limits_of("flights", settings).rate == 200
    other = views.limits_of("trains", settings)
    assert (other.rate, other.body_mib, other.connections) == (50, 8, 1024)
    assert other.key_needed
    assert not views.limits_of("flights", DeploymentSettings()).key_needed
