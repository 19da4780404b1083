"""One rule for paths: first from the working directory, where that lies in the project, else below
the project's root.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.faces.paths import in_project, pipeline_in_project
from jupyter_mlinfra.server.openapi import _records
from tests.server.noted import Noted, made_up


@pytest.fixture
def root(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    for folder in (project.root, project.root / "nc", tmp := tmp_path_factory.mktemp("elsewhere")):
        folder.mkdir(exist_ok=True)
        (folder / "both.ipynb").touch()
    (project.root / "nc" / "train.ipynb").touch()
    (project.root / "top.ipynb").touch()
    (project.root / "elsewhere").symlink_to(tmp)
    return project.root


@pytest.mark.parametrize(
    ("where", "given", "meant"),
    [
        ("nc", "train.ipynb", "nc/train.ipynb"),
        ("nc", "nc/train.ipynb", "nc/train.ipynb"),
        ("nc", "both.ipynb", "nc/both.ipynb"),
        ("nc", "top.ipynb", "top.ipynb"),
        ("nc", "../top.ipynb", "top.ipynb"),
        ("nc", "gone.ipynb", "gone.ipynb"),
        (".", "nc/train.ipynb", "nc/train.ipynb"),
        ("elsewhere", "both.ipynb", "both.ipynb"),
    ],
)
def test_a_path_is_looked_up_from_the_working_directory_first(
    root: Path, monkeypatch: pytest.MonkeyPatch, where: str, given: str, meant: str
) -> None:
    monkeypatch.chdir(root / where)
    assert in_project(root, given) == meant


def test_a_command_that_names_a_file_beside_it_is_not_sent_to_the_root(
    root: Path, noted: Noted, verb: Callable[[Sequence[str]], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    noted.answer = made_up(_records()["Job"])
    monkeypatch.chdir(root / "nc")
    (root / "nc" / "train.py").touch()
    (root / "nc" / "both.py").touch()
    (root / "both.py").touch()
    with pytest.raises(BadRequest, match=r"would not find train\.py\. It is in nc") as caught:
        verb(["jobs", "submit", "--", "python", "train.py", "--lr", "0.1"])
    assert caught.value.fix == "mlinfra jobs submit --cwd nc -- python train.py --lr 0.1"
    assert noted.calls == []
    for words in (
        ["--cwd", "nc", "--", "python", "train.py"],
        ["--", "python", "both.py"],
        ["--", "python", str(root / "nc" / "train.py")],
        ["--", "ls"],
    ):
        verb(["jobs", "submit", *words])
    monkeypatch.chdir(root)
    verb(["jobs", "submit", "--", "python", "nc/train.py"])


def test_a_pipeline_is_a_path_only_as_a_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root / "nc")
    (root / "nc" / "churn").touch()
    (root / "nc" / "churn.mlpipeline.yaml").touch()
    assert pipeline_in_project(root, "churn") == "churn"
    assert pipeline_in_project(root, "churn.mlpipeline.yaml") == "nc/churn.mlpipeline.yaml"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("jobs submit train.ipynb", lambda noted: noted.calls[-1][2]["spec"].notebook),
        ("jobs preview train.ipynb", lambda noted: noted.calls[-1][2]["notebook"]),
        ("jobs parameters train.ipynb", lambda noted: noted.calls[-1][2]["notebook"]),
        (
            "schedules create s --cron 0_6_*_*_* --notebook train.ipynb",
            lambda noted: noted.calls[-1][2]["job"]["notebook"],
        ),
    ],
)
def test_these_verbs_follow_it(
    root: Path,
    noted: Noted,
    verb: Callable[[Sequence[str]], Any],
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    found: Callable[[Noted], str],
) -> None:
    monkeypatch.chdir(root / "nc")
    noted.answer = [] if "parameters" in words else made_up(_records()["Job"])
    verb([word.replace("_", " ") for word in words.split()])
    assert found(noted) == "nc/train.ipynb"
