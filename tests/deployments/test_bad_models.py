"""Models that hang, exit, crash or leak are stopped by a test before traffic, which says why."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import pytest

from jupyter_mlinfra.core.errors import Unprocessable
from jupyter_mlinfra.deployments import Deployments, VersionState, own_answers, row_test

pytestmark = pytest.mark.slow

SCRIPT = """
import ctypes, os, time
import mlflow
from mlflow.models import set_model

kept = []

class Scorer(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        {fault}
        return [2.0 * value for value in model_input["x"]]

set_model(Scorer())
"""
GOOD, HANGS, EXITS, CRASHES, LEAKS, LEAKS_LATE = range(1, 7)
FAULTS = {
    GOOD: "pass",
    HANGS: "time.sleep(600)",
    EXITS: "os._exit(7)",
    CRASHES: "ctypes.string_at(0)",
    LEAKS: 'kept.append(b"x" * (1 << 20))',
    # Nothing of the first 1,500 requests, then 48 KiB of each: 398 MiB of 10,000.
    LEAKS_LATE: 'kept.append(b"x" * (48 << 10) if len(kept) >= 1500 else None)',
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, kit: ModuleType) -> Mapping[int, Path]:
    """The models by version: one is saved, and its code exchanged, because MLflow asks it."""
    import mlflow
    import pandas as pd
    from mlflow.models import infer_signature

    root = tmp_path_factory.mktemp("bad")
    script = root / "scorer.py"
    script.write_text(SCRIPT.format(fault=FAULTS[GOOD]))
    frame = pd.DataFrame({"x": [float(place) for place in range(4)]})
    mlflow.pyfunc.save_model(
        root / str(GOOD),
        python_model=str(script),
        signature=infer_signature(frame, [0.0]),
        input_example=frame,
        pip_requirements=kit.requirements(),
    )
    for number, fault in FAULTS.items():
        folder = root / str(number)
        if number != GOOD:
            shutil.copytree(root / str(GOOD), folder)
        (folder / script.name).write_text(SCRIPT.format(fault=fault))
    return {number: root / str(number) for number in FAULTS}


@pytest.fixture(scope="module")
def deployments(
    tmp_path_factory: pytest.TempPathFactory, folders: Mapping[int, Path], kit: ModuleType
) -> Iterator[Deployments]:
    """The good version has the traffic."""
    project = kit.open_project(
        tmp_path_factory.mktemp("bad-models"),
        '[deployments]\nworkers = 1\nruntime = "open-inference"\n'
        "memory_growth_mib = 40\nmemory_seconds = 1\n",
    )
    found = Deployments(project, kit.Registry(folders))
    try:
        found.deploy("flights", version=f"flights/{GOOD}")
        yield found
    finally:
        kit.clean_up(project)


@pytest.mark.parametrize(
    ("number", "stopped_by", "because"),
    [
        (HANGS, "rows", "row 1 of the sample is not answered within 2 s: the model hangs"),
        (EXITS, "rows", r"row 1 of the sample ends the model's process \(exit or crash\)"),
        (CRASHES, "rows", r"row 1 of the sample ends the model's process \(exit or crash\)"),
        (LEAKS, "memory", r"MiB, \+\d\d+\.\d MiB over 100 requests, where it was ended"),
    ],
    ids=["hangs", "exits", "crashes", "leaks"],
)
def test_a_bad_model_is_stopped_by_a_test_that_says_why_and_the_good_one_answers_on(
    deployments: Deployments,
    kit: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    stopped_by: str,
    because: str,
) -> None:
    if number == HANGS:  # the others take as long as a busy machine needs
        monkeypatch.setattr(row_test, "ROW_SECONDS", 2.0)
        monkeypatch.setattr(own_answers, "SECONDS", 5.0)
    label = f"v{number}"
    url = deployments.show("flights").deployment.url
    with (
        kit.load(url, kit.sample_body(deployments), rate=10, clients=2) as load,
        pytest.raises(Unprocessable) as refused,
    ):
        deployments.deploy("flights", version=f"flights/{number}")
    assert load.lost == {}, load.details[:3]
    assert set(load.versions) == {f"v{GOOD}"}
    versions = {item.version: item for item in deployments.show("flights").deployment.versions}
    bad = versions[label]
    assert (bad.state, bad.traffic) == (VersionState.FAILED, 0)
    assert versions[f"v{GOOD}"].traffic == 100
    gate = next(gate for gate in bad.gates if gate.name == stopped_by)
    assert gate.passed is False
    assert re.search(because, gate.measured), gate.measured
    assert gate.measured in refused.value.why
    assert gate.measured in bad.reason


def test_a_slow_leak_that_begins_late_is_found_by_the_requests_of_the_defaults(
    tmp_path: Path, folders: Mapping[int, Path], kit: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All other tests send 1,000 requests at most, in which this model grows by nothing."""
    for name in ("REQUESTS", "SECONDS"):
        monkeypatch.delenv(f"MLINFRA_DEPLOYMENTS_MEMORY_{name}")
    project = kit.open_project(
        tmp_path / "late", '[deployments]\nworkers = 1\nruntime = "open-inference"\n'
    )
    found = Deployments(project, kit.Registry(folders))
    try:
        with pytest.raises(Unprocessable, match="memory"):
            found.deploy("flights", version=f"flights/{LEAKS_LATE}")
        (version,) = found.show("flights").deployment.versions
    finally:
        kit.clean_up(project)
    gates = {gate.name: gate for gate in version.gates}
    assert gates["latency"].passed is True
    memory = gates["memory"]
    assert memory.passed is False
    assert memory.limit == "growth at most 128 MiB over 10,000 requests"
    said = re.search(r"MiB, \+([\d.]+) MiB over ([\d,]+) requests", memory.measured)
    assert said, memory.measured
    growth, requests = float(said[1]), int(said[2].replace(",", ""))
    assert 1500 < requests <= 10_000
    assert growth * 10_000 / requests > 128
