"""The secrets of the gateway: made once, for the owner alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

from jupyter_mlinfra.core.errors import Unprocessable
from jupyter_mlinfra.deployments.targets.secrets import authorization_file, keys_of


def test_secrets_are_made_once_and_only_the_owner_reads_them(
    tmp_path: Path, kit: ModuleType
) -> None:
    project = kit.open_project(tmp_path, "[deployments]\nrequire_token = true\n")
    with ThreadPoolExecutor(8) as crowd:
        (keys,) = set(crowd.map(lambda _: keys_of(project), range(16)))
    assert len(keys.token) > 30
    assert len(keys.probe) > 30
    assert keys.token != keys.probe
    file = authorization_file(project)
    assert file.read_text() == f"Authorization: Bearer {keys.token}\n"
    assert {path.name for path in file.parent.iterdir()} == {"authorization", "probe"}
    file.chmod(0o644)
    assert keys_of(project) == keys
    assert all(path.stat().st_mode & 0o077 == 0 for path in file.parent.iterdir())
    project.database.close()


def test_without_the_setting_no_token_is_needed(tmp_path: Path, kit: ModuleType) -> None:
    project = kit.open_project(tmp_path)
    assert keys_of(project).token == ""
    assert not authorization_file(project).exists()
    project.database.close()


@pytest.mark.parametrize(
    "text", ["", "Authorization: Bearer \n", "something else that is long enough\n"]
)
def test_a_file_without_a_secret_is_no_open_door(
    tmp_path: Path, kit: ModuleType, text: str
) -> None:
    project = kit.open_project(tmp_path, "[deployments]\nrequire_token = true\n")
    keys_of(project)
    authorization_file(project).write_text(text)
    with pytest.raises(Unprocessable, match="does not hold a secret"):
        keys_of(project)
    project.database.close()
