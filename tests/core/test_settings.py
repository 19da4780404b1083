"""`mlinfra.toml`, the environment over it, and secrets by reference."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from jupyter_mlinfra.catalog.settings import CatalogSettings
from jupyter_mlinfra.core.errors import BadRequest, NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.secrets import resolve
from jupyter_mlinfra.core.settings import load_settings
from jupyter_mlinfra.jobs.remote.slurm.settings import SlurmSettings
from jupyter_mlinfra.jobs.settings import JobSettings


def test_an_empty_file_works_and_the_project_is_found_from_below(tmp_path: Path) -> None:
    (tmp_path / "My Project").mkdir()
    root = tmp_path / "My Project"
    (root / "mlinfra.toml").write_text("")
    (root / "a" / "b").mkdir(parents=True)
    project = Project.open(root / "a" / "b")
    assert project.root == root
    assert project.name == "my-project"
    assert project.settings.of(JobSettings).backend == "local"


def test_the_environment_goes_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mlinfra.toml").write_text("[jobs]\ncpus = 3\ngrace_seconds = 1\n")
    monkeypatch.setenv("MLINFRA_JOBS_CPUS", "5")
    monkeypatch.setenv("MLINFRA_JOBS_SNAPSHOT_MAX_MIB", "7")
    monkeypatch.setenv("MLINFRA_JOBS_WARM_IMPORTS", '["polars"]')
    jobs = load_settings(tmp_path).of(JobSettings)
    assert (jobs.cpus, jobs.grace_seconds, jobs.snapshot_max_mib) == (5, 1, 7)
    assert (jobs.warm_kernels, jobs.warm_imports) == ("auto", ("polars",))


def test_a_section_and_a_table_are_json_in_the_environment_and_go_over_single_keys_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mlinfra.toml").write_text(
        '[jobs.slurm]\nqos = "low"\naccount = "lab"\n[catalog.properties]\na = "1"\nb = "2"\n'
    )
    monkeypatch.setenv("MLINFRA_JOBS_SLURM", '{"qos": "high"}')
    monkeypatch.setenv("MLINFRA_CATALOG", '{"properties": {"b": "3"}}')
    monkeypatch.setenv("MLINFRA_PROJECT", str(tmp_path))  # names the project, and is no section
    monkeypatch.setenv("MLINFRA_HOME", "elsewhere")
    settings = load_settings(tmp_path)
    slurm = settings.of(SlurmSettings)
    assert (slurm.qos, slurm.account, slurm.partition) == ("high", "lab", "")
    assert settings.of(CatalogSettings).properties == {"a": "1", "b": "3"}
    assert settings.home == "elsewhere"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("MLINFRA_JOBS", "3", "The environment variable MLINFRA_JOBS cannot be used"),
        ("MLINFRA_JOBS_SLURM", "fast", "MLINFRA_JOBS_SLURM cannot be used"),
        ("MLINFRA_JOBS_CPU", "3", "Setting jobs.cpu cannot be used"),
        ("MLINFRA_JOBS_CPUS", "many", "Setting jobs.cpus cannot be used"),
        ("MLINFRA_JOBS_SLURM_QOS", "high", "as MLINFRA_JOBS_SLURM='{\"qos\": …}'"),
        ("MLINFRA_PROJECT_TARGETS_METRIC", "auc", "as metric in [project.targets]"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, words: str
) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(BadRequest) as caught:
        load_settings(tmp_path)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[jobs]\ngrace_second = 3\n", "the nearest is jobs.grace_seconds"),
        ("[job]\ncpus = 3\n", "the nearest is jobs"),
        ("[jobs.slurmm]\nqos = 'a'\n", "No installed package"),
        ("[project.targets]\nlatency_p99 = 3\n", "the nearest is project.targets.latency_p99_ms"),
        ("[catalog.propertys]\na = '1'\n", "the nearest is catalog.properties"),
        # It was there once.
        ("[pipelines]\nwarm_kernels = 0\n", "a setting of [jobs]: jobs.warm_kernels"),
        ("[monitoring]\nzzz = 0\n", "Those of [monitoring]: evaluate_minutes"),
        ("home = 3\n", "path of a folder"),
        ("jobs = 3\n", "It is a section: write [jobs]."),
        ("[[jobs]]\ncpus = 3\n", "write [jobs] once, in single brackets"),
        ("cpus = 3\n", "It is a setting of [jobs]: jobs.cpus."),
    ],
)
def test_an_unknown_key_is_told_with_the_nearest_that_is_known(
    tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "mlinfra.toml").write_text(text)
    with pytest.raises(BadRequest) as caught:
        load_settings(tmp_path)
    assert words in caught.value.why


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
        ("resources = { GPU = 1 }", "resources", "GPU is not a custom resource"),
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
    # What a notebook would show of it.
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


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
