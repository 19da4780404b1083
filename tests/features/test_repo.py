"""The configuration of Feast, the process that runs definitions, and the copy of the registry."""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from pathlib import Path

import pytest

from jupyter_mlinfra.core.errors import MLInfraError, NotFound, Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import Features
from jupyter_mlinfra.features import configured as configured_module
from jupyter_mlinfra.features.configured import Configured
from jupyter_mlinfra.features.repo import OFFLINE_STORE, configuration, feast_config, registry_file
from jupyter_mlinfra.features.worker import call


def settings(project: Project, text: str) -> Path:
    path = project.root / "feature_repo" / "feature_store.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_without_a_file_everything_is_embedded_in_the_project(project: Project) -> None:
    config = feast_config(project)
    assert (config.project, config.online_store.type, config.offline_store.type) == (
        "test",
        "sqlite",
        OFFLINE_STORE,
    )
    assert registry_file(project) == project.home / "features" / "registry.db"
    assert Path(config.online_store.path).parent == project.home / "features"


@pytest.mark.slow
def test_a_project_with_a_hyphen_in_its_name_has_a_feature_store(tmp_path: Path) -> None:
    from tests.features.conftest import make_shop

    project = make_shop(tmp_path / "nc_shop")
    (project.root / "mlinfra.toml").write_text("")
    project = Project.open(project.root)
    try:
        assert project.name == "nc-shop"
        features = Features(project)
        assert features.apply().created
        assert [done.rows for done in features.materialize("clicks")] == [10]
    finally:
        project.database.close()


def test_keys_of_feature_store_yaml_win_and_may_take_values_from_the_environment(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONLINE_PATH", "/tmp/elsewhere.db")
    settings(
        project,
        "registry: data/registry.pb\nonline_store:\n  type: sqlite\n  path: ${ONLINE_PATH}\n",
    )
    config = feast_config(project)
    assert (config.online_store.path, config.offline_store.type) == (
        "/tmp/elsewhere.db",
        OFFLINE_STORE,
    )
    assert registry_file(project) == project.root / "feature_repo" / "data" / "registry.pb"
    settings(project, "registry:\n  registry_type: sql\n  path: postgresql+psycopg://db/feast\n")
    assert registry_file(project) is None


def test_look_ups_read_the_configuration_when_it_has_changed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project.root / "feature_repo" / "feature_store.yaml"
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    configured = Configured(project)
    assert configured.now() is configured.now()
    for name in ("aa", "bb", "cc"):  # of one size, at once one after the other
        path.write_text(f"project: {name}\n")
        assert configured.now()["project"] == name
    monkeypatch.setattr(configured_module, "_SETTLED_NS", 0)
    assert configured.now() is configured.now()
    path.write_text("project: $A_NAME\n")
    for name in ("dd", "ee"):
        monkeypatch.setenv("A_NAME", name)
        assert configured.now()["project"] == name


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a: [1\n", "is not YAML"),
        ("- a\n- b\n", "holds no settings"),
        ("online_store:\n  type: no_such_store\n", "cannot be used"),
        ("provider: 7\n", "cannot be used"),
        ("project: ${NOT_SET_HERE}\n", "Set NOT_SET_HERE in the environment"),
    ],
)
def test_a_broken_feature_store_yaml_is_named(project: Project, text: str, what: str) -> None:
    path = settings(project, text)
    with pytest.raises(Unprocessable, match=what) as caught:
        configuration(project)
        feast_config(project)
    assert str(path) in caught.value.what


@pytest.mark.parametrize(
    ("wrong", "setting"),
    [
        ("type: redis\n  conection_string: h:6379,password=${REDIS_PASSWORD}", "conection_string"),
        ("type: postgres\n  host: h\n  user: ana\n  pasword: ${REDIS_PASSWORD}", "pasword"),
        ('type: redis\n  connection_string: ["h,password=${REDIS_PASSWORD}"]', "connection_string"),
        ("type: postgres\n  password: *${REDIS_PASSWORD}", "Line 3, column 13"),
    ],
)
def test_a_wrong_setting_is_named_without_its_password(
    project: Project, monkeypatch: pytest.MonkeyPatch, wrong: str, setting: str
) -> None:
    monkeypatch.setenv("REDIS_PASSWORD", "hunter2")
    settings(project, f"online_store:\n  {wrong}\n")
    with pytest.raises(Unprocessable, match=setting) as caught:
        feast_config(project)
    shown = "".join(traceback.format_exception(caught.value))  # as a notebook shows it
    assert "hunter2" not in shown


@pytest.mark.slow
def test_a_registry_in_a_file_works_as_well(fresh_shop: Project) -> None:
    settings(fresh_shop, "registry: registry.pb\n")
    features = Features(fresh_shop)
    assert features.apply().created == ["clicks", "spend"]
    assert [view.name for view in Features(fresh_shop).views().items] == ["clicks", "spend"]
    features.materialize("spend")
    assert features.online(["spend:shop"], [{"user_id": 1, "item_id": "pen"}])[0].values == {
        "spend:shop": "x"
    }


def test_a_project_without_a_repository_is_empty_and_says_what_to_write(project: Project) -> None:
    features = Features(project)
    assert (features.views().total, features.list().total, features.search("x").total) == (0, 0, 0)
    with pytest.raises(NotFound, match="no feature definitions") as caught:
        features.apply()
    assert "mlinfra features define NAME FILE" in caught.value.fix


def test_a_process_that_dies_is_reported_with_what_it_printed(fresh_shop: Project) -> None:
    (fresh_shop.root / "feature_repo" / "deadly.py").write_text(
        "import os, sys\nprint('last words', flush=True)\nos._exit(9)\n"
    )
    with pytest.raises(MLInfraError, match="ended with 9 and no answer") as caught:
        Features(fresh_shop).apply()
    assert "last words" in caught.value.why


def test_an_interrupt_ends_the_process_too(fresh_shop: Project) -> None:
    pid_file = fresh_shop.root / "pid"
    code = (
        "import os, pathlib,"
        f" time\npathlib.Path({str(pid_file)!r}).write_text(str(os.getpid()))\ntime.sleep(60)\n"
    )
    (fresh_shop.root / "feature_repo" / "sleeps.py").write_text(code)

    ended = threading.Event()

    def interrupt() -> None:
        while not (pid_file.exists() and pid_file.read_text()):
            time.sleep(0.05)
        # Again, as anybody would: a thread of Polars may catch one that comes while it works.
        while not ended.is_set():
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            ended.wait(15)

    # What was started in the background of a shell ignores interrupts.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=interrupt).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            call(fresh_shop, "apply")
    finally:
        ended.set()
        signal.signal(signal.SIGINT, handler)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


@pytest.mark.slow
def test_a_damaged_copy_of_the_registry_is_built_again(applied_shop: Project) -> None:
    index = applied_shop.home / "features" / "index.json"
    for text in ("{", '{"format": 0, "mark": "", "views": []}'):
        index.write_text(text)
        assert Features(applied_shop).views().total == 2
    (applied_shop.home / "features" / "online.json").write_text("{")
    assert Features(applied_shop).show("clicks").view.online_at is None
