"""XGBoost on rows that do not fit: in a process that may not hold half of them, stopped and
resumed, and equal to training in memory.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import xgboost

from jupyter_mlinfra.core.errors import BadRequest, Unavailable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.training import checkpoints, train_from_files, train_xgboost, trainings
from jupyter_mlinfra.training.external_memory import batches

PARAMETERS = {
    "objective": "binary:logistic",
    "eval_metric": "auc",
    "max_depth": 4,
    "subsample": 0.7,
    "colsample_bynode": 0.8,
    "nthread": 2,
}


def made_up(rows: int, seed: int) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    frame = pl.DataFrame(
        {
            "wind": random.normal(10, 4, rows).round(1),
            "hour": random.integers(0, 24, rows),
            "night": random.random(rows) < 0.3,
            "carrier": random.choice(["UA", "B6", "éÅ"], rows),
            "temp": random.normal(50, 15, rows).astype(np.float32),
        }
    ).with_columns(temp=pl.when(pl.col("temp") > 60).then(None).otherwise("temp"))
    odds = (
        0.3 * (frame["wind"] - 12)
        + 2.0 * (frame["carrier"] == "éÅ").cast(pl.Float64)
        + random.logistic(size=rows)
    )
    return frame.with_columns(late=odds > 0)


ROWS, TUNE = made_up(10_000, 1), made_up(2_000, 2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "rows.parquet"
    ROWS.write_parquet(path, row_group_size=1_300)
    return path


def test_the_model_equals_one_trained_in_memory(path: Path, tmp_path: Path) -> None:
    from sklearn.metrics import roc_auc_score

    found = train_from_files(
        path,
        label="late",
        tune=TUNE.lazy(),
        parameters=PARAMETERS,
        rounds=30,
        batch_rows=3_000,
        folder=tmp_path / "kept",
    )
    same = {**PARAMETERS, "seed_per_iteration": True}
    inputs, label = ROWS.drop("late"), ROWS["late"]
    uninterrupted = train_xgboost(
        inputs, label, TUNE.drop("late"), TUNE["late"], parameters=same, rounds=30
    )
    assert found.columns == uninterrupted.columns
    np.testing.assert_allclose(
        found.predict(TUNE), uninterrupted.predict(TUNE.drop("late")), atol=1e-5
    )
    assert found.history["tune_auc"] == pytest.approx(uninterrupted.history["tune_auc"], abs=1e-5)
    assert roc_auc_score(TUNE["late"], found.predict(TUNE)) == pytest.approx(
        found.history["tune_auc"][-1], abs=1e-5
    )
    assert not list((tmp_path / "kept").rglob(".*")), "the cache is removed"


def test_a_dataset_on_iceberg_gives_the_same_model_as_its_files(
    path: Path, project: Project, tmp_path: Path
) -> None:
    from jupyter_mlinfra.catalog import Catalog

    catalog = Catalog(project)
    for part in ROWS.iter_slices(4_000):  # a data file each
        catalog.write(part, into="flights.rows")
    # Iceberg has its files in another order, so a sample would be another.
    every_row = {"objective": "binary:logistic", "max_depth": 4, "nthread": 2}
    lake = train(
        catalog.dataset("flights.rows").scan(),
        tmp_path / "lake",
        batch_rows=3_000,
        parameters=every_row,
    )
    files = train(path, tmp_path / "files", batch_rows=3_000, parameters=every_row)
    np.testing.assert_allclose(lake.predict(TUNE), files.predict(TUNE), atol=1e-5)


def test_batches_are_the_rows_in_order_and_the_same_each_time(path: Path) -> None:
    for _ in range(2):
        parts = list(batches(pl.scan_parquet(path), 3_000))
        assert [part.height for part in parts] == [3_000, 3_000, 3_000, 1_000]
        assert pl.concat(parts).equals(ROWS)
    filtered = list(batches(pl.scan_parquet(path).filter(pl.col("night")), 700))
    assert pl.concat(filtered).equals(ROWS.filter(pl.col("night")))
    assert list(batches(ROWS.head(0).lazy(), 10)) == []


@pytest.mark.parametrize("rounds", [[7], [3, 4, 29]])
def test_stopped_and_resumed_it_grows_the_same_trees(
    rounds: list[int], path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(folder: str):
        return train_from_files(
            path,
            label="late",
            tune=TUNE.lazy(),
            parameters=PARAMETERS,
            rounds=30,
            batch_rows=3_000,
            folder=tmp_path / folder,
        )

    uninterrupted = train("whole")
    real, stops = xgboost.Booster.eval_set, list(rounds)

    def eval_set(booster, evals, iteration=0, **more):
        if stops and iteration + 1 == stops[0]:
            os.kill(os.getpid(), signal.SIGTERM)
            del stops[0]
        return real(booster, evals, iteration, **more)

    monkeypatch.setattr(xgboost.Booster, "eval_set", eval_set)
    for done in rounds:
        with pytest.raises(SystemExit) as left:
            train("stopped")
        assert left.value.code == 75
        found = checkpoints.latest(tmp_path / "stopped")
        assert found is not None
        assert found.step == done
    resumed = train("stopped")
    assert resumed.history == uninterrupted.history
    assert resumed.best_round == 29
    assert resumed.booster.get_dump() == uninterrupted.booster.get_dump()
    np.testing.assert_allclose(resumed.predict(TUNE), uninterrupted.predict(TUNE), atol=1e-6)


def test_after_kill_9_it_goes_on_from_the_newest_checkpoint_in_the_same_run(
    path: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlinfra.experiments import Experiments
    from jupyter_mlinfra.training import resumed_run

    experiments = Experiments(project)
    monkeypatch.setenv("MLINFRA_CHECKPOINTS", str(project.root / "kept"))
    code = f"""
import os, signal, xgboost
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.experiments import Experiments
from jupyter_mlinfra.training import train_from_files
real = xgboost.Booster.eval_set
def eval_set(booster, evals, iteration=0, **more):
    if iteration == 12:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(booster, evals, iteration, **more)
xgboost.Booster.eval_set = eval_set
with Experiments(Project.open()).track("flights"):
    train_from_files(
        {str(path)!r}, label="late", parameters={PARAMETERS!r}, rounds=20, every_rounds=5
    )
"""
    killed = subprocess.run(
        [sys.executable, "-c", code], cwd=project.root, capture_output=True, text=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    real, rounds = xgboost.Booster.update, list[int]()

    def update(booster, learn, number, *more):
        rounds.append(number)
        real(booster, learn, number, *more)

    monkeypatch.setattr(xgboost.Booster, "update", update)
    with experiments.track("flights", run=resumed_run()) as run:
        found = train_from_files(
            path, label="late", parameters=PARAMETERS, rounds=20, every_rounds=5
        )
    assert len(found.history["learn_auc"]) == 20
    assert rounds == list(range(10, 20))
    assert found.booster.num_boosted_rounds() == 20
    runs = experiments.runs("flights")
    assert [item.id for item in runs.items] == [run.id]
    assert runs.items[0].params["rows"] == "10000"
    assert experiments.curves(run.id, "learn_auc").total >= 10, (
        "at least the points of this attempt"
    )
    assert not list((project.root / "kept").rglob(".*")), "what the killed attempt left is removed"


LIMIT_MIB = 600
BIG = """
import sys
from pathlib import Path
import numpy as np
import polars as pl
folder = Path(sys.argv[2])
if sys.argv[1] == "make":
    import pyarrow as pa, pyarrow.parquet as parquet
    random = np.random.default_rng(0)
    writer = None
    for part in range(20):
        values = random.integers(0, 200, (128, 50_000)) / 8
        label = (values[0] + values[1] > 25).astype(np.int8)
        table = pa.table({**{f"f{n}": values[n] for n in range(128)}, "y": label})
        writer = writer or parquet.ParquetWriter(folder / "rows.parquet", table.schema)
        writer.write_table(table, row_group_size=10_000)
    writer.close()
elif sys.argv[1] == "files":
    from jupyter_mlinfra.training import train_from_files
    found = train_from_files(
        folder / "rows.parquet",
        label="y",
        parameters={"max_depth": 3, "nthread": 2},
        rounds=2,
        batch_rows=20_000,
        folder=folder / "kept",
    )
    print(found.history["learn_rmse"][-1])
else:
    from jupyter_mlinfra.training import train_xgboost
    frame = pl.read_parquet(folder / "rows.parquet")
    train_xgboost(frame.drop("y"), frame["y"], parameters={"max_depth": 3, "nthread": 2}, rounds=2)
"""


def limited(*words: str) -> tuple[int, str, int]:
    """Run BIG and kill it as soon as it holds more than the limit; returns exit code, output, and
    the most that it held in MiB.

    What is counted is memory of its own (RssAnon): pages of mapped files, which the system may take
    away at any time, are not. A control group would be stricter still, but few machines let a test
    make one, and RLIMIT_AS and RLIMIT_DATA count addresses that nobody uses.
    """
    most = 0
    with subprocess.Popen(
        [sys.executable, "-c", BIG, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        while process.poll() is None:
            found = re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
            most = max(most, int(found[1]) >> 10 if found else 0)
            if most > LIMIT_MIB:
                process.kill()
            time.sleep(0.005)
        assert process.stdout is not None
        return process.returncode, process.stdout.read(), most


@pytest.mark.slow
def test_rows_of_976_mib_are_learned_from_within_600(tmp_path: Path) -> None:
    """Takes most of a minute: less data would be no more than what the libraries themselves
    take.
    """
    subprocess.run([sys.executable, "-c", BIG, "make", str(tmp_path)], check=True)
    code, said, most = limited("memory", str(tmp_path))
    assert code == -signal.SIGKILL, f"the limit is one: the same rows in memory break it; {said}"
    code, said, most = limited("files", str(tmp_path))
    assert code == 0, said
    assert float(said.split()[-1]) < 0.5
    assert 0 < most < LIMIT_MIB


BAD = {
    "no such label": (
        lambda path, folder: train(path, folder, label="lateness"),
        "no column lateness",
    ),
    "a text for a label": (
        lambda path, folder: train(path, folder, label="carrier"),
        "label carrier is String",
    ),
    "rows without a label": (
        lambda path, folder: train(
            ROWS.lazy().with_columns(late=pl.when("night").then("late")), folder
        ),
        "rows have no late",
    ),
    "no rows": (lambda path, folder: train(ROWS.head(0).lazy(), folder), "no rows"),
    "times": (
        lambda path, folder: train(ROWS.lazy().with_columns(at=pl.datetime(2013, 1, 1)), folder),
        "Column at cannot be an input",
    ),
    "no rounds": (lambda path, folder: train(path, folder, rounds=0), "at least 1"),
}


def train(rows, folder: Path, **changes):
    return train_from_files(
        rows,
        **{
            "label": "late",
            "parameters": PARAMETERS,
            "rounds": 2,
            "every_rounds": 1,
            "folder": folder,
            **changes,
        },
    )


@pytest.mark.parametrize("case", BAD)
def test_rows_that_cannot_be_learned_from_are_refused_in_words(
    case: str, path: Path, tmp_path: Path
) -> None:
    act, words = BAD[case]
    with pytest.raises(BadRequest, match=words):
        act(path, tmp_path / "kept")


OTHERS = {
    "label": (ROWS, {"label": "night"}),
    "depth": (ROWS, {"parameters": {**PARAMETERS, "max_depth": 1}}),
    "rounds": (ROWS, {"rounds": 4}),
    "rows of the same shape": (ROWS.with_columns(wind=pl.col("wind").reverse()), {}),
    "order of rows": (ROWS.reverse(), {}),
    "rows to measure": (ROWS, {"tune": TUNE.lazy()}),
}


def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the process of another attempt."""
    monkeypatch.setattr(trainings, "_opened", set())
    monkeypatch.setattr(trainings, "_ended", set())


@pytest.mark.parametrize("case", OTHERS)
def test_of_several_trainings_in_one_folder_each_gives_its_own_model(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame, changes = OTHERS[case]
    for folder in ("kept", "kept"):  # in one process, then in the next one
        first, other = (
            train(ROWS.lazy(), tmp_path / folder),
            train(frame.lazy(), tmp_path / folder, **changes),
        )
        alone = train(frame.lazy(), tmp_path / "alone", **changes)
        assert first.booster.get_dump() == train(ROWS.lazy(), tmp_path / "first").booster.get_dump()
        assert (other.booster.get_dump(), other.history, other.names) == (
            alone.booster.get_dump(),
            alone.history,
            alone.names,
        )
        forgotten(monkeypatch)


def test_preempted_in_the_second_of_three_the_first_is_not_done_again(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def all_of(folder: str) -> list[list[str]]:
        every = [
            {"label": "late"},
            {"label": "night"},
            {"parameters": {**PARAMETERS, "max_depth": 2}},
        ]
        return [
            train(
                path, tmp_path / folder, rounds=6, every_rounds=None, **changes
            ).booster.get_dump()
            for changes in every
        ]

    uninterrupted = all_of("whole")
    real, rounds = xgboost.Booster.update, list[int]()

    def update(booster, learn, number, *more):
        rounds.append(number)
        if len(rounds) == 9:
            os.kill(os.getpid(), signal.SIGTERM)
        real(booster, learn, number, *more)

    monkeypatch.setattr(xgboost.Booster, "update", update)
    with pytest.raises(SystemExit):
        all_of("stopped")
    forgotten(monkeypatch)
    assert all_of("stopped") == uninterrupted
    assert rounds == [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5]
    assert all_of("stopped") == uninterrupted
    assert len(rounds) == 18


def test_a_training_that_was_left_off_for_another_is_named(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(path, tmp_path / "kept", name="mine")
    shutil.rmtree(next(tmp_path.glob("kept/mine-*/step-0000000002")))
    forgotten(monkeypatch)
    with pytest.warns(
        UserWarning,
        match=(
            r"mine-\w+ was stopped after 1 steps, and this is another one, which differs in data\."
            r" This one starts from the beginning"
        ),
    ):
        train(ROWS.reverse().lazy(), tmp_path / "kept", name="mine")
    with pytest.raises(BadRequest, match="cannot name a training"):
        train(path, tmp_path / "kept", name="../mine")


def test_a_disk_that_is_full_at_the_end_costs_no_model(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*words, **more):
        raise Unavailable("The disk is full.")

    monkeypatch.setattr(checkpoints, "commit", full)
    with pytest.warns(UserWarning, match="this training was not saved: The disk is full"):
        assert train(path, tmp_path / "kept", every_rounds=None).booster.num_boosted_rounds() == 2


def test_an_error_while_the_rows_are_read_is_the_one_that_is_seen(
    path: Path, tmp_path: Path
) -> None:
    def fails(frame: pl.DataFrame) -> pl.DataFrame:
        raise RuntimeError("the network is away")

    with pytest.raises(Exception, match="the network is away"):
        train(pl.scan_parquet(path).map_batches(fails), tmp_path / "kept")
    assert not list(tmp_path.rglob(".*"))


def test_columns_whose_names_are_patterns_are_columns_like_others(tmp_path: Path) -> None:
    rows = made_up(2000, 5)
    odd = dict(zip(rows.columns, ("*", "^a.*$", "a1", "^.*$", "^c$", "^late$"), strict=False))
    found, right = (
        train_from_files(
            frame.lazy(), label=label, parameters=PARAMETERS, rounds=3, folder=tmp_path / name
        )
        for name, frame, label in (("odd", rows.rename(odd), "^late$"), ("own", rows, "late"))
    )
    inputs = rows.drop("late")
    assert np.array_equal(found.predict(inputs.rename(odd, strict=False)), right.predict(inputs))
