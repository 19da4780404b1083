"""Estimates of performance, drift and changes beside those of NannyML and river, as oracles.

    python benchmarks/estimates.py

NannyML's own data: the American census of Massachusetts (was somebody employed; reference 2015,
then 2016 to 2018 with the true values), and prices of used cars. CBPE and DLE of both sides beside
what the labels show; PAPE beside them. A monitor of this census has to stay quiet. river's ADWIN
and ours see the same 200 sequences of errors, and series whose changes people have marked. NannyML
and river have an environment of their own.

Ends with 1, and says why, if a figure is farther from the oracle's than the bounds below.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
from oracles import Checks
from oracles.annotated import annotated, begun_anew
from oracles.quiet import quiet
from peers import environment

from jupyter_mlinfra.monitoring.measures import error_models, estimating, performance, shifting
from jupyter_mlinfra.monitoring.measures.adwin import changes
from jupyter_mlinfra.monitoring.measures.drift import compare, reference
from jupyter_mlinfra.monitoring.measures.encoding import encoded, levels_of_inputs

PEERS = ("nannyml==0.13.1", "pandas<3", "river==0.26.1", "statsmodels")
METRICS = ("accuracy", "f1", "roc_auc")
CBPE_APART = 0.001
PAPE_OFF = 0.005
"""PAPE has no oracle here: it may be so far from what the labels show."""
DLE_APART = 0.01
"""Of NannyML's: the two grow different trees."""
LARGEST_PSI = 0.05
"""Of a year against the reference: nothing moves much."""
MOST_FALSE = 0.02
"""Of the sequences, by which ADWIN may raise a false alarm, or miss the change."""
CARS = ["car_age", "km_driven", "price_new", "accident_count", "door_count", "fuel", "transmission"]
THEIRS = """
import json, os, pathlib, sys, time, warnings
os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
warnings.filterwarnings("ignore")
import nannyml, numpy, pandas
from river.drift import ADWIN
data = pathlib.Path(nannyml.__file__).parent / "datasets" / "data"
found = {"data": str(data)}
reference = pandas.read_parquet(data / "employment_MA_reference.pq")
analysis = pandas.read_parquet(data / "employment_MA_analysis.pq")
began = time.process_time()
cbpe = nannyml.CBPE(problem_type="classification_binary", y_pred="prediction", y_true="employed",
    y_pred_proba="predicted_probability", metrics=["accuracy", "f1", "roc_auc"], chunk_number=1)
cbpe.fit(reference)
for year, rows in analysis.groupby("year"):
    values = cbpe.estimate(rows).filter(period="analysis").to_df()
    found[f"cbpe {year}"] = {name: float(values[(name, "value")].iloc[0])
        for name in ("accuracy", "f1", "roc_auc")}
found["cbpe CPU s"] = time.process_time() - began
cars = [pandas.read_csv(data / f"regression_synthetic_{name}.csv")
    for name in ("reference", "analysis")]
began = time.process_time()
dle = nannyml.DLE(feature_column_names=json.loads(sys.argv[1]), y_pred="y_pred", y_true="y_true",
    metrics=["mae", "rmse"], chunk_number=1)
dle.fit(cars[0])
values = dle.estimate(cars[1]).filter(period="analysis").to_df()
found["dle"] = {name: float(values[(name, "value")].iloc[0]) for name in ("mae", "rmse")}
found["dle CPU s"] = time.process_time() - began
alarms = []
for seed in range(200):
    random = numpy.random.default_rng(seed)
    wrong = numpy.concatenate([random.random(2000) < 0.1, random.random(1500) < 0.2])
    detector, positions = ADWIN(), []
    for place, value in enumerate(wrong.astype(float), start=1):
        detector.update(value)
        if detector.drift_detected:
            positions.append(place)
    alarms.append(positions)
found["adwin"] = alarms
print(json.dumps(found))
"""


def main() -> int:
    """Print the figures as lines; 1 if one is out of bounds."""
    checks = Checks()
    python = environment("nannyml-0.13.1", PEERS)
    done = subprocess.run(
        [python, "-W", "ignore", "-c", THEIRS, json.dumps(CARS)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    theirs = json.loads(done.stdout.splitlines()[-1])
    data = Path(theirs["data"])
    census(data, theirs, checks)
    cars(data, theirs, checks)
    sequences(theirs["adwin"], checks)
    annotated(python, checks)
    for text in checks.missed:
        print(f"OUT OF BOUNDS: {text}")
    return 1 if checks.missed else 0


def census(data: Path, theirs: Mapping[str, Mapping[str, float]], checks: Checks) -> None:
    """Accuracy stays: estimates, drift and a monitor have to stay quiet."""
    known = pl.read_parquet(data / "employment_MA_reference.pq")
    labels = pl.read_parquet(data / "employment_MA_analysis_target.pq")
    later = pl.read_parquet(data / "employment_MA_analysis.pq").join(labels, on="id")
    inputs = known.columns[1 : known.columns.index("employed")]
    truth = known["employed"].to_numpy().astype(float)
    began = time.process_time()
    calibrations = shifting.calibrations_of(scores_of(known), truth)
    years = {
        year[0]: rows for year, rows in sorted(later.partition_by("year", as_dict=True).items())
    }
    estimates = {
        year: estimating.estimate(scores_of(rows), calibrations) for year, rows in years.items()
    }
    spent = time.process_time() - began
    levels = levels_of_inputs(known, inputs)
    profiles = [reference(known[name]) for name in inputs]
    print(
        f"census, {known.height:,} rows of reference; CBPE of three years: ours {spent:.2f} CPU s,"
        f" NannyML's {theirs['cbpe CPU s']:.2f}"
    )
    for year, rows in years.items():
        pape = shifting.pape(
            encoded(known, levels), scores_of(known), truth, encoded(rows, levels), scores_of(rows)
        )
        real = performance.metrics(
            scores_of(rows), rows["employed"].to_numpy().astype(float), "probabilities"
        )
        for name in METRICS:
            print(
                f"  {year} {name:8s} real {real[name]:.4f}  CBPE {estimates[year][name]:.4f}"
                f"  NannyML's {theirs[f'cbpe {year}'][name]:.4f}  PAPE {pape[name]:.4f}"
            )
            what, oracle = f"{name} of {year}", theirs[f"cbpe {year}"][name]
            checks.within(f"CBPE's {what}", number(estimates[year][name]), oracle, CBPE_APART)
            checks.within(f"PAPE's {what}", number(pape[name]), number(real[name]), PAPE_OFF)
        worst = max(
            (compare(profile, rows[profile.name], threshold=0.2) for profile in profiles),
            key=lambda item: float(item.psi.value or 0),
        )
        print(f"  {year} largest PSI {worst.psi.value:.4f} ({worst.feature}), {rows.height:,} rows")
        checks.within(f"PSI of {worst.feature} in {year}", number(worst.psi.value), 0, LARGEST_PSI)
    quiet(known, later, inputs, checks)


def number(value: object) -> float:
    """A figure that is there; else NaN, which is within no bound."""
    return float(value) if isinstance(value, float | int) else math.nan


def scores_of(rows: pl.DataFrame) -> np.ndarray:
    """The probabilities of both classes."""
    one = rows["predicted_probability"].to_numpy()
    return np.column_stack([1 - one, one])


def cars(data: Path, theirs: Mapping[str, Mapping[str, float]], checks: Checks) -> None:
    """Prices of used cars: the errors grow, which the inputs show."""
    known, later = (
        pl.read_csv(data / f"regression_synthetic_{name}.csv").rename({"y_pred": "prediction"})
        for name in ("reference", "analysis")
    )
    truth = pl.read_csv(data / "regression_synthetic_analysis_targets.csv")["y_true"].to_numpy()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "1.json")
        began = time.process_time()
        error_models.fit(path, known, CARS, known["y_true"].to_numpy())
        models = error_models.of(path)
        assert models is not None
        absolute, squared = models.predicted(later)
        spent = time.process_time() - began
    real = performance.regression(later["prediction"].to_numpy(), truth)
    print(
        f"cars, {known.height:,} rows of reference; DLE: ours {spent:.2f} CPU s, NannyML's"
        f" {theirs['dle CPU s']:.2f}"
    )
    for name, value in (("mae", absolute.mean()), ("rmse", squared.mean() ** 0.5)):
        print(
            f"  {name:4s} real {real[name]:.1f}  DLE {value:.1f}"
            f"  NannyML's {theirs['dle'][name]:.1f}"
        )
        oracle = theirs["dle"][name]
        checks.within(f"DLE's {name}", float(value), oracle, DLE_APART * oracle)


def sequences(theirs: list[list[int]], checks: Checks) -> None:
    """Errors of 10 %, from the 2,001st on of 20 %."""
    ours, most = [], MOST_FALSE * len(theirs)
    for seed in range(len(theirs)):
        random = np.random.default_rng(seed)
        wrong = np.concatenate([random.random(2000) < 0.1, random.random(1500) < 0.2])
        values = wrong.astype(float).tolist()
        ours.append([item.position for item in changes(values)])
        anew = begun_anew(values)
        checks.holds(
            anew == theirs[seed], f"sequence {seed}: alarms at {anew}, river's at {theirs[seed]}"
        )
    for name, alarms in (("ADWIN", ours), ("river's", theirs)):
        false = sum(any(place <= 2000 for place in positions) for positions in alarms)
        delays = [
            next(place for place in positions if place > 2000) - 2000
            for positions in alarms
            if any(place > 2000 for place in positions)
        ]
        print(
            f"{name:8s} {len(alarms)} sequences: false alarms in {false}, found {len(delays)},"
            f" delay {np.median(delays):.0f} in the median, {max(delays)} at most"
        )
        checks.within(f"{name}: false alarms", false, 0, most)
        checks.within(f"{name}: changes found", len(delays), len(alarms), most)
    same = sum(a[:1] == b[:1] for a, b in zip(ours, theirs, strict=True))
    print(f"the first alarm is at the same value in {same} of {len(theirs)}")
    checks.within("sequences with the same first alarm", same, len(theirs), 0)


if __name__ == "__main__":
    sys.exit(main())
