"""Who acts in a project, and what its folder shows of it."""

from __future__ import annotations

import errno
import os
import pwd
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlinfra.core.errors import Unavailable
from jupyter_mlinfra.core.project import Project


def test_a_user_without_an_account_is_known_by_number(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MLINFRA_USER", "JUPYTERHUB_USER", "LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)

    def unknown(number: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert project.user == f"uid-{os.getuid()}"


def test_git_never_lists_the_state(project: Project) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=project.root, check=True)
    project.events.last_id()
    listed = subprocess.run(
        ["git", "status", "--porcelain", "-uall"],
        cwd=project.root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert listed.split() == ["??", "mlinfra.toml"]
    assert (project.home / "state.db").exists()


def _reopened(project: Project) -> Project:
    return Project(project.root)


@pytest.fixture
def home(project: Project) -> Iterator[Path]:
    """A state folder that was there before, such as one that was unpacked."""
    home = project.root / ".mlinfra"
    home.mkdir(mode=0o755)
    yield home
    os.chmod(home, 0o700)


@pytest.mark.parametrize("home", [".", "../"])
def test_a_folder_in_which_the_project_lies_is_neither_closed_nor_hidden(
    tmp_path: Path, home: str
) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / "mlinfra.toml").write_text(f'home = "{home}"\n')
    for folder in (tmp_path, root):
        folder.chmod(0o755)
    assert Project.open(root).home == (root / home).resolve()
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (tmp_path, root)] == [0o755, 0o755]
    assert not list(tmp_path.rglob(".gitignore"))


@pytest.mark.parametrize("mode", [0o755, 0o775, 0o750, 0o777])
def test_a_state_folder_that_is_open_to_other_users_is_closed(
    project: Project, home: Path, mode: int
) -> None:
    home.chmod(mode)
    assert stat.S_IMODE(_reopened(project).home.stat().st_mode) == 0o700


def test_a_folder_that_others_share_is_no_state_folder_and_stays_as_it_is(
    project: Project, home: Path
) -> None:
    home.chmod(0o1777)
    with pytest.raises(Unavailable, match=r"open to other users.*1777.*chmod 700"):
        _reopened(project).home.stat()
    assert stat.S_IMODE(home.stat().st_mode) == 0o1777


@pytest.mark.parametrize(("number", "refused"), [(errno.EPERM, True), (errno.EROFS, False)])
def test_a_folder_that_cannot_be_closed_is_refused_unless_nothing_there_can_be_changed(
    project: Project, home: Path, monkeypatch: pytest.MonkeyPatch, number: int, refused: bool
) -> None:
    home.chmod(0o755)

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "chmod", fail)
    if refused:
        with pytest.raises(Unavailable, match="open to other users"):
            _reopened(project).home.stat()
    else:
        assert _reopened(project).home == home


def test_a_file_system_that_keeps_no_modes_is_refused(
    project: Project, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.chmod(0o755)
    monkeypatch.setattr(Path, "chmod", lambda *_, **__: None)
    with pytest.raises(Unavailable, match="keeps no modes"):
        _reopened(project).home.stat()
