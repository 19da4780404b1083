"""Code snapshots: what is held, what is left out, and that it never changes."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from searches import examples

from jupyter_mlinfra.core.errors import NotFound, Unavailable, Unprocessable
from jupyter_mlinfra.jobs.code import snapshot
from jupyter_mlinfra.jobs.code.files import survey
from jupyter_mlinfra.jobs.code.snapshot import Snapshots


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / ".mlinfra").mkdir(parents=True)
    (folder / "n.ipynb").write_text('{"cells": []}')
    return folder


@pytest.fixture
def take(root: Path) -> Callable[..., Snapshots]:
    def make(max_mib: float = 10) -> Snapshots:
        return Snapshots(root, root / ".mlinfra", max_mib=max_mib)

    return make


def git(root: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words],
        cwd=root,
        check=True,
        capture_output=True,
    )


def files_of(tree: Path) -> dict[str, str]:
    return {
        str(path.relative_to(tree)): path.read_text()
        for path in sorted(tree.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def test_git_says_what_is_code_and_the_rest_is_linked(
    root: Path, take: Callable[..., Snapshots]
) -> None:
    git(root, "init", "-q")
    (root / ".gitignore").write_text("data/\n*.log\n")
    (root / "data").mkdir()
    (root / "data" / "big.csv").write_text("1,2\n")
    (root / "run.log").write_text("noise")
    (root / "tracked.py").write_text("a = 1\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "x")
    (root / "untracked.py").write_text("b = 2\n")
    (root / "tracked.py").write_text("a = 'changed'\n")
    snapshots = take()
    snapshot = snapshots.take(["n.ipynb"])
    tree = snapshots.tree(snapshot.id)
    assert files_of(tree) == {
        ".gitignore": "data/\n*.log\n",
        "n.ipynb": '{"cells": []}',
        "tracked.py": "a = 'changed'\n",
        "untracked.py": "b = 2\n",
    }
    assert (tree / "data").resolve() == root / "data"
    assert (tree / "data" / "big.csv").read_text() == "1,2\n"
    assert not (tree / ".mlinfra").exists()
    assert len(snapshot.commit) == 40
    assert snapshot.left_out == []


def test_an_ignored_notebook_is_held_when_it_is_the_one_that_runs(
    root: Path, take: Callable[..., Snapshots]
) -> None:
    git(root, "init", "-q")
    (root / ".gitignore").write_text("*.ipynb\n")
    snapshots = take()
    assert set(files_of(snapshots.tree(snapshots.take(["n.ipynb"]).id))) == {
        ".gitignore",
        "n.ipynb",
    }


def test_without_git_hidden_and_installed_files_are_no_code(
    root: Path, take: Callable[..., Snapshots], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(root / "nowhere"))  # as in a hook of another repository
    for name in (
        "lib/mod.py",
        ".hidden/x.py",
        "__pycache__/x.pyc",
        "my env/bin/tool",
        "my env/pyvenv.cfg",
        ".secret",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    snapshots = take()
    tree = snapshots.tree(snapshots.take([]).id)
    assert set(files_of(tree)) == {"n.ipynb", "lib/mod.py"}
    assert (tree / "my env" / "bin" / "tool").read_text() == "my env/bin/tool"


def test_the_largest_files_are_left_out_beyond_the_limit_and_listed(
    root: Path, take: Callable[..., Snapshots]
) -> None:
    (root / "small.py").write_text("x" * 100)
    (root / "large.csv").write_text("x" * 300_000)
    (root / "larger.csv").write_text("x" * 900_000)
    snapshots = take(0.5)
    snapshot = snapshots.take(["n.ipynb"])
    assert [(item.path, item.size) for item in snapshot.left_out] == [("larger.csv", 900_000)]
    assert "0.5 MiB" in snapshot.left_out[0].why
    assert (snapshot.files, snapshot.size) == (3, 13 + 100 + 300_000)
    tree = snapshots.tree(snapshot.id)
    assert (tree / "larger.csv").resolve() == root / "larger.csv"


def test_the_same_code_is_the_same_snapshot_and_any_change_another(
    root: Path, take: Callable[..., Snapshots]
) -> None:
    seen = [take().take(["n.ipynb"]).id, take().take(["n.ipynb"]).id]
    (root / "n.ipynb").write_text('{"cells": [1]}')
    seen.append(take().take(["n.ipynb"]).id)
    (root / "n.ipynb").chmod(0o755)
    seen.append(take().take(["n.ipynb"]).id)
    (root / "n.ipynb").rename(root / "m.ipynb")
    seen.append(take().take(["m.ipynb"]).id)
    assert seen[0] == seen[1]
    assert len(set(seen)) == 4


def test_a_checkout_does_not_change_with_the_project_and_is_not_to_be_written(
    root: Path, take: Callable[..., Snapshots]
) -> None:
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    snapshots = take()
    tree = snapshots.tree(snapshots.take(["n.ipynb"]).id)
    with open(root / "n.ipynb", "r+") as file:  # in place, as no editor does
        file.write("XXXX")
    assert (tree / "n.ipynb").read_text() == '{"cells": []}'
    assert (tree / "n.ipynb").stat().st_mode & 0o777 == 0o400
    assert (tree / "run.sh").stat().st_mode & 0o777 == 0o500


def test_links_are_kept_and_do_not_break_when_they_leave_the_project(
    root: Path, take: Callable[..., Snapshots], tmp_path: Path
) -> None:
    (tmp_path / "outside.txt").write_text("outside")
    (root / "inside").symlink_to("n.ipynb")
    (root / "out").symlink_to("../outside.txt")
    (root / "nowhere").symlink_to("missing")
    snapshots = take()
    tree = snapshots.tree(snapshots.take([]).id)
    assert os.readlink(tree / "inside") == "n.ipynb"
    assert (tree / "out").read_text() == "outside"
    assert os.readlink(tree / "nowhere") == "missing"


@pytest.mark.parametrize(
    "name",
    [
        "a b.py",
        "quote'\".py",
        "new\nline.py",
        "-n.py",
        "ü🚀.py",
        "$(x).py",
        os.fsdecode(b"not-utf8-\xff.py"),
    ],
)
def test_hostile_file_names_are_held(name: str, root: Path, take: Callable[..., Snapshots]) -> None:
    for repository in (False, True):
        if repository:
            git(root, "init", "-q")
        (root / name).write_text(f"x = {repository}\n")
        snapshots = take()
        assert (snapshots.tree(snapshots.take([]).id) / name).read_text() == f"x = {repository}\n"


def test_a_file_that_vanishes_while_it_is_listed_is_no_failure(
    root: Path, take: Callable[..., Snapshots], monkeypatch: pytest.MonkeyPatch
) -> None:
    git(root, "init", "-q")
    (root / "gone.py").write_text("x")
    git(root, "add", "-A")
    (root / "gone.py").unlink()
    snapshots = take()
    assert "gone.py" not in files_of(snapshots.tree(snapshots.take([]).id))


def test_a_checkout_that_was_cleaned_away_is_made_again(
    root: Path, take: Callable[..., Snapshots]
) -> None:
    snapshots = take()
    ident = snapshots.take(["n.ipynb"]).id
    old = 1_000_000
    for part in ("trees", "manifests"):
        for path in (root / ".mlinfra" / "snapshots" / part).iterdir():
            os.utime(path, (old, old))
    snapshots.prune(running=[], known=[ident], beat=int)
    assert not snapshots.tree_path(ident).exists()
    assert (snapshots.tree(ident) / "n.ipynb").read_text() == '{"cells": []}'
    for part in ("trees", "manifests"):
        for path in (root / ".mlinfra" / "snapshots" / part).iterdir():
            os.utime(path, (old, old))
    snapshots.prune(running=[ident], known=[], beat=int)
    assert snapshots.tree_path(ident).exists()
    snapshots.prune(running=[], known=[], beat=int)
    assert [
        path for path in (root / ".mlinfra" / "snapshots" / "objects").rglob("*") if path.is_file()
    ] == []
    with pytest.raises(NotFound, match="There is no code snapshot"):
        snapshots.tree(ident)


def test_a_walk_without_git_comes_to_an_end(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_mlinfra.jobs.code.files.MAX_FILES", 3)
    for number in range(9):
        (root / f"{number}.py").write_text("x")
    found, _, _ = survey(root, root / ".mlinfra")
    assert len(found.code) == 3
    assert "use git" in found.left_out[0].why


def test_without_git_hidden_files_and_linked_folders_are_found_beside_the_code(
    root: Path, take: Callable[..., Snapshots], tmp_path: Path
) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "big.csv").write_text("1,2\n")
    (root / "lib").mkdir()
    (root / "lib" / "data").symlink_to(tmp_path / "disk")
    (root / "circle").symlink_to(root)
    (root / "lib" / ".env").write_text("A=1")
    snapshots = take()
    snapshot = snapshots.take(["n.ipynb"])
    tree = snapshots.tree(snapshot.id)
    assert (tree / "lib" / "data" / "big.csv").read_text() == "1,2\n"
    assert (tree / "lib" / ".env").read_text() == "A=1"
    assert (tree / "circle").resolve() == root
    assert snapshot.files == 1


def test_data_that_comes_later_is_found_by_the_next_job_of_the_same_code(
    root: Path, take: Callable[..., Snapshots]
) -> None:
    git(root, "init", "-q")
    (root / ".gitignore").write_text("data/\n*.log\nwork/\n")
    (root / "lib").mkdir()
    (root / "lib" / "mod.py").write_text("x")
    (root / "work").mkdir()
    (root / "work" / "w.ipynb").write_text("{}")
    first = take().take(["work/w.ipynb"]).id
    tree = take().tree(first)
    (tree / "lib" / "of a job that runs").write_text("kept")
    for path in ("data/a.csv", "lib/run.log", "work/rows.csv"):
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(path)
    assert take().take(["work/w.ipynb"]).id == first
    for path in ("data/a.csv", "lib/run.log", "work/rows.csv"):
        assert (tree / path).read_text() == path
    assert (tree / "lib" / "of a job that runs").read_text() == "kept"
    assert not (root / "lib" / "of a job that runs").exists()


def test_what_is_left_out_and_the_commit_are_those_of_each_submit(
    root: Path, take: Callable[..., Snapshots]
) -> None:
    git(root, "init", "-q")
    commits = []
    for message in ("one", "two"):
        git(root, "add", "n.ipynb")
        git(root, "commit", "-qm", message, "--allow-empty")
        commits.append(take().take(["n.ipynb"]).commit)
    assert len(set(commits)) == 2
    (root / "large.csv").write_text("x" * 900_000)
    snapshot = take(0.5).take(["n.ipynb"])
    assert [item.path for item in snapshot.left_out] == ["large.csv"]
    assert (take().tree(snapshot.id) / "large.csv").resolve() == root / "large.csv"
    (root / "large.csv").write_text("x" * 900_001)
    assert take(0.5).take(["n.ipynb"]).id == snapshot.id, (
        "a file that is left out and grows is no other code"
    )


def test_a_job_that_rewrites_its_checkout_changes_no_code_but_its_own(
    root: Path, take: Callable[..., Snapshots], tmp_path: Path
) -> None:
    (root / "lib").mkdir()
    (root / "lib" / "mod.py").write_text("good")
    (root / "run.sh").write_text("#!/bin/sh\n")
    first = take().take(["n.ipynb"]).id
    tree = take().tree(first)
    (root / "n.ipynb").write_text('{"cells": [1]}')
    second = take().tree(take().take(["n.ipynb"]).id)
    (tree / "lib" / "mod.py").chmod(0o600)
    (tree / "lib" / "mod.py").write_text("evil")  # of the same size
    (tree / "run.sh").unlink()
    (tree / "lib" / "result.txt").write_text("of the job")
    assert (second / "lib" / "mod.py").read_text() == "good"
    assert take().tree(first) == tree
    assert files_of(tree) == {
        "lib/mod.py": "good",
        "lib/result.txt": "of the job",
        "n.ipynb": '{"cells": []}',
        "run.sh": "#!/bin/sh\n",
    }
    assert (tree / "lib" / "mod.py").stat().st_mode & 0o777 == 0o400


def test_mending_a_checkout_never_writes_through_a_link_that_a_job_put_there(
    root: Path, take: Callable[..., Snapshots]
) -> None:
    (root / "lib").mkdir()
    (root / "lib" / "mod.py").write_text("frozen")
    first = take().take(["n.ipynb"]).id
    tree = take().tree(first)
    shutil.rmtree(tree / "lib")
    (tree / "lib").symlink_to(root / "lib")
    (root / "lib" / "mod.py").write_text("newer work of the user")
    assert (take().tree(first) / "lib" / "mod.py").read_text() == "frozen"
    assert (root / "lib" / "mod.py").read_text() == "newer work of the user"


def test_a_damaged_object_is_stored_again_by_the_next_submit_and_never_run(
    root: Path, take: Callable[..., Snapshots]
) -> None:
    ident = take().take(["n.ipynb"]).id
    store = root / ".mlinfra" / "snapshots"
    (damaged,) = (path for path in (store / "objects").rglob("*") if path.is_file())
    shutil.rmtree(store / "trees" / ident)
    damaged.chmod(0o600)
    damaged.write_text("evil")
    with pytest.raises(Unprocessable, match=r"frozen n\.ipynb is damaged.*Submit the job again"):
        take().tree(ident)
    damaged.write_text("evil")
    assert (take().tree(take().take(["n.ipynb"]).id) / "n.ipynb").read_text() == '{"cells": []}'


def test_a_checkout_of_hard_links_made_by_an_earlier_version_is_made_of_copies(
    root: Path, take: Callable[..., Snapshots]
) -> None:
    ident = take().take(["n.ipynb"]).id
    store = root / ".mlinfra" / "snapshots"
    (held,) = (path for path in (store / "objects").rglob("*") if path.is_file())
    shutil.rmtree(store / "stamps")
    (store / "trees" / ident / "n.ipynb").unlink()
    os.link(held, store / "trees" / ident / "n.ipynb")
    assert (take().tree(ident) / "n.ipynb").stat().st_nlink == 1


def test_drafts_of_a_killed_submit_go_after_a_day(
    root: Path, take: Callable[..., Snapshots]
) -> None:
    take().take(["n.ipynb"])
    store, old = root / ".mlinfra" / "snapshots", time.time() - 2 * 86_400
    (store / "trees" / ".tree.old" / "lib").mkdir(parents=True)
    (store / "trees" / ".tree.new").mkdir()
    for path in (store / ".object.old", store / "manifests" / ".x.json.old", store / ".object.new"):
        path.write_text("x")
    for path in (
        store / ".object.old",
        store / "manifests" / ".x.json.old",
        store / "trees" / ".tree.old",
    ):
        os.utime(path, (old, old))
    take().prune(running=[], known=[], beat=int)
    assert {path.name for path in store.rglob(".*")} == {".object.new", ".tree.new"}


@settings(
    max_examples=examples(20),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    contents=st.dictionaries(
        st.text(alphabet="abcxyz", min_size=1, max_size=4), st.binary(max_size=50), max_size=6
    )
)
def test_a_checkout_holds_exactly_the_bytes_of_the_project(
    contents: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("project")
    (root / ".mlinfra").mkdir()
    for name, data in contents.items():
        (root / name).write_bytes(data)
    snapshots = Snapshots(root, root / ".mlinfra", max_mib=1)
    tree = snapshots.tree(snapshots.take([]).id)
    assert {
        path.name: path.read_bytes() for path in tree.iterdir() if not path.is_symlink()
    } == contents


def test_the_files_of_a_snapshot_are_read_as_they_were(
    root: Path, take: Callable[..., Snapshots]
) -> None:
    (root / "a.py").write_text("a = 1")
    (root / "link.py").symlink_to("a.py")
    snapshots = take()
    files = snapshots.files(snapshots.take(["n.ipynb"]).id)
    (root / "a.py").write_text("a = 2")
    assert (files.read("a.py"), files.read("n.ipynb")) == (b"a = 1", b'{"cells": []}')
    for absent in ("b.py", "link.py", "../project/a.py"):
        with pytest.raises(NotFound, match=r"It was not a file.*mlinfra jobs code"):
            files.read(absent)
    shutil.rmtree(root / ".mlinfra" / "snapshots" / "objects")
    with pytest.raises(NotFound, match=r"a\.py of snapshot .* is gone"):
        files.read("a.py")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        '{"files": []}',
        '{"files": {"n.ipynb": {}}, "left_out": [], "commit": ""}',
        "[" * 100_000,
    ],
)
def test_a_damaged_list_of_files_is_written_again_by_the_next_submit(
    text: str, root: Path, take: Callable[..., Snapshots]
) -> None:
    snapshots = take()
    known = snapshots.take(["n.ipynb"])
    (manifest,) = (root / ".mlinfra" / "snapshots" / "manifests").iterdir()
    manifest.write_text(text)
    for read in (snapshots.show, snapshots.tree, lambda ident: snapshots.diff(ident, limit=10)):
        with pytest.raises(Unprocessable, match=r"snapshot .* is damaged.*Submit the job again"):
            read(known.id)
    assert snapshots.take(["n.ipynb"]) == known
    assert files_of(snapshots.tree(known.id)) == {"n.ipynb": '{"cells": []}'}


def test_a_damaged_list_of_files_keeps_nothing_else_from_being_tidied(
    root: Path, take: Callable[..., Snapshots]
) -> None:
    snapshots = take()
    old = snapshots.take(["n.ipynb"])
    (root / "n.ipynb").write_text('{"cells": [1]}')
    new = snapshots.take(["n.ipynb"])
    manifests = root / ".mlinfra" / "snapshots" / "manifests"
    (manifests / f"{old.id}.json").write_text("{")
    snapshots.prune(running=[], known=[new.id], beat=int)
    assert [path.stem for path in manifests.iterdir()] == [new.id]
    assert files_of(snapshots.tree(new.id)) == {"n.ipynb": '{"cells": [1]}'}


@pytest.mark.parametrize("fault", [errno.EIO, errno.ESTALE, errno.EACCES])
def test_a_list_of_files_that_cannot_be_read_for_a_moment_costs_no_snapshot(
    fault: int, root: Path, take: Callable[..., Snapshots], monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshots = take()
    known = snapshots.take(["n.ipynb"])
    monkeypatch.setattr(
        snapshot,
        "read_regular",
        lambda path: (_ for _ in ()).throw(OSError(fault, os.strerror(fault), str(path))),
    )
    for read in (
        lambda: snapshots.prune(running=[], known=[known.id], beat=int),
        lambda: snapshots.tree(known.id),
    ):
        with pytest.raises(Unavailable, match=r"snapshot .* cannot be read"):
            read()
    monkeypatch.undo()
    shutil.rmtree(snapshots.tree_path(known.id))
    assert files_of(snapshots.tree(known.id)) == {"n.ipynb": '{"cells": []}'}


def test_what_is_no_file_in_place_of_a_list_of_files_is_damage(
    root: Path, take: Callable[..., Snapshots]
) -> None:
    snapshots = take()
    known = snapshots.take(["n.ipynb"])
    (manifest,) = (root / ".mlinfra" / "snapshots" / "manifests").iterdir()
    manifest.unlink()
    os.mkfifo(manifest)
    with pytest.raises(Unprocessable, match=r"snapshot .* is damaged.*Submit the job again"):
        snapshots.show(known.id)
    assert snapshots.take(["n.ipynb"]) == known


@pytest.mark.parametrize("entry", ["null", "[]", '[[1, 2, 3, 4], ""]', '["x"]', '{"a": 1}'])
def test_a_damaged_note_of_known_digests_refuses_no_submit(
    entry: str, root: Path, take: Callable[..., Snapshots]
) -> None:
    snapshots = take()
    known = snapshots.take(["n.ipynb"])
    (root / ".mlinfra" / "snapshots" / "cache.json").write_text(f'{{"n.ipynb": {entry}}}')
    assert snapshots.take(["n.ipynb"]) == known
