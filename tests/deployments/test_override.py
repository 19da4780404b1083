"""Tests of a project's own before traffic, and the reason that overrides a failed one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import pytest

from jupyter_mlinfra.core.errors import BadRequest, Unprocessable
from jupyter_mlinfra.deployments import Deployments, VersionState
from jupyter_mlinfra.deployments.gateway import Keys
from jupyter_mlinfra.deployments.own_tests import OwnTests
from jupyter_mlinfra.deployments.spec import Gate

CHECKS = '''
def likely(trial):
    """at least half of the sample is likely"""
    answers = trial.ask(trial.sample)
    share = sum(answer > 2 for answer in answers) / len(answers)
    return f"{share:.0%} of {trial.model} in {trial.deployment}", share >= 0.5

def breaks(trial):
    return 1 / 0, True
'''


@pytest.fixture
def deployments(
    tmp_path: Path, models: Mapping[int, Path], kit: ModuleType
) -> Iterator[Deployments]:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "own_checks.py").write_text(CHECKS)
    project = kit.open_project(
        tmp_path / "project",
        '[deployments]\nworkers = 1\nruntime = "open-inference"\n'
        'tests = ["own_checks:likely", "own_checks:breaks"]\n',
    )
    yield Deployments(project, kit.Registry(models))
    kit.clean_up(project)


def test_a_failed_test_of_the_project_blocks_until_a_reason_overrides_it(
    deployments: Deployments,
) -> None:
    with pytest.raises(Unprocessable, match="did not pass its tests") as refused:
        deployments.deploy("flights", version="flights/1")
    assert "own_checks:likely: at least half of the sample is likely" in refused.value.why
    assert "0% of flights/1 in flights" in refused.value.why
    assert (
        "own_checks:breaks: a test of the project, measured ZeroDivisionError" in refused.value.why
    )
    (version,) = deployments.show("flights").deployment.versions
    assert (version.state, version.traffic) == (VersionState.FAILED, 0)
    assert [gate.name for gate in version.gates][-2:] == ["own_checks:likely", "own_checks:breaks"]

    record = deployments.deploy("flights", version="flights/1", override="the sample is old")
    (version,) = record.versions
    assert (version.state, version.traffic) == (VersionState.READY, 100)
    assert [gate.name for gate in version.gates if not gate.passed] == [
        "own_checks:likely",
        "own_checks:breaks",
    ]
    change = deployments.history("flights").items[0]
    assert change.reason == "the sample is old"
    assert change.text.startswith(
        "v1 deployed although own_checks:likely, own_checks:breaks failed"
    )


def gate(root: Path, name: str, seconds: float = 60.0) -> Gate:
    """Run one test of a project; no version is asked."""
    tests = OwnTests(root=root, names=[name], seconds=seconds)
    return tests.gate(
        name, url="", keys=Keys(probe=""), version="v1", deployment="f", model="f/1", sample=[]
    )


def test_a_test_that_cannot_be_imported_is_named_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "own_broken.py").write_text("value = 3\nraise RuntimeError('no')")
    for name in ("own_broken:value", "own_absent:f", "own_broken"):
        with pytest.raises(BadRequest) as refused:
            gate(tmp_path, name)
        assert name in refused.value.what
        assert "[deployments] tests" in refused.value.fix or "tests =" in refused.value.fix


def test_a_test_that_was_changed_is_read_again_and_one_that_hangs_or_exits_has_failed(
    tmp_path: Path,
) -> None:
    file = tmp_path / "own_changing.py"
    for said, passed in (("first", True), ("second", False)):
        file.write_text(f"def f(trial):\n    return '{said} of ' + trial.model, {passed}")
        found = gate(tmp_path, "own_changing:f")
        assert (found.measured, found.passed) == (f"{said} of f/1", passed)
    file.write_text("import time\ndef f(trial):\n    time.sleep(600)")
    found = gate(tmp_path, "own_changing:f", seconds=0.5)
    assert found.measured == "it was ended after 0.5 s ([deployments] test_seconds)"
    assert not found.passed
    file.write_text("import os\ndef f(trial):\n    os._exit(7)")
    found = gate(tmp_path, "own_changing:f")
    assert found.measured.startswith("it ended with status 7")
    assert not found.passed
