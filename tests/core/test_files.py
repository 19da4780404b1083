"""Whole files or none; locks that die with their holder."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mlinfra.core.errors import Conflict, Unavailable
from jupyter_mlinfra.core.files import explain_os_error, file_lock, write_atomic


def test_a_write_that_fails_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomic(path, b"old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match="disk is full"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    write_atomic(tmp_path / "file", b"x")
    assert (tmp_path / "file").stat().st_mode & 0o077 == 0


def test_a_second_holder_is_refused_and_the_lock_of_a_killed_process_is_free(
    tmp_path: Path,
) -> None:
    path = tmp_path / "lock"
    code = (
        "import pathlib, time\nfrom jupyter_mlinfra.core.files import file_lock\n"
        f"with file_lock(pathlib.Path({str(path)!r})):\n print('held', flush=True)\n time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    with (
        pytest.raises(Conflict, match="The demo is already under way"),
        file_lock(path, wait=False, what="The demo"),
    ):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with file_lock(path, wait=False):
        pass


def test_an_interrupted_write_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomic(path, b"old")

    def interrupt(handle: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize(("number", "word"), [(errno.ENOSPC, "full"), (errno.EROFS, "read-only")])
def test_a_lock_on_a_disk_that_takes_no_file_says_so(
    number: int, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(Unavailable, match=word), file_lock(tmp_path / "lock"):
        pass


def test_the_folder_that_exists_is_the_one_to_be_made_writable(tmp_path: Path) -> None:
    for name, shown in (("home/new/file", tmp_path), (".", tmp_path), (7, "there")):
        path = name if isinstance(name, int) else str(tmp_path / name)
        error = OSError(errno.EACCES, "Permission denied", path)
        assert explain_os_error(error, "It failed.").fix == (
            f"Give this user the right to write {shown}."
        )
