"""`05_evaluate`: which candidate becomes the champion, and what its run is told."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from jupyter_mlinfra.experiments import evaluation

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
sys.path.insert(0, str(NOTEBOOKS))

import flights as project  # noqa: E402


class Candidate:
    """The candidate and its run in one: notes what is logged and promoted."""

    def __init__(self) -> None:
        self.logged: dict[str, float] = {}
        self.promoted: list[str] = []

    @property
    def run(self) -> Candidate:
        return self

    def log_metrics(self, metrics: dict[str, float]) -> None:
        self.logged |= metrics

    def promote(self, alias: str) -> None:
        self.promoted.append(alias)


def _judged(model: str) -> tuple[Candidate, str]:
    """Run the cells from the comparison on, on sixty days whose rate by carrier and hour is a fair
    guess; what is said when the model lost.
    """
    source = np.random.default_rng(3)
    late = np.tile([1, 0, 0, 0], 600)
    fair = late + source.normal(0, 1.5, len(late))
    found = {
        "good": late + source.normal(0, 0.3, len(late)),
        "equal": fair,
        "poor": source.normal(0, 1, len(late)),
    }[model]
    days = [
        datetime(2013, 11, 1, 15, tzinfo=UTC) + timedelta(days=place % 60)
        for place in range(len(late))
    ]
    candidate = Candidate()
    names: dict[str, Any] = {
        "pl": pl,
        "project": project,
        "evaluation": evaluation,
        "candidate": candidate,
        "resamples": 200,
        "test": pl.DataFrame({"scheduled_at": days}),
        "scores": pl.DataFrame(
            {"late": late, "model": found, "rate by carrier and hour": fair, "never late": 0.0}
        ),
        "thresholds": {"model": 0.5, "rate by carrier and hour": 0.5, "never late": float("inf")},
        "costs": {"cost_action": 30.0, "cost_late": 120.0},
    }
    cells = [
        "".join(cell["source"])
        for cell in json.loads((NOTEBOOKS / "05_evaluate.ipynb").read_text())["cells"]
        if cell["cell_type"] == "code"
    ]
    said = ""
    for cell in cells:
        if "bootstrap_difference" in cell or "log_metrics" in cell:
            try:
                exec(cell, names)
            except AssertionError as error:
                said = str(error)
    return candidate, said


def test_a_candidate_that_beats_both_baselines_becomes_the_champion() -> None:
    candidate, said = _judged("good")
    assert (candidate.promoted, said) == (["champion"], "")
    lows = {name: value for name, value in candidate.logged.items() if name.endswith("_low")}
    assert len(lows) == 4
    assert all(value > 0 for value in lows.values())


@pytest.mark.parametrize("model", ["equal", "poor"])
def test_a_candidate_that_wins_by_no_more_than_chance_is_told_so_and_not_promoted(
    model: str,
) -> None:
    candidate, said = _judged(model)
    assert candidate.promoted == []
    assert "versus_rate_saved_per_1000" in said
    assert "versus_rate_auc" in said
    assert candidate.logged["versus_rate_auc_low"] <= 0
    assert candidate.logged["versus_rate_saved_per_1000_low"] <= 0
