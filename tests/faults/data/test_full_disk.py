"""Verbs on a disk that is really full, a small one, with more or less room left: what is refused
says that the disk is full, each verb has done all or nothing, and with room again it is done.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from steps import Place, Works

FULL = r"disk is full|disk quota|disk I/O error|unable to open|no space left"
"""How SQLite, our files and native code tell it."""
ROOMS = [0, 4, 16, 48, 96, 192, 400]
"""KiB that are left; what a verb needs is between."""
SETTINGS = (
    '[jobs]\nwarm_kernels = 0\n[catalog.tiers.cold]\nwarehouse = "cold"\n'
    '[features]\napply_minutes = 60\nas_of = "2026-03-05T00:00:00Z"\n'
)
OF_FEATURES = {"first": "online", "backfill": "online", "snapshot": "seen"}
LONG = [pytest.mark.slow, pytest.mark.timeout(1800)]
VERBS = ["upsert", "compact", "move", "restore", "expire", "delete", "undelete", "mend"]


class Disk:
    """A small file system, which is mounted on a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._filling = folder, folder / "filling"

    def fill(self, room: int) -> None:
        """Leave so many KiB."""
        with self._filling.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        with self._filling.open("r+b") as file:
            file.truncate(max(self._filling.stat().st_size - room * 1024, 0))

    def free(self) -> None:
        self._filling.unlink(missing_ok=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", "size=32m,mode=700", "tmpfs", str(folder)]
    done = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"needs the right to mount, as root has it: {done.stderr.strip()}")
    yield Disk(folder)
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def faults(works: Works, disk: Disk, verb: str, look: str, rooms: list[int]) -> Iterator[str]:
    """What is wrong with each room. look: the work that tells what a user sees."""
    works.told(f"before_{verb}")
    before, place = works.told(look), Place(disk.folder)
    works.told(verb)
    after = works.told(look)
    assert before != after
    refused = 0
    for room in rooms:
        place.again()
        disk.fill(room)
        run = works.run(verb)
        disk.free()
        where = f"{verb}, {room} KiB left"
        if run.error and (run.code != "unavailable" or not re.search(FULL, run.error, re.I)):
            yield f"{where}: not told as a full disk: {run.code} {run.error}"
        if run.error and "space" not in run.error and "room" not in run.error:
            yield f"{where}: no word of what to do: {run.error}"
        refused += bool(run.error)
        # One that was done may still be told as refused: a note of it found no room.
        ends = (before, after) if run.error else (after,)
        if lasting(seen := works.told(look)) not in map(lasting, ends):
            yield f"{where}, {run.error or 'done'}: {seen}"
        again = works.run(verb)
        nothing_to_do = lasting(seen) == lasting(after) and again.code in ("conflict", "not_found")
        if run.error and again.error and not nothing_to_do:
            yield f"{where}: cannot be called again: {again.error}"
        if lasting(seen := works.told(look)) != lasting(after):
            yield f"{where}, again: {seen}"
        if look == "seen" and after["rows"] is not None and (left := works.told("left_over")):
            yield f"{where}: left {left}"
    if not refused:
        yield f"{verb} needs no room"


def lasting(seen: dict[str, Any]) -> dict[str, Any]:
    """Without the number of states, of which a repeated verb may make one more, and the ends of
    Feast's intervals.
    """
    return {name: value for name, value in seen.items() if name not in ("states", "until")}


@pytest.mark.parametrize(
    ("verb", "rooms"),
    [
        ("ingest", [0, 48]),
        *(pytest.param(verb, ROOMS, marks=LONG) for verb in ("ingest", *VERBS, *OF_FEATURES)),
    ],
)
def test_what_a_full_disk_refuses_loses_nothing_and_is_done_with_room_again(
    disk: Disk, verb: str, rooms: list[int]
) -> None:
    root = disk.folder / "project"
    root.mkdir()
    (root / "mlinfra.toml").write_text(SETTINGS)
    module = "features_work" if verb in OF_FEATURES else "catalog_work"
    with Works(module, root) as works:
        look = OF_FEATURES.get(verb, "seen")
        assert list(faults(works, disk, verb, look, rooms)) == []


def test_on_a_full_disk_rows_are_read_and_profiled_but_no_masked_value_is_shown(
    disk: Disk,
) -> None:
    """Sketches are kept another time; the search, and the audit log, say that there is no room."""
    root = disk.folder / "project"
    root.mkdir()
    (root / "mlinfra.toml").write_text(SETTINGS)
    with Works("catalog_work", root) as works:
        works.told("before_read")
        disk.fill(160)  # SQLite makes room to read: 32 KiB for each file
        assert works.told("read") == {"rows": 2, "profile": 2}
        disk.fill(0)
        for verb in ("search", "reveal"):
            run = works.run(verb)
            assert (run.code, run.value) == ("unavailable", None)
            assert re.search(FULL, run.error, re.I)
            assert "Free some space" in run.error
        disk.free()
        assert works.told("search") == ["t.a"]
        assert works.told("reveal") == {"values": ["old", "old"], "audited": 1}
