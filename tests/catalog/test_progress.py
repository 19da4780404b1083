"""How far an ingest has got, and its end by Ctrl-C, of which nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog, IngestProgress
from jupyter_mlinfra.core.project import Project

ROWS = 300_000  # three blocks and more


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    n = pl.int_range(ROWS, eager=True)
    return pl.DataFrame(
        {"id": n, "x": n * 0.5, "word": "a word of " + (n % 997).cast(pl.String), "k": n % 7}
    )


@pytest.fixture
def left(project: Project) -> Callable[[], set[str]]:
    """The files of the project, but for databases and what is started once."""

    def listed() -> set[str]:
        return {
            str(path.relative_to(project.home))
            for folder in ("warehouse", "staging", "quarantine", "catalog")
            for path in project.home.glob(f"{folder}/**/*")
            if path.is_file() and path.suffix != ".lock"
        }

    return listed


def written(frame: pl.DataFrame, path: Path) -> Path:
    kind = {".csv": "csv", ".jsonl": "ndjson", ".parquet": "parquet", ".arrow": "ipc"}[path.suffix]
    getattr(frame, f"write_{kind}")(path)
    return path


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet", "arrow"])
def test_progress_counts_rows_and_bytes_and_never_falls(
    catalog: Catalog, frame: pl.DataFrame, tmp_path: Path, suffix: str
) -> None:
    files = [written(frame, tmp_path / f"{name}.{suffix}") for name in "ab"]
    files[1] = written(frame.head(200_000), files[1])
    told: list[IngestProgress] = []
    report = catalog.ingest(files, into="t.a", on_progress=told.append)
    assert report.rows_written == ROWS + 200_000
    fractions = [one.fraction for one in told]
    assert fractions == sorted(fractions)
    assert 0 < fractions[0] < 0.5
    assert 0.9 < fractions[-1] < 1
    reading = [one for one in told if one.step == "reading"]
    total = sum(path.stat().st_size for path in files)
    assert {one.total_bytes for one in told} == {total}
    assert (reading[-1].rows, reading[-1].bytes) == (ROWS + 200_000, total)
    # The first file has three fifths of the rows, and so about of the bytes.
    first = next(one for one in reading if one.rows == ROWS)
    assert first.bytes / total == pytest.approx(0.6, abs=0.03)
    assert 0 < reading[0].bytes < first.bytes
    assert f"{ROWS + 200_000:,} rows" in reading[-1].text


def test_progress_of_a_table_is_told_in_rows(catalog: Catalog, tmp_path: Path) -> None:
    import sqlite3

    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.execute("CREATE TABLE orders (id INTEGER)")
        database.executemany("INSERT INTO orders VALUES (?)", [(n,) for n in range(5000)])
    database.close()
    told: list[IngestProgress] = []
    catalog.ingest([f"sqlite:///{tmp_path}/shop.db#orders"], into="t.a", on_progress=told.append)
    assert (told[-1].rows, told[-1].total_rows, told[-1].total_bytes) == (5000, 5000, 0)
    assert told[-1].text == "reading: 5,000 of 5,000 rows"


@pytest.mark.parametrize("step", ["checking", "finding types", "reading"])
@pytest.mark.parametrize("mode", ["append", "replace", "upsert"])
def test_ctrl_c_ends_an_ingest_and_leaves_nothing(
    catalog: Catalog,
    frame: pl.DataFrame,
    tmp_path: Path,
    left: Callable[[], set[str]],
    mode: Any,
    step: str,
) -> None:
    catalog.write(frame.head(3), into="t.a")
    rows = catalog.dataset("t.a").scan().collect()
    before = left()  # a read leaves a note
    file = written(frame, tmp_path / "a.csv")
    parts: list[set[str]] = []

    def press(done: IngestProgress) -> None:
        if done.step == step and (step == "checking" or done.rows > ROWS / 2):
            parts.append(left() - before)
            signal.raise_signal(signal.SIGINT)

    key = ["id"] if mode == "upsert" else []
    with pytest.raises(KeyboardInterrupt):
        catalog.ingest([file], into="t.a", mode=mode, key=key, on_progress=press)
    assert len(parts) == 1
    assert parts[0] or step != "reading"  # there was something to take back
    assert left() == before
    assert catalog.dataset("t.a").scan().collect().equals(rows)
    assert catalog.ingest([file], into="t.a", mode="replace").rows_written == ROWS


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -15)])
def test_a_signal_ends_the_command_line_and_leaves_nothing(
    catalog: Catalog,
    project: Project,
    frame: pl.DataFrame,
    tmp_path: Path,
    left: Callable[[], set[str]],
    number: signal.Signals,
    code: int,
) -> None:
    catalog.write(frame.head(3), into="t.a")
    before = left()
    file = written(pl.concat([frame] * 5), tmp_path / "a.csv")
    words = ["catalog", "ingest", str(file), "--into", "t.a"]
    with subprocess.Popen(
        [sys.executable, "-m", "jupyter_mlinfra.cli", *words],
        env={**os.environ, "MLINFRA_USER": "ana"},
        cwd=project.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while process.poll() is None and not any("/data/" in name for name in left() - before):
            time.sleep(0.01)
        process.send_signal(number)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == code, said
    assert "%" not in said  # progress is for terminals
    assert left() == before
    assert catalog.dataset("t.a").scan().collect().height == 3
