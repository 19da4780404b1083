from __future__ import annotations

import math
import shutil
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pytest

from jupyter_mlinfra.core.errors import BadRequest, NotFound, Unavailable
from jupyter_mlinfra.core.records import to_json
from jupyter_mlinfra.experiments import Experiments


def id_of(number: int) -> str:
    return f"{number:032x}"


def test_before_anything_was_tracked_all_lists_are_empty_and_no_store_is_made(project):
    experiments = Experiments(project)
    assert (
        experiments.experiments().total
        == experiments.models().total
        == experiments.runs(None).total
        == 0
    )
    assert list(experiments.search_documents()) == []
    with pytest.raises(NotFound, match="no experiment churn"):
        experiments.runs("churn")
    with pytest.raises(NotFound, match="no run 9c1e"):
        experiments.show("9c1e")
    assert experiments.fingerprint("churn") is None
    assert experiments.experiment_fingerprint("churn") is None
    assert not (project.home / "mlflow.db").exists()


def test_pages_of_a_filtered_and_sorted_list_hold_every_run_once(experiments, writer):
    source = np.random.default_rng(0)
    rows = [
        (
            id_of(n),
            1000 * n,
            {"auc": float(source.integers(0, 20)) / 20} if n % 7 else {},
            {"depth": str(n % 5)},
        )
        for n in range(230)
    ]
    writer.runs(rows)
    seen, cursor = [], None
    while True:
        page = experiments.runs(
            "churn", where="params.depth in (1, 2, 3)", sort="-metrics.auc", limit=50, cursor=cursor
        )
        assert page.total == 138
        assert page.shown == len(page.items)
        seen += page.items
        cursor = page.cursor
        if cursor is None:
            break
    expected = [row for row in rows if row[3]["depth"] in "123"]
    expected.sort(key=lambda row: ("auc" not in row[2], -row[2].get("auc", 0), -row[1]))
    assert [run.id for run in seen] == [row[0] for row in expected]


def test_a_run_tells_what_the_store_knows_of_it(experiments, writer):
    writer.runs([(id_of(1), 1_764_000_000_000, {"auc": 0.9, "bad": math.nan}, {"depth": "8"})])
    run = experiments.show("run:" + id_of(1))
    assert (run.ref, run.name, run.experiment, run.status, run.user) == (
        "run:" + id_of(1),
        "name " + id_of(1),
        "churn",
        "finished",
        "ana",
    )
    assert run.started_at == datetime.fromtimestamp(1_764_000_000, UTC)
    assert run.duration_seconds == 2
    assert run.metrics["auc"] == 0.9
    assert math.isnan(run.metrics["bad"])
    assert to_json(run)["metrics"] == {"auc": 0.9, "bad": "NaN"}


def test_the_beginning_of_an_id_is_enough_if_only_one_run_has_it(experiments, writer):
    writer.runs([("9c1e" + "0" * 28, 1, {}, {}), ("9c77" + "0" * 28, 2, {}, {})])
    assert experiments.show("9c1").id.startswith("9c1e")
    with pytest.raises(BadRequest, match="several runs"):
        experiments.show("9c")
    for text in ("", "run:", "9d", "%", "'; drop table runs"):
        with pytest.raises(NotFound):
            experiments.show(text)


def test_a_misspelt_experiment_gets_a_suggestion(experiments, writer):
    with pytest.raises(NotFound) as caught:
        experiments.runs("chrun")
    assert caught.value.fix == "Did you mean churn?"


@pytest.mark.parametrize(
    "options",
    [
        {"limit": 0},
        {"limit": 501},
        {"cursor": "x"},
        {"cursor": "-5"},
        {"sort": ""},
        {"where": "auc > 1"},
    ],
)
def test_a_page_that_cannot_be_is_refused(experiments, writer, options):
    with pytest.raises(BadRequest):
        experiments.runs("churn", **options)


def test_a_list_is_sorted_by_several_keys_in_mlflows_spelling_too(experiments, writer):
    writer.runs([(id_of(n), n, {"auc": n % 2}, {"depth": str(n)}) for n in range(8)])
    for sort in ("metrics.auc DESC, params.depth", "-auc,params.depth ASC"):
        assert [int(run.params["depth"]) for run in experiments.runs("churn", sort=sort).items] == [
            1,
            3,
            5,
            7,
            0,
            2,
            4,
            6,
        ]


def test_a_filter_may_leave_out_what_kind_a_name_is_of_unless_several_have_it(experiments, writer):
    writer.runs([(id_of(n), n, {"Best_auc": n / 4}, {"depth": str(n)}) for n in range(4)])

    def found(where):
        return sorted(run.id for run in experiments.runs("churn", where=where).items)

    assert found("Best_auc > 0.3") == [id_of(2), id_of(3)]
    assert found("not Best_auc > 0.3 and depth = 1") == [id_of(1)]
    writer.runs([(id_of(9), 9, {"depth": 1.0}, {})])
    with pytest.raises(BadRequest) as caught:
        found("depth > 1")
    assert "'depth' is 2 fields." in caught.value.why
    assert caught.value.fix == "Write metrics.depth or params.depth."
    with pytest.raises(BadRequest, match="'best_auc' is not a field"):
        found("best_auc > 0.3")


@pytest.mark.parametrize(
    ("sort", "what", "fix"),
    [
        ("-metrics.acu", "No run has metrics.acu.", "Did you mean metrics.auc?"),
        ("acu DESC", "No run has metrics.acu.", "Did you mean metrics.auc?"),
        ("depth", "No run has metrics.depth.", "Did you mean params.depth?"),
        ("auc, params.depht", "No run has params.depht.", "Did you mean params.depth?"),
        ("metrics.colour", "No run has metrics.colour.", "Sort by one of them, or by started."),
    ],
)
def test_a_sort_order_by_what_no_run_has_is_refused(experiments, writer, sort, what, fix):
    writer.runs([(id_of(1), 1, {"auc": 0.9}, {"depth": "8"}), (id_of(2), 2, {}, {})])
    with pytest.raises(BadRequest) as caught:
        experiments.runs("churn", sort=sort)
    assert (caught.value.what, caught.value.fix) == (what, fix)


def test_a_sort_order_may_name_what_only_other_runs_have_or_nobody_logged_yet(experiments, writer):
    writer.runs([(id_of(1), 1, {}, {}), (id_of(2), 2, {}, {})])
    assert experiments.runs("churn", sort="-metrics.auc").total == 2
    writer.runs([(id_of(3), 3, {"auc": 0.9}, {"depth": "8"})])
    assert experiments.runs("churn", where="params.depth is null", sort="-metrics.auc").total == 2


def test_hostile_names_are_values_and_never_sql(experiments, writer):
    key = "x'); DROP TABLE runs; --"
    writer.runs([(id_of(1), 1, {key: 1.0}, {key: key})])
    quoted = key.replace("'", "''")
    assert (
        experiments.runs(
            "churn",
            where=f"metrics.`{key}` = 1 and params.`{key}` = '{quoted}'",
            sort=f"-metrics.{key}",
        ).total
        == 1
    )
    assert experiments.show(id_of(1)).params[key] == key


def test_a_spike_of_one_step_in_ten_thousand_survives(experiments, writer):
    writer.runs([(id_of(1), 1, {}, {})])
    values = np.random.default_rng(0).random(10_000)
    values[6_543], values[1_234] = 99.0, -99.0
    writer.points(
        id_of(1), "loss", [(step, step, float(value)) for step, value in enumerate(values)]
    )
    curve = experiments.curves(id_of(1), "loss", points=320)
    assert curve.total == 10_000
    assert len(curve.step) <= 320
    width = 10_000 // 320 + 1
    assert curve.high[6_543 // width] == 99.0
    assert curve.low[1_234 // width] == -99.0
    assert curve.step[5] == 5 * width
    assert curve.mean[0] == pytest.approx(values[:width].mean())


def test_points_without_steps_are_numbered_in_the_order_of_their_time(experiments, writer):
    writer.runs([(id_of(1), 1, {}, {})])
    writer.points(id_of(1), "loss", [(100 - index, 0, float(index)) for index in range(10)])
    curve = experiments.curves(id_of(1), "loss")
    assert list(curve.step) == list(range(10))
    assert list(curve.mean) == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]


def test_nan_is_a_gap_in_a_curve_and_counted(experiments, writer):
    writer.runs([(id_of(1), 1, {}, {})])
    writer.points(
        id_of(1), "loss", [(step, step, math.nan if step == 2 else 1.0) for step in range(4)]
    )
    curve = experiments.curves(id_of(1), "loss")
    assert list(curve.step) == [0, 1, 3]
    assert curve.total == 4


def test_a_curve_that_does_not_exist_names_those_that_do(experiments, writer):
    writer.runs([(id_of(1), 1, {"loss": 1.0}, {})])
    with pytest.raises(NotFound) as caught:
        experiments.curves(id_of(1), "los")
    assert caught.value.fix == "Did you mean loss?"
    with pytest.raises(BadRequest):
        experiments.curves(id_of(1), "loss", points=0)


def test_a_comparison_shows_what_differs_first(experiments, writer):
    writer.runs(
        [
            (id_of(1), 1, {"auc": 0.9, "same": 1.0, "nan": math.nan}, {"depth": "6", "eta": "0.1"}),
            (
                id_of(2),
                2,
                {"auc": 0.8, "same": 1.0, "nan": math.nan},
                {"depth": "8", "eta": "0.1", "only": "here"},
            ),
        ]
    )
    writer.points(id_of(1), "loss", [(step, step, 1.0) for step in range(3)])
    found = experiments.compare([id_of(2), id_of(1)])
    assert [run.id for run in found.runs] == [id_of(2), id_of(1)]
    assert [(row.kind, row.key, tuple(row.values)) for row in found.rows if not row.same] == [
        ("param", "depth", ("8", "6")),
        ("param", "only", ("here", None)),
        ("metric", "auc", (0.8, 0.9)),
        ("metric", "loss", (None, 1.0)),
    ]
    assert [row.key for row in found.rows[4:]] == ["eta", "nan", "same"]
    assert all(row.same for row in found.rows[4:])
    assert [(curve.run, curve.metric) for curve in found.curves] == [(id_of(1), "loss")]
    assert found.curve_metrics == ["loss"]
    assert found.frame("loss").rows() == [
        (f"name {id_of(1)} 00000000", step, 1.0, 1.0, 1.0) for step in range(3)
    ]
    assert set(found.code) == {"python", "magic", "cli"}
    compile(found.code["python"], "cell", "exec")


def test_the_code_of_a_comparison_runs_as_inserted_and_draws_the_curves(experiments, writer):
    writer.runs([(id_of(n), n, {"auc": 0.5}, {}) for n in (1, 2)])
    found = {}
    code = experiments.compare([id_of(1), id_of(2)]).code["python"].splitlines()
    exec("\n".join([*code[:-1], f"found = {code[-1]}"]), found)
    assert found["found"].select("run", "metrics.auc").rows() == [(id_of(1), 0.5), (id_of(2), 0.5)]
    for n in (1, 2):
        writer.points(id_of(n), "loss", [(step, step, float(n)) for step in range(3)])
    code = experiments.compare([id_of(1), id_of(2)]).code["python"].splitlines()
    exec("\n".join([*code[:-1], f"found = {code[-1]}"]), found)
    drawn = next(iter(found["found"].to_dict()["datasets"].values()))
    assert {(row["run"], row["mean"]) for row in drawn} == {
        (f"name {id_of(n)} 00000000", float(n)) for n in (1, 2)
    }


def test_only_two_to_a_hundred_different_runs_are_compared(experiments, writer):
    writer.runs([(id_of(n), n, {}, {}) for n in range(101)])
    for ids in ([], [id_of(1)], [id_of(1), "run:" + id_of(1)], [id_of(n) for n in range(101)]):
        with pytest.raises(BadRequest, match="cannot be compared"):
            experiments.compare(ids)


def test_a_comparison_of_many_runs_and_metrics_is_bounded_and_names_the_rest(experiments, writer):
    writer.runs([(id_of(n), n, {}, {}) for n in range(60)])
    for n in range(60):
        for metric in "abcdef":
            writer.points(id_of(n), metric, [(step, step, 1.0) for step in range(3)])
    found = experiments.compare([id_of(n) for n in range(60)])
    assert len(found.curves) == 240
    assert found.curve_metrics == list("abcdef")
    assert experiments.compare([id_of(1), id_of(2)], curves=False).curves == []


def test_a_damaged_store_says_so(project, experiments):
    (project.home / "mlflow.db").write_bytes(
        b"not a database at all, but long enough to be read as one" * 50
    )
    with pytest.raises(Unavailable, match="damaged"):
        experiments.experiments()


def test_a_store_without_room_asks_for_space_whether_it_is_read_or_written(
    small_disk, project, empty_store
):
    disk = small_disk(4)
    shutil.copy(empty_store, project.home / "mlflow.db")
    disk.fill()
    experiments = Experiments(project)
    for verb in (experiments.experiments, lambda: experiments.track("churn").__enter__()):
        with pytest.raises(Unavailable) as caught:
            verb()
        assert "cannot be used" in caught.value.what
        assert "Free some space" in caught.value.fix
    disk.free()
    with experiments.track("churn") as run:
        run.log_metric("auc", 0.9)
    assert experiments.experiments().total == 1


def test_a_store_of_an_unknown_schema_is_read_through_mlflow_and_says_why(project, experiments):
    import sqlite3

    assert experiments.slow_reason == ""
    with sqlite3.connect(project.home / "mlflow.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'abc'")
    assert "schema abc is not one that was tested" in experiments.slow_reason
    with pytest.raises(Unavailable, match="newer MLflow"):
        experiments.experiments()


READ_ALL = """
import sys, time
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.experiments import Experiments
e = Experiments(Project.open(sys.argv[1]))
e.experiments(); e.runs("churn", where="metrics.auc > 0", sort="-metrics.auc")
e.show("0" * 31 + "1"); e.compare(["0" * 31 + "1", "0" * 31 + "2"])
e.curves("0" * 31 + "1", "loss"); e.models(); e.model("m"); e.version("m@champion")
e.fingerprint("m"); e.experiment_fingerprint("churn")
list(e.search_documents()); e.search_fingerprint()
print(sorted({"mlflow", "pandas", "polars", "numpy", "sqlalchemy"} & set(sys.modules)))
"""


def test_reading_the_embedded_store_imports_no_heavy_library(project, experiments, writer):
    import sqlite3

    writer.runs([(id_of(n), n, {"auc": 0.5}, {}) for n in (1, 2)])
    writer.points(id_of(1), "loss", [(1, 1, 1.0), (2, 2, 1.0)])
    with sqlite3.connect(project.home / "mlflow.db") as connection:
        connection.execute(
            "INSERT INTO registered_models (name, workspace) VALUES ('m', 'default')"
        )
        connection.execute(
            "INSERT INTO model_versions (name, version, creation_time, run_id, source,"
            " storage_location, current_stage) VALUES ('m', 1, 1, ?, '', '/x', '')",
            (id_of(1),),
        )
        connection.execute(
            "INSERT INTO registered_model_aliases (alias, version, name) VALUES ('champion', 1,"
            " 'm')"
        )
    process = subprocess.run(
        [sys.executable, "-c", READ_ALL, str(project.root)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout == "[]\n"


def test_importing_the_package_takes_no_heavy_library():
    code = (
        "import sys, jupyter_mlinfra.experiments.service; print(sorted({'mlflow', 'polars',"
        " 'numpy', 'yaml'} & set(sys.modules)))"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert process.stdout == "[]\n"


def test_search_finds_runs_models_and_experiments_and_notes_every_commit(
    project, experiments, writer
):
    before = experiments.search_fingerprint()
    writer.runs([(id_of(1), 1, {"auc": 0.5}, {"max_depth": "6"})])
    assert experiments.search_fingerprint() != before
    project.index.refresh(
        "experiments", experiments.search_fingerprint(), experiments.search_documents
    )
    assert [hit.ref for hit in project.index.search("max_depth=6").items] == ["run:" + id_of(1)]
    assert [hit.ref for hit in project.index.search("churn", kinds=["experiment"]).items] == [
        "experiment:churn"
    ]
