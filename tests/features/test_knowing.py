"""Statistics, drift, skew, uses and examples of features."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from scipy import stats

from jupyter_mlinfra.core.lineage import Edge
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features import Features, Freshness
from jupyter_mlinfra.features.knowing.drift import ks, psi
from jupyter_mlinfra.features.knowing.uses import records, uses_of

T0 = datetime(2026, 3, 1, tzinfo=UTC)


def test_the_distances_are_those_of_scipy_and_of_the_formula() -> None:
    draw = np.random.default_rng(3)
    for shift in (0.0, 0.1, 1.0):
        old, new = draw.normal(size=700), draw.normal(shift, size=300).round(1)
        expected = stats.ks_2samp(old, new, method="asymp").statistic
        assert ks(np.sort(old), np.sort(new)) == pytest.approx(expected, abs=1e-12)
    counts = np.array([10, 20, 70]), np.array([30, 30, 40])
    shares = [(10 / 100, 30 / 100), (20 / 100, 30 / 100), (70 / 100, 40 / 100)]
    assert psi(*counts) == pytest.approx(sum((q - p) * np.log(q / p) for p, q in shares))
    assert psi(counts[0], counts[0]) == 0
    assert ks(np.zeros(0), np.ones(3)) is None


@pytest.fixture
def drifting(applied_shop: Project, monkeypatch: pytest.MonkeyPatch) -> Features:
    """Clicks of 40 days, with a rate that moves to the right after day 30, and no rate on the last
    day.
    """
    draw = np.random.default_rng(1)
    hours = 40 * 24
    rate = draw.normal(size=hours) + np.where(np.arange(hours) >= 30 * 24, 2.0, 0.0)
    rows = pl.DataFrame(
        {
            "user_id": np.arange(hours) % 10,
            "at": [T0 + timedelta(hours=hour) for hour in range(hours)],
            "clicks_7d": draw.integers(0, 5, hours),
            "rate": [*rate[: hours - 24], *[None] * 24],
        }
    )
    rows.with_columns(made=pl.col("at")).write_parquet(
        applied_shop.root / "feature_repo" / "data" / "clicks.parquet"
    )
    monkeypatch.setenv("MLINFRA_FEATURES_AS_OF", (T0 + timedelta(days=40)).isoformat())
    return Features(Project.open(applied_shop.root))


def test_the_statistics_of_a_view_tell_shape_age_and_drift(drifting: Features) -> None:
    first = drifting.statistics("clicks")
    assert first.profile is not None
    rate = first.profile.columns["rate"]
    source = pl.read_parquet(drifting._project.root / "feature_repo" / "data" / "clicks.parquet")
    assert rate.mean == pytest.approx(source["rate"].mean())
    assert (rate.nulls, rate.basis["mean"]) == (24, "exact")
    assert rate.shape is not None
    assert sum(bar.count for bar in rate.shape.bars) + rate.shape.below + rate.shape.above == 936
    by_name = {item.name: item for item in first.features}
    assert by_name["clicks_7d"].newest == T0 + timedelta(hours=959)
    assert by_name["rate"].newest == T0 + timedelta(hours=935)
    assert by_name["clicks_7d"].freshness is Freshness.FRESH
    assert by_name["rate"].freshness is Freshness.FRESH, "25 h old, the ttl is 30 h"
    assert (by_name["rate"].drift, first.training) == (None, None)
    assert "No training set" in first.no_drift

    window = pl.DataFrame(
        {
            "user_id": [user % 10 for user in range(200)],
            "event_timestamp": [T0 + timedelta(hours=3 * hour) for hour in range(200)],
        }
    )
    drifting.training_set(["clicks:*"], window.head(5))
    assert drifting.statistics("clicks").training is None, "five rows are a try"
    drifting.training_set(["clicks:*"], window)
    found = drifting.statistics("clicks")
    assert found.training is not None
    assert (found.training.first, found.training.last) == (T0, T0 + timedelta(hours=597))
    by_name = {item.name: item for item in found.features}
    moved, still = by_name["rate"], by_name["clicks_7d"]
    inside, after = (source.filter(part)["rate"].drop_nulls() for part in _sides(597))
    assert moved.ks is not None
    assert moved.ks.value == pytest.approx(stats.ks_2samp(inside, after).statistic, abs=1e-12)
    assert moved.drift is not None
    assert still.drift is not None
    assert moved.drift.n == source.filter(_sides(597)[1]).height
    assert float(moved.drift.value or 0) > 0.3 > 0.1 > float(still.drift.value or 0)
    assert drifting.statistics("spend").training is None


def _sides(hour: int) -> tuple[pl.Expr, pl.Expr]:
    last = T0 + timedelta(hours=hour)
    return pl.col("at") <= last, pl.col("at") > last


def test_figures_are_read_once_for_each_state_of_the_source(
    drifting: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = drifting.statistics("clicks")
    data = drifting._project.root / "feature_repo" / "data"
    monkeypatch.setattr("jupyter_mlinfra.catalog.profile_of", None)
    assert drifting.statistics("clicks") == first
    monkeypatch.undo()
    pl.read_parquet(data / "clicks.parquet").head(30).write_parquet(data / "clicks.parquet")
    assert drifting.statistics("clicks").rows.value == 30
    (data / "clicks.parquet").unlink()
    gone = drifting.statistics("clicks")
    assert (gone.rows.value, gone.profile) == (None, None)
    assert "no file" in gone.problem


def test_the_last_comparison_with_the_source_is_kept_for_the_page(
    applied_shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLINFRA_FEATURES_AS_OF", (T0 + timedelta(days=1)).isoformat())
    features = Features(Project.open(applied_shop.root))
    features.materialize("clicks")
    assert features.statistics("clicks").skew is None
    path = applied_shop.root / "feature_repo" / "data" / "clicks.parquet"
    rows = pl.read_parquet(path)
    rows.with_columns(
        rate=pl.when(pl.col("user_id") == 3).then(0.99).otherwise("rate")
    ).write_parquet(path)
    report = features.check("clicks")
    found = Features(applied_shop).statistics("clicks")
    assert found.skew == report
    assert found.skew_at is not None
    assert {item.name: (item.skew.value, item.skew.n) for item in found.features if item.skew} == {
        "clicks_7d": (0.0, 10),
        "rate": (0.1, 10),
    }


def test_uses_lead_to_models_by_name_champions_first_and_never_by_id() -> None:
    def edge(source: str, output: str, job: str, at: str) -> Edge:
        return Edge(input=source, output=output, job=job, at=at)

    cell = "notebook:train.ipynb#"
    found = uses_of(
        [
            edge("feature:clicks:rate", f"{cell}a", "features.training_set", "1"),
            edge("dataset:x", "run:beef", f"{cell}b", "2"),
            edge("run:beef", "version:churn/1", "register", "3"),
            edge("feature:clicks:rate", "dataset:ml.train@7", "user:ana", "4"),
            edge("dataset:ml.train@7", "run:cafe", "user:ana", "5"),
            edge("run:cafe", "version:churn/2", "register", "6"),
            edge("feature:clicks:days", "job:0d0d", "features.training_set", "7"),
            edge("version:churn/2", "run:cafe", "loop", "8"),
            edge("feature:clicks:rate", "user:ana", "features.training_set", "9"),
            edge("view:clicks", "dataset:ml.joined@8", "job:0d0d", "9"),
            edge("view:orders", "dataset:ml.other@8", "job:0d0d", "9"),
            edge("dataset:ml.joined@8", "run:f00d", "step:churn/train", "9"),
            edge("dataset:ml.joined@8", "version:churn@champion", "step:churn/evaluate", "9"),
            edge("version:churn@champion", "dataset:ml.scores@9", "user:ana", "9"),
        ]
    )
    uses = records(
        found,
        {"feature:clicks:rate": "rate", "feature:clicks:days": "days"},
        names=lambda refs: {"run:beef": "first try"},
        aliases=lambda models: {"churn": {"candidate": 1, "champion": 1}},
    )
    assert [(use.kind, use.name, list(use.aliases)) for use in uses][:4] == [
        ("version", "churn v1", ["champion", "candidate"]),
        ("version", "churn v2", []),
        ("run", "a run without a name", []),
        ("run", "a run without a name", []),
    ]
    of_refs = {use.ref: list(use.features) for use in uses}
    assert of_refs["job:0d0d"] == ["days"]
    # The job that joined the days wrote a dataset from their view, and a run was made from that.
    assert (of_refs["dataset:ml.joined"], of_refs["run:f00d"]) == (["days"], ["days"])
    assert of_refs["dataset:ml.scores"] == ["days"]
    assert {"dataset:ml.other", "version:churn@champion", "version:churn"}.isdisjoint(of_refs)
    assert "user:ana" not in {use.ref for use in uses}  # no object was made
    assert not any(word in use.name for use in uses for word in ("beef", "cafe", "0d0d"))
    assert list(found.of("feature:clicks:rate"))[:2] == ["version:churn/2", "version:churn/1"]


def test_example_rows_show_values_also_where_views_ended_at_other_times(
    applied_shop: Project,
) -> None:
    data = applied_shop.root / "feature_repo" / "data"
    draw = random.Random(2)
    rows = [
        (draw.randrange(10), T0 + timedelta(hours=hour), hour if draw.random() < 0.2 else None)
        for hour in range(24 * 30)
    ]
    pl.DataFrame(rows, schema=["user_id", "at", "rate"], orient="row").with_columns(
        clicks_7d=pl.lit(1), made=pl.col("at"), rate=pl.col("rate").cast(pl.Float64)
    ).write_parquet(data / "clicks.parquet")
    bought = {
        "user_id": [1, 2, 3],
        "item_id": ["pen"] * 3,
        "amount": [1.0, None, 3.0],
        "shop": ["x"] * 3,
        "at": [T0 + timedelta(days=9)] * 3,
    }
    pl.DataFrame(bought).write_parquet(data / "spend.parquet")
    features = Features(applied_shop)
    for refs in (["clicks:*"], ["clicks:*", "spend:*"], ["spend:amount", "clicks:rate"]):
        rows_ = features.examples(refs, 2)
        assert rows_.height == 2
        assert features.training_set(refs, rows_).null_count().sum_horizontal().item() == 0, refs
