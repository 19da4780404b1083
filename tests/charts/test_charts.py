"""What a chart holds is read from its Vega-Lite specification; the oracles are scikit-learn, numpy
and counting by hand.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import altair as alt
import nbformat
import numpy as np
import polars as pl
import pytest
from sklearn import metrics as sk

from jupyter_mlinfra import charts
from jupyter_mlinfra.core.errors import BadRequest


def spec_of(chart) -> dict:
    """The specification, which Altair checks against the Vega-Lite schema on the way."""
    return json.loads(chart.to_json(validate=True))


def rows_of(chart, *keys: str) -> list[dict]:
    """The rows of the data set that has these columns."""
    found = [rows for rows in spec_of(chart)["datasets"].values() if set(keys) <= set(rows[0])]
    assert len(found) == 1
    return found[0]


def scored(rows: int = 3000) -> pl.DataFrame:
    source = np.random.default_rng(0)
    late = source.random(rows) < 0.25
    model = np.clip(0.25 + 0.15 * late + 0.1 * source.standard_normal(rows), 0, 1)
    return pl.DataFrame(
        {"late": late, "model": model, "rounded": model.round(1), "never": np.zeros(rows)}
    )


def curves(runs: int, steps: int) -> pl.DataFrame:
    values = np.random.default_rng(1).random(steps)
    part = pl.DataFrame(
        {"step": np.arange(steps), "low": values - 0.1, "mean": values, "high": values + 0.1}
    )
    return pl.concat([part.with_columns(run=pl.lit(f"run {index}")) for index in range(runs)])


ALL = {
    "metric_curves": lambda: charts.metric_curves(curves(3, 50), metric="auc"),
    "roc": lambda: charts.roc(scored(), label="late", scores=["model", "rounded", "never"]),
    "precision_recall": lambda: charts.precision_recall(
        scored(), label="late", scores=["model", "rounded"]
    ),
    "calibration": lambda: charts.calibration(scored(), label="late", score="model"),
    "distribution": lambda: charts.distribution([0.0, 1.0], [0.2, 0.3, 0.5], [0.1, 0.1, 0.8]),
    "psi_bars": lambda: charts.psi_bars(pl.DataFrame({"feature": ["a", "b"], "psi": [0.1, 0.3]})),
    "histogram": lambda: charts.histogram(scored(), "model"),
    "bars": lambda: charts.bars(
        pl.DataFrame({"name": ["a"], "x": [1.0], "lo": [0.5], "hi": [2.0]}),
        x="x",
        y="name",
        low="lo",
        high="hi",
    ),
    "heat_map": lambda: charts.heat_map(
        pl.DataFrame({"hour": [1, 1, 2], "day": [1, 1, 2], "late": [True, False, True]}),
        x="hour",
        y="day",
        value="late",
    ),
}


@pytest.mark.parametrize("name", ALL)
def test_a_chart_is_valid_vega_lite_6_small_described_and_names_no_address(name):
    spec = spec_of(ALL[name]())
    assert "/vega-lite/v6" in spec["$schema"]
    assert sum(map(len, spec["datasets"].values())) <= 4100
    assert spec["description"]
    addresses = [part for part in json.dumps(spec).split('"') if "://" in part]
    assert addresses == [spec["$schema"]]  # a name, never fetched


def test_every_public_chart_is_tested_here():
    assert set(ALL) == set(charts.__all__) - {"enable", "rates", "register"}


def test_charts_are_shown_by_mime_type_and_not_by_a_page_that_loads_scripts():
    with alt.renderers.enable("default"):
        bundle = charts.psi_bars(pl.DataFrame({"feature": ["a"], "psi": [0.1]}))._repr_mimebundle_()
        assert alt.renderers.active == "mlinfra"
        assert set(bundle) == {"application/vnd.vegalite.v6+json", "text/plain"}
        output = nbformat.v4.new_output("display_data", data=bundle)
        nbformat.validate(
            nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("chart", outputs=[output])])
        )


def test_a_renderer_that_the_user_chose_is_left_alone():
    with alt.renderers.enable("svg"):
        charts.psi_bars(pl.DataFrame({"feature": ["a"], "psi": [0.1]}))
        assert alt.renderers.active == "svg"


def test_importing_charts_loads_no_altair():
    code = (
        "import sys, jupyter_mlinfra.charts, jupyter_mlinfra.charts.scores; print({'altair',"
        " 'polars', 'numpy'} & set(sys.modules))"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        == "set()\n"
    )


def test_charts_compose_side_by_side():
    spec = spec_of(ALL["roc"]() | ALL["histogram"]())
    assert len(spec["hconcat"]) == 2


def test_a_spike_in_a_long_curve_is_drawn_and_the_reduction_is_told():
    frame = curves(2, 10_000).with_columns(
        high=pl.when((pl.col("step") == 7_777) & (pl.col("run") == "run 1"))
        .then(pl.lit(99.0))
        .otherwise("high")
    )
    chart = charts.metric_curves(frame, metric="loss")
    drawn = rows_of(chart, "run", "step", "low", "mean", "high")
    assert len(drawn) <= 4000
    assert [row["run"] for row in drawn if row["high"] == 99.0] == ["run 1"]
    assert min(row["low"] for row in drawn) == pytest.approx(frame["low"].min())
    assert "of 20,000 buckets" in spec_of(chart)["title"]["subtitle"]


def test_a_curve_that_fits_is_drawn_as_it_is_and_nan_is_a_gap():
    frame = curves(1, 20).with_columns(
        mean=pl.when(pl.col("step") == 3).then(math.nan).otherwise("mean")
    )
    drawn = rows_of(charts.metric_curves(frame), "run", "step")
    assert [row["step"] for row in drawn] == [0, 1, 2, *range(4, 20)]


def test_the_legends_of_roc_and_precision_recall_carry_the_figures_of_scikit_learn():
    frame = scored()
    y = frame["late"].to_numpy()
    names = {row["model"] for row in rows_of(ALL["roc"](), "model", "x", "y")}
    assert names == {
        f"{name}  AUC {sk.roc_auc_score(y, frame[name].to_numpy()):.3f}"
        for name in ("model", "rounded", "never")
    }
    names = {row["model"] for row in rows_of(ALL["precision_recall"](), "model", "x", "y")}
    assert names == {
        f"{name}  AP {sk.average_precision_score(y, frame[name].to_numpy()):.3f}"
        for name in ("model", "rounded")
    }


def test_the_points_of_a_roc_curve_are_those_of_scikit_learn():
    frame = scored()
    x, y, _ = sk.roc_curve(
        frame["late"].to_numpy(), frame["rounded"].to_numpy(), drop_intermediate=False
    )
    drawn = rows_of(charts.roc(frame, label="late", scores=["rounded"]), "model", "x", "y")
    assert [row["x"] for row in drawn] == pytest.approx(x)
    assert [row["y"] for row in drawn] == pytest.approx(y)


def test_a_long_curve_of_scores_keeps_its_ends():
    drawn = rows_of(charts.roc(scored(50_000), label="late", scores=["model"]), "model", "x", "y")
    assert len(drawn) <= 500
    assert (drawn[0]["x"], drawn[0]["y"], drawn[-1]["x"], drawn[-1]["y"]) == (0, 0, 1, 1)


def test_the_bins_of_a_calibration_curve_hold_every_row_and_agree_with_the_evaluation():
    from jupyter_mlinfra.experiments import evaluation

    frame = scored()
    drawn = rows_of(ALL["calibration"](), "rows", "predicted", "observed")
    table = evaluation.calibration(frame["late"], frame["model"]).to_dicts()
    assert sum(row["rows"] for row in drawn) == frame.height
    for row, wanted in zip(drawn, table, strict=True):
        assert row == pytest.approx(wanted)


def test_a_histogram_counts_as_numpy_does_and_tells_what_it_leaves_out():
    values = np.random.default_rng(0).exponential(20, 10_000)
    frame = pl.DataFrame({"delay": [*values, None, math.nan]})
    chart = charts.histogram(frame, "delay", bins=30, limits=(0, 60))
    expected, _ = np.histogram(values, bins=30, range=(0, 60))
    assert [row["rows"] for row in rows_of(chart, "low", "high", "rows")] == expected.tolist()
    assert (
        spec_of(chart)["title"]["subtitle"]
        == f"10,002 rows; 2 missing; {int((values > 60).sum()):,} outside of 0 to 60"
    )


@pytest.mark.parametrize(
    "values",
    [
        [datetime(2013, 1, 1, tzinfo=UTC) + timedelta(hours=index) for index in range(100)],
        [datetime(2013, 1, 1) + timedelta(hours=index) for index in range(100)],
        [(datetime(2013, 1, 1) + timedelta(days=index)).date() for index in range(100)],
    ],
)
def test_a_histogram_of_times_has_times_on_its_axis(values):
    chart = charts.histogram(pl.DataFrame({"at": values}), "at", bins=10)
    drawn = rows_of(chart, "low", "high", "rows")
    assert [row["rows"] for row in drawn] == [10] * 10
    assert drawn[0]["low"].startswith("2013-01-01T00:00:00")
    assert spec_of(chart)["encoding"]["x"]["type"] == "temporal"


def test_a_histogram_of_words_shows_the_most_frequent():
    frame = pl.DataFrame(
        {"carrier": [f"c{index % 40:02d}" for index in range(400)] + ["c07", None]}
    )
    chart = charts.histogram(frame, "carrier")
    drawn = rows_of(chart, "value", "rows")
    assert (drawn[0], len(drawn)) == ({"value": "c07", "rows": 11}, 30)
    assert (
        spec_of(chart)["title"]["subtitle"]
        == "402 rows; 1 missing; the 30 most frequent of 40 values"
    )


def test_a_histogram_of_one_value_is_one_bar():
    assert (
        sum(
            row["rows"]
            for row in rows_of(charts.histogram(pl.DataFrame({"x": [5, 5, 5]}), "x"), "low", "rows")
        )
        == 3
    )


def test_a_heat_map_averages_and_leaves_thin_cells_empty():
    frame = pl.DataFrame(
        {"hour": [1, 1, 1, 2], "day": ["mo", "mo", "mo", "tu"], "late": [True, True, False, True]}
    )
    chart = charts.heat_map(frame, x="hour", y="day", value="late", least=2)
    assert rows_of(chart, "mean", "rows") == [
        {"hour": 1, "day": "mo", "mean": pytest.approx(2 / 3), "rows": 3}
    ]
    assert spec_of(chart)["title"]["subtitle"] == "1 of 2 cells have fewer than 2 rows"


def test_a_column_whose_name_is_a_pattern_is_refused_with_the_fix_and_harms_no_other():
    frame = pl.DataFrame({"^h.*$": [1.0, 2.0], "*": ["mo", "tu"], "hour": [7.0, 8.0]})
    for name in ("*", "^h.*$"):
        with pytest.raises(BadRequest, match=r"a pattern of names. Rename it: frame.rename"):
            charts.histogram(frame, name)
    frame = frame.with_columns(day=pl.Series(["mo", "tu"]))
    assert rows_of(charts.bars(frame, x="hour", y="day"), "day", "hour") == [
        {"day": "mo", "hour": 7.0},
        {"day": "tu", "hour": 8.0},
    ]


def test_psi_bars_are_sorted_marked_and_bounded():
    frame = pl.DataFrame(
        {
            "feature": [f"f{index}" for index in range(60)] + ["unknown"],
            "psi": [index / 100 for index in range(60)] + [None],
        }
    )
    chart = charts.psi_bars(frame, threshold=0.2)
    drawn = rows_of(chart, "feature", "psi", "state")
    assert [row["feature"] for row in drawn] == [f"f{index}" for index in range(59, 19, -1)]
    assert [row["feature"] for row in drawn if row["state"] == "stable"] == ["f20"]
    assert (
        spec_of(chart)["title"]["subtitle"]
        == "39 of 40 above 0.2; the largest 40 of 60; 1 without PSI"
    )


@pytest.mark.parametrize(
    ("edges", "bins", "kind", "names"),
    [
        ([0.0, 1.5], 3, "number", ["≤ 0", "0 – 1.5", "> 1.5"]),
        ([], 1, "number", ["all"]),
        (
            [1e6 + 0.001, 1e6 + 0.002],
            3,
            "number",
            ["≤ 1000000.001", "1000000.001 – 1000000.002", "> 1000000.002"],
        ),
        ([1.0, 2.0], 3, "discrete", ["1", "2", "all others"]),
        (["UA", "B6"], 3, "category", ["UA", "B6", "all others"]),
        (["UA", "B6"], 2, "category", ["UA", "B6"]),
        (["••• 1", "••• 2"], 3, "number", ["≤ ••• 1", "••• 1 – ••• 2", "> ••• 2"]),
    ],
)
def test_a_distribution_names_its_bins(edges, bins, kind, names):
    drawn = rows_of(
        charts.distribution(edges, [1 / bins] * bins, [1 / bins] * bins, kind=kind),
        "bin",
        "series",
        "fraction",
    )
    assert [row["bin"] for row in drawn if row["series"] == "window"] == names


def test_bars_keep_the_order_of_the_frame_and_say_how_many_are_left_out():
    frame = pl.DataFrame({"a.b[c]:d": [f"n{index}" for index in range(70)], "x": range(70)})
    chart = charts.bars(frame, x="x", y="a.b[c]:d")
    spec = spec_of(chart)
    assert len(rows_of(chart, "a.b[c]:d", "x")) == 60
    assert spec["title"]["subtitle"] == "the first 60 of 70"
    assert spec["layer"][0]["encoding"]["y"]["field"] == "a\\.b\\[c\\]\\:d"


EMPTY = pl.DataFrame({"late": [], "model": []}, schema={"late": pl.Boolean, "model": pl.Float64})


@pytest.mark.parametrize(
    ("draw", "word"),
    [
        (lambda: charts.roc(scored(), label="late", scores=["nothing"]), "no column nothing"),
        (lambda: charts.roc(scored(), label="late", scores=[]), "nothing to draw"),
        (lambda: charts.roc(EMPTY, label="late", scores=["model"]), "nothing to draw"),
        (
            lambda: charts.roc(scored().filter("late"), label="late", scores=["model"]),
            "All labels are the same",
        ),
        (
            lambda: charts.calibration(
                scored().with_columns(model=None), label="late", score="model"
            ),
            "cannot be judged",
        ),
        (lambda: charts.histogram(scored(), "model", bins=0), "bins=0"),
        (
            lambda: charts.histogram(pl.DataFrame({"x": [None]}, schema={"x": pl.Float64}), "x"),
            "nothing to draw",
        ),
        (lambda: charts.metric_curves(curves(201, 2)), "201 curves"),
        (lambda: charts.distribution([1.0], [0.5, 0.5], [1.0]), "do not fit"),
        (
            lambda: charts.psi_bars(pl.DataFrame({"feature": ["a"], "psi": [math.nan]})),
            "nothing to draw",
        ),
        (
            lambda: charts.heat_map(
                pl.DataFrame({"x": range(5000), "y": range(5000), "v": range(5000)}),
                x="x",
                y="y",
                value="v",
            ),
            "too many",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_a_reason(draw, word):
    with pytest.raises(BadRequest, match=word):
        draw()


def test_a_pandas_frame_is_drawn_as_one_of_polars():
    frame = scored(300)
    pairs = [
        lambda given: charts.roc(given, label="late", scores=["model"]),
        lambda given: charts.calibration(given, label="late", score="model"),
        lambda given: charts.histogram(given, "model"),
        lambda given: charts.bars(given.head(5), x="model", y="rounded"),
        lambda given: charts.heat_map(given, x="rounded", y="late", value="model"),
    ]
    for draw in pairs:
        assert spec_of(draw(frame.to_pandas()))["datasets"] == spec_of(draw(frame))["datasets"]
    with pytest.raises(BadRequest, match="list is not a frame"):
        charts.histogram([1.0], "model")
