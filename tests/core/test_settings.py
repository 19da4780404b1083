"""`mlinfra.toml`, the environment over it, and secrets by reference."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlinfra.core.errors import BadRequest, NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.secrets import resolve
from jupyter_mlinfra.core.settings import load_settings


def test_an_empty_file_works_and_the_project_is_found_from_below(tmp_path: Path) -> None:
    (tmp_path / "My Project").mkdir()
    root = tmp_path / "My Project"
    (root / "mlinfra.toml").write_text("")
    (root / "a" / "b").mkdir(parents=True)
    project = Project.open(root / "a" / "b")
    assert project.root == root
    assert project.name == "my-project"
    assert project.settings.jobs.backend == "local"


def test_the_environment_goes_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mlinfra.toml").write_text("[jobs]\ncpus = 3\ngrace_seconds = 1\n")
    monkeypatch.setenv("MLINFRA_JOBS_CPUS", "5")
    monkeypatch.setenv("MLINFRA_JOBS_SNAPSHOT_MAX_MIB", "7")
    jobs = load_settings(tmp_path).jobs
    assert (jobs.cpus, jobs.grace_seconds, jobs.snapshot_max_mib) == (5, 1, 7)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[jobs]\ncpu = 3\n", "jobs.cpu"),
        ("[jobs]\ncpus = 'many'\n", "jobs.cpus"),
        ("[project]\nname = 'Not A Label'\n", "project.name"),
        ("[jobs\n", "mlinfra.toml"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "mlinfra.toml").write_text(text)
    with pytest.raises(BadRequest) as caught:
        load_settings(tmp_path)
    assert named in caught.value.what
    assert caught.value.fix


@pytest.mark.parametrize(
    ("line", "key", "words"),
    [
        ('address = "ray://head:10001"', "address", "http://HOST:8265"),
        ('address = "head:8265"', "address", "http://HOST:8265"),
        ('token = "s3cret"', "token", "env:NAME or keyring:SERVICE/NAME"),
        ('headers = { X-Api-Key = "s3cret" }', "headers", "The value of X-Api-Key would be kept"),
        (
            'headers = { Authorization = "Bearer s3cret" }',
            "headers",
            "give a reference to all of it",
        ),
        ("resources = { GPU = 1 }", "resources", "GPU is no custom resource"),
        ("resources = { shared = 0 }", "resources", "amount of shared"),
        ("notice_seconds = 0", "notice_seconds", "greater than or equal to 1"),
    ],
)
def test_a_setting_of_ray_that_cannot_be_used_says_what_can(
    tmp_path: Path, line: str, key: str, words: str
) -> None:
    (tmp_path / "mlinfra.toml").write_text(f"[jobs.ray]\n{line}\n")
    with pytest.raises(BadRequest) as caught:
        load_settings(tmp_path)
    assert f"jobs.ray.{key}" in caught.value.what
    assert words in caught.value.why
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("name", ["shop_x", "Shop", "-shop", "shop-", "s" * 64, "a b"])
def test_a_name_that_is_no_label_is_refused_in_words(tmp_path: Path, name: str) -> None:
    (tmp_path / "mlinfra.toml").write_text(f"[project]\nname = '{name}'\n")
    with pytest.raises(BadRequest, match="small letters, digits and hyphens") as caught:
        load_settings(tmp_path)
    assert not {"^", "$", "["} & set(caught.value.why)


@pytest.mark.parametrize("name", ["", "s", "shop-2", "7up", "s" * 63])
def test_a_label_is_a_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "mlinfra.toml").write_text(f"[project]\nname = '{name}'\n")
    assert load_settings(tmp_path).project.name == name


def test_outside_of_a_project_the_way_to_begin_one_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="mlinfra init"):
        Project.open(tmp_path)


def test_a_secret_is_read_where_it_is_used_and_its_absence_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("A_SECRET", "s3cret")
    monkeypatch.delenv("NO_SECRET", raising=False)
    assert resolve("env:A_SECRET") == "s3cret"
    assert resolve("plain") == "plain"
    with pytest.raises(NotFound, match="NO_SECRET"):
        resolve("env:NO_SECRET")
