"""What of the code is not committed: counted before a submit, kept with the snapshot, and what is
left out is named.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlinfra.core.errors import NotFound, TooLarge
from jupyter_mlinfra.jobs.code import uncommitted as changes
from jupyter_mlinfra.jobs.code.snapshot import Snapshots


def git(root: Path, *words: str) -> str:
    return subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project in a folder of a repository, with a commit."""
    folder = tmp_path / "repository" / "project"
    (folder / ".mlinfra").mkdir(parents=True)
    (folder / "n.ipynb").write_text('{"cells": []}\n')
    (folder / "kept.py").write_text("a = 1\nb = 2\n")
    (folder / "old.py").write_text("x = 1\n")
    (folder.parent / "beside.py").write_text("y = 1\n")
    (folder.parent / ".gitignore").write_text(".mlinfra/\n*.secret\n")
    git(folder.parent, "init", "-q")
    git(folder.parent, "add", "-A")
    git(folder.parent, "commit", "-qm", "x")
    return folder


@pytest.fixture
def snapshots(root: Path) -> Callable[..., Snapshots]:
    return lambda max_mib=10: Snapshots(root, root / ".mlinfra", max_mib=max_mib)


def edit(root: Path) -> None:
    (root / "kept.py").write_text("a = 1\nb = 3\n")
    (root / "new file.py").write_text("c = 4\nlast")
    (root / "picture.bin").write_bytes(b"\0\1")
    (root / "old.py").unlink()
    (root.parent / "beside.py").write_text("y = 2\n")  # not of the project


def test_a_preview_counts_what_a_snapshot_holds_then(
    root: Path, snapshots: Callable[..., Snapshots]
) -> None:
    edit(root)
    (root / "key.secret").write_text("x")
    seen = snapshots().preview(["n.ipynb"], limit=2)
    taken = snapshots().take(["n.ipynb"])
    assert (seen.files, seen.size, seen.commit) == (taken.files, taken.size, taken.commit)
    assert (seen.uncommitted.items, seen.uncommitted.total, taken.uncommitted) == (
        ["kept.py", "new file.py"],
        4,
        4,
    )
    assert seen.left_out.total == len(taken.left_out) == 0


def test_a_preview_keeps_nothing_and_names_what_is_left_out(
    root: Path, snapshots: Callable[..., Snapshots]
) -> None:
    (root / "big.dat").write_bytes(b"x" * 20_000)
    seen = snapshots(max_mib=0.01).preview(["n.ipynb"], limit=50)
    assert [(item.path, item.size) for item in seen.left_out.items] == [("big.dat", 20_000)]
    assert not (root / ".mlinfra" / "snapshots" / "objects").exists()
    with pytest.raises(TooLarge):
        snapshots(max_mib=0.01).preview(["big.dat"], limit=50)


def test_the_difference_is_git_s_own_for_what_it_knows_and_has_new_files_whole(
    root: Path, snapshots: Callable[..., Snapshots]
) -> None:
    edit(root)
    found = snapshots().diff(snapshots().take(["n.ipynb"]).id, limit=10_000)
    known = git(root, "diff", "--relative", "HEAD", "--", ".")
    assert found.text.startswith(known)
    assert "-b = 2\n+b = 3\n" in known
    assert "beside.py" not in found.text
    assert (
        "diff --git a/new file.py b/new file.py\nnew file\n--- /dev/null\n+++ b/new file.py\n@@"
        " -0,0 +1,2 @@\n+c = 4\n+last\n\\ No newline" in found.text
    )
    assert "Binary files /dev/null and b/picture.bin differ" in found.text
    assert (found.shown, found.total) == (len(found.text.encode()), len(found.text.encode()))


def test_git_can_apply_a_difference_to_the_commit(
    root: Path, snapshots: Callable[..., Snapshots], tmp_path: Path
) -> None:
    edit(root)
    (root / "picture.bin").unlink()
    text = (
        snapshots()
        .diff(snapshots().take(["n.ipynb"]).id, limit=10_000)
        .text.replace("new file\n", "new file mode 100644\n")
    )
    again = tmp_path / "again"
    git(root.parent, "worktree", "add", "-q", str(again), "HEAD")
    subprocess.run(
        ["git", "apply", "--directory=project", "-"],
        input=text,
        cwd=again,
        check=True,
        text=True,
        capture_output=True,
    )
    assert {path.name: path.read_text() for path in (again / "project").iterdir()} == {
        path.name: path.read_text() for path in root.iterdir() if path.is_file()
    }


def test_a_difference_stays_as_it_was_when_the_code_goes_on(
    root: Path, snapshots: Callable[..., Snapshots]
) -> None:
    edit(root)
    ident = snapshots().take(["n.ipynb"]).id
    before = snapshots().diff(ident, limit=10_000)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "y")
    assert snapshots().diff(ident, limit=10_000) == before
    clean = snapshots().take(["n.ipynb"])
    assert (clean.uncommitted, snapshots().diff(clean.id, limit=10_000).text) == (0, "")


def test_a_difference_is_cut_at_a_line_and_says_so(
    root: Path, snapshots: Callable[..., Snapshots], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "KEPT_BYTES", 5_000)
    (root / "long.py").write_text("word\n" * 3_000)
    (root / "kept.py").write_text("other\n" * 3_000)
    ident = snapshots().take(["n.ipynb"]).id
    found = snapshots().diff(ident, limit=1_000)
    assert found.shown == len(found.text.encode()) <= 1_000
    assert found.text.endswith("+other\n")
    assert found.total > 3_000 * (len("+word\n") + len("+other\n"))
    assert snapshots().diff(ident, limit=10_000).shown == 5_000


def test_without_a_commit_nothing_is_said_of_one(tmp_path: Path) -> None:
    (tmp_path / ".mlinfra").mkdir()
    (tmp_path / "n.ipynb").write_text("{}")
    plain = Snapshots(tmp_path, tmp_path / ".mlinfra", max_mib=1)
    taken = plain.take(["n.ipynb"])
    found = plain.diff(taken.id, limit=100)
    assert (taken.commit, taken.uncommitted, found.text, found.total) == ("", None, "", 0)
    assert plain.preview(["n.ipynb"], limit=5).uncommitted.total == 0


def test_a_difference_goes_with_its_snapshot(
    root: Path, snapshots: Callable[..., Snapshots], monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(root)
    ident = snapshots().take(["n.ipynb"]).id
    kept = root / ".mlinfra" / "snapshots" / "diffs" / f"{ident}.diff"
    assert kept.stat().st_mode & 0o077 == 0
    monkeypatch.setattr("jupyter_mlinfra.jobs.code.snapshot._FRESH_SECONDS", -10.0)
    snapshots().prune(running=[], known=[], beat=int)
    assert not kept.exists()
    with pytest.raises(NotFound):
        snapshots().diff(ident, limit=10)
