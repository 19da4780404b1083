"""A version beside the one that is live, before it is deployed."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import Conflict, NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments import Deployments, live_changes
from jupyter_mlinfra.deployments.live_changes import (
    MOST_BYTES,
    MOST_NOTEBOOK_BYTES,
    code_changes,
)
from jupyter_mlinfra.deployments.spec import VersionState
from jupyter_mlinfra.experiments.cards import CardColumn, ModelCard
from jupyter_mlinfra.experiments.spec import Run
from jupyter_mlinfra.jobs import SnapshotFiles
from tests.server.noted import made_up


def run(job: str | None, **more: Any) -> Run:
    made: Run = made_up(Run)
    return replace(made, job=job, notebook="train.ipynb", datasets=["dataset:f.t@1"], **more)


def notebook(*sources: str, printed: str = "") -> bytes:
    output = {"output_type": "stream", "text": printed}
    cells = [{"cell_type": "code", "source": text, "outputs": [output]} for text in sources]
    return json.dumps({"cells": cells}).encode()


class Jobs:
    """Snapshots of jobs by their ids."""

    def __init__(self, folder: Path, files: Mapping[str, Mapping[str, bytes]]) -> None:
        self._folder, self._files = folder, files

    def __call__(self, job: str) -> SnapshotFiles:
        if job not in self._files:
            raise NotFound(f"Snapshot {job} is gone.", "It was removed.")
        for body in self._files[job].values():
            (self._folder / str(hash(body))).write_bytes(body)
        keys = {path: str(hash(body)) for path, body in self._files[job].items()}
        objects = SimpleNamespace(path=lambda key: self._folder / key)
        return SnapshotFiles(job, keys, objects)  # type: ignore[arg-type]


BEFORE = {
    "README.md": b"same\n",
    "flights.py": b"RATE = 0.1\n",
    "old.py": b"x = 1\n",
    "train.ipynb": notebook("import flights", "fit(depth=4)", printed="auc 0.7"),
    "weights.bin": b"\xff\x00",
}
AFTER = {
    **BEFORE,
    "flights.py": b"RATE = 0.2\n",
    "report.ipynb": notebook("1", printed="a"),
    "train.ipynb": notebook("import flights", "fit(depth=6)", printed="auc 0.8"),
    "weights.bin": b"\xff\x01",
}
del AFTER["old.py"]


def test_code_differs_by_what_cells_say_and_the_notebook_comes_first(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, {"1": BEFORE, "2": AFTER | {"printed.ipynb": notebook("2", printed="b")}})
    jobs._files["1"]["printed.ipynb"] = notebook("2", printed="a")  # type: ignore[index]
    code, notes = code_changes([("f/1", run("1")), ("f/2", run("2"))], jobs, tmp_path)
    heads = [line for line in code.splitlines() if line.startswith("diff ")]
    names = ["train.ipynb", "flights.py", "old.py", "report.ipynb", "weights.bin"]
    assert heads == [f"diff --git a/{name} b/{name}" for name in names]
    changed = [line for line in code.splitlines() if line[:1] in "+-" and line[:3] != "+++"]
    assert changed[1:3] == ["-fit(depth=4)", "+fit(depth=6)"]
    assert "auc" not in code
    assert code.endswith("no text.")
    assert notes == []


def both(folder: Path, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Any:
    """The code of two versions beside each other."""
    jobs = Jobs(folder, {"1": before, "2": after})
    return code_changes([("f/1", run("1")), ("f/2", run("2"))], jobs, folder)


def test_a_large_file_is_compared_in_seconds_and_a_larger_one_is_not_read(tmp_path: Path) -> None:
    old = [f"line {number % 13_000}" for number in range(40_000)]
    new = [f"{line}x" if number % 160 == 0 else line for number, line in enumerate(old)]
    files = [{"names.txt": "\n".join(lines).encode()} for lines in (old, new)]
    begun = time.monotonic()
    code, notes = both(tmp_path, *files)
    assert time.monotonic() - begun < 5
    assert [code.count(f"\n{sign}line") for sign in "-+"] == [250, 250]
    assert notes == []
    large = {"a.csv": b"x" * (MOST_BYTES + 1), "a.ipynb": b"x" * (MOST_NOTEBOOK_BYTES + 1)}
    code, notes = both(tmp_path, dict.fromkeys(large, b""), large)
    assert code.splitlines() == [
        "diff --git a/a.csv b/a.csv",
        "It is not compared: it is larger than 1 MB.",
        "diff --git a/a.ipynb b/a.ipynb",
        "Its content is no notebook.",
    ]
    code, _ = both(tmp_path, {}, large)
    assert code.endswith("It is not compared: it is larger than 10 MB.")


def test_what_is_left_out_of_the_code_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = dict.fromkeys(("a.py", "b.py", "c.py"), b"new\n" * 9)
    monkeypatch.setattr(live_changes, "MOST_LINES", 15)
    code, notes = both(tmp_path, {}, new)
    assert len(code.splitlines()) == 15
    assert notes == ["The first 15 lines of the code are shown, of 2 of 3 changed files."]
    monkeypatch.setattr(live_changes, "SECONDS", 0)
    assert both(tmp_path, {}, new) == (
        "",
        ["3 of 3 changed files are not compared: it took over 0 s."],
    )
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(tmp_path))
    code, notes = both(tmp_path, {}, new)
    assert code.splitlines() == [f"diff --git a/{name} b/{name}" for name in new]
    assert notes[0].startswith("3 of 3 changed files are not compared. git cannot be started.")


def test_the_user_s_git_settings_have_no_part_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = f"touch {tmp_path / 'ran'}"
    settings = f'[diff]\nexternal = "{command}"\nnoprefix = true\n[color]\nui = always\n'
    (tmp_path / ".gitconfig").write_text(settings)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", command)
    code, _ = both(tmp_path, {"é b.py": b"x\x00\n"}, {"é b.py": b"y"})
    name = "é b.py"
    assert code.splitlines() == [
        *(f"diff --git a/{name} b/{name}", f"--- a/{name}", f"+++ b/{name}", "@@ -1 +1 @@"),
        *("-x\x00", "+y"),
    ]
    assert not (tmp_path / "ran").exists()


def test_what_is_not_compared_is_said_and_a_notebook_that_was_changed_since(
    tmp_path: Path,
) -> None:
    jobs = Jobs(tmp_path, {"1": BEFORE, "2": BEFORE})
    by_hand = [("f/1", run(None)), ("f/2", run("2"))]
    assert code_changes(by_hand, jobs, tmp_path) == (
        "",
        ["No code of f/1 is kept: no job made it."],
    )
    gone = [("f/1", run("1")), ("f/2", run("9"))]
    assert code_changes(gone, jobs, tmp_path) == (
        "",
        ["The code of f/2 is not compared. Snapshot 9 is gone. It was removed."],
    )
    same = [("f/1", run("1")), ("f/2", run("2"))]
    (tmp_path / "train.ipynb").write_bytes(notebook("import flights", "fit(depth=4)"))
    assert code_changes(same, jobs, tmp_path) == ("", [])  # only what it printed is another
    (tmp_path / "train.ipynb").write_bytes(notebook("import flights", "fit(depth=9)"))
    assert code_changes(same, jobs, tmp_path)[1] == [
        "train.ipynb has been changed since it made f/2; what it says now is not in it."
    ]


def card(number: int, made_by: Run, requirements: list[str], inputs: list[CardColumn]) -> ModelCard:
    card: ModelCard = made_up(ModelCard)
    version = replace(card.version, model="flights", version=number)
    return replace(
        card,
        version=version,
        run=made_by,
        params=made_by.params,
        requirements=requirements,
        inputs=inputs,
        unread="",
    )


def test_a_version_is_beside_the_one_with_most_traffic(project: Project, tmp_path: Path) -> None:
    delay = CardColumn(name="delay", type="double", required=True)
    cards = {
        "flights/2": card(2, run("1", metrics={"auc": 0.7}, params={"depth": "4"}), ["a==1"], []),
        "flights@new": card(
            3, run("1", metrics={"auc": 0.8}, params={"depth": "4"}), ["a==2", "b[x]"], [delay]
        ),
    }
    experiments = SimpleNamespace(card=cards.__getitem__)
    jobs = Jobs(tmp_path, {"1": BEFORE})
    deployments = Deployments(project, experiments, kept=jobs)  # type: ignore[arg-type]
    store = deployments._store
    for number in (1, 2):
        version = f"v{number}"
        store.begin("live", version, target="local", model="flights", number=number, workers=1)
        store.move("live", version, VersionState.STARTING)
        store.move("live", version, VersionState.TESTING)
        with store.change("live") as change:
            change.ready(version, [])
    with pytest.raises(Conflict, match="Nothing is live in live"):
        deployments.compare("live", "flights@new")
    with store.change("live") as change:
        change.traffic({"v1": 10, "v2": 90}, verb="traffic", user="ana", reason="")
    found = deployments.compare("live", "flights@new")
    assert (found.version, found.live, found.traffic) == ("flights/3", "flights/2", 90)
    rows = {(row.kind, row.key): tuple(row.values) for row in found.rows if not row.same}
    assert rows == {
        ("metric", "auc"): (0.7, 0.8),
        ("input", "delay"): (None, "double"),
        ("environment", "a"): ("==1", "==2"),
        ("environment", "b[x]"): (None, "any"),
    }
    assert ("param", "depth") in {(row.kind, row.key) for row in found.rows if row.same}
    assert (found.code, found.notes) == ("", [])
