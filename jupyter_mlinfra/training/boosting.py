"""XGBoost with early stopping, progress, curves in the tracked run, and a model that can be deployed."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest, Unavailable
from . import progress

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    import xgboost as xgb

FLUSH_SECONDS = 2.0
"""Curve points go to the tracking store in batches this far apart."""


@dataclass(frozen=True)
class Trained:
    """A trained booster. names: its inputs in order. types: of the signature. optional: inputs with missing values in training.

    best_round: round with the best last metric on the tuning data, from 0; `predict` uses the trees up to it.
    """

    booster: xgb.Booster
    names: tuple[str, ...]
    types: tuple[str, ...]
    optional: tuple[bool, ...]
    best_round: int

    def predict(self, frame: pl.DataFrame) -> np.ndarray:
        """One answer a row, in order. frame: has all inputs; other columns are left alone."""
        matrix = _matrix(frame.select(self.names))
        answers: np.ndarray = self.booster.inplace_predict(matrix, iteration_range=(0, self.best_round + 1))
        return answers

    def log_model(self, *, sample: pl.DataFrame, name: str = "model") -> str:
        """Log the booster to MLflow's active run, in XGBoost's own UBJ format (no pickle), with signature and pinned requirements.

        sample: a few rows of the inputs; they become the input example. Returns the model's URI.
        """
        import mlflow
        import numpy
        import xgboost

        signature = mlflow.models.ModelSignature(inputs=self._schema(), outputs=_answer_schema())
        info = mlflow.xgboost.log_model(
            self.booster,
            name=name,
            signature=signature,
            input_example=sample.select(self.names).to_pandas(),
            model_format="ubj",
            pip_requirements=[f"xgboost=={xgboost.__version__}", f"numpy=={numpy.__version__}"],
        )
        return str(info.model_uri)

    def _schema(self) -> Any:
        from mlflow.types import ColSpec, Schema

        return Schema([ColSpec(kind, column, required=not may_miss) for column, kind, may_miss in zip(self.names, self.types, self.optional, strict=True)])


def train_xgboost(
    inputs: pl.DataFrame,
    label: pl.Series,
    tune_inputs: pl.DataFrame,
    tune_label: pl.Series,
    *,
    parameters: Mapping[str, Any],
    rounds: int,
    early_stopping_rounds: int,
) -> Trained:
    """Train until the last metric on the tuning data has not improved for `early_stopping_rounds`, at most `rounds`.

    inputs, tune_inputs: numeric or boolean columns of the same names; missing values stay missing. label, tune_label: as long, no nulls.
    parameters: XGBoost's own; `device` is that of the job (a GPU if it was given one) unless it is named. The same seed gives the same trees.
    Curves and parameters go to MLflow's active run if there is one. Raises BadRequest when the data do not fit together.
    """
    xgb = _xgboost()
    _check(inputs, label, tune_inputs, tune_label)
    settings = {"device": _device(), "seed": 0, **parameters}
    learn = xgb.QuantileDMatrix(_matrix(inputs), _matrix(label.to_frame()).ravel(), feature_names=inputs.columns)
    tune = xgb.QuantileDMatrix(_matrix(tune_inputs), _matrix(tune_label.to_frame()).ravel(), feature_names=inputs.columns, ref=learn)
    _log_parameters({**settings, "rounds": rounds, "early_stopping_rounds": early_stopping_rounds, "inputs": inputs.width, "rows": inputs.height})
    booster = xgb.train(
        settings, learn, rounds,
        evals=[(learn, "learn"), (tune, "tune")], early_stopping_rounds=early_stopping_rounds, verbose_eval=False, callbacks=[_watcher(rounds)],
    )  # fmt: skip
    kinds = tuple(_kind(dtype) for dtype in inputs.dtypes)
    optional = tuple(inputs[name].null_count() > 0 for name in inputs.columns)
    # An integer with gaps reaches a model as a float: its signature says so.
    types = tuple("double" if may_miss and kind == "long" else kind for kind, may_miss in zip(kinds, optional, strict=True))
    return Trained(booster=booster, names=tuple(inputs.columns), types=types, optional=optional, best_round=booster.best_iteration)


def _xgboost() -> Any:
    try:
        import xgboost
    except ImportError as error:
        raise Unavailable("XGBoost is not installed.", fix="pip install 'jupyter-mlinfra[xgboost]'") from error
    return xgboost


def _check(inputs: pl.DataFrame, label: pl.Series, tune_inputs: pl.DataFrame, tune_label: pl.Series) -> None:
    if inputs.columns != tune_inputs.columns:
        differ = sorted(set(inputs.columns) ^ set(tune_inputs.columns))
        raise BadRequest(
            "Training and tuning data have other columns.", f"Not in both, or in another order: {', '.join(differ) or 'order'}.", "Select the same names."
        )
    for name, frame, answers in (("training", inputs, label), ("tuning", tune_inputs, tune_label)):
        if not frame.height or frame.height != len(answers):
            raise BadRequest(f"The {name} data do not fit together.", f"{frame.height} rows and {len(answers)} labels.")
        if answers.null_count():
            raise BadRequest(f"{answers.null_count()} {name} rows have no label.", fix="Filter them out.")
    wrong = [column for column in inputs.columns if not (inputs[column].dtype.is_numeric() or str(inputs[column].dtype) == "Boolean")]
    if wrong:
        raise BadRequest(f"Columns {', '.join(wrong)} are no numbers.", f"{wrong[0]} is {inputs[wrong[0]].dtype}.", "Encode them as codes first.")


def _matrix(frame: pl.DataFrame) -> np.ndarray:
    """Float64 with NaN for missing: what the serving runtime feeds too, so that offline and online answers agree."""
    import polars as pl

    matrix: np.ndarray = frame.cast(pl.Float64).to_numpy()
    return matrix


def _kind(dtype: Any) -> str:
    return "boolean" if str(dtype) == "Boolean" else "long" if dtype.is_integer() else "double"


def _device() -> str:
    """The device that the job was given: a supervisor hides all GPUs from a job that asked for none."""
    return "cuda" if os.environ.get("MLINFRA_JOB") and os.environ.get("CUDA_VISIBLE_DEVICES") else "cpu"


def _answer_schema() -> Any:
    from mlflow.types import ColSpec, Schema

    return Schema([ColSpec("double")])


def _log_parameters(parameters: Mapping[str, Any]) -> None:
    import mlflow

    if mlflow.active_run() is not None:
        mlflow.log_params(dict(parameters))


def _watcher(rounds: int) -> Any:
    """A callback that reports progress and sends the curves to MLflow's active run in batches."""
    import mlflow
    from mlflow.entities import Metric

    xgb = _xgboost()
    run = mlflow.active_run()
    client = mlflow.MlflowClient() if run else None

    class Watcher(xgb.callback.TrainingCallback):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.points: list[Metric] = []
            self.sent = time.monotonic()

        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002
            at = int(time.time() * 1000)
            latest = {f"{data}_{metric}": float(values[-1]) for data, metrics in evals_log.items() for metric, values in metrics.items()}
            self.points += [Metric(key, value, at, epoch) for key, value in latest.items()]
            if time.monotonic() - self.sent > FLUSH_SECONDS:
                shown = ", ".join(f"{key} {value:.4f}" for key, value in latest.items())
                progress.report((epoch + 1) / rounds, f"round {epoch + 1} of at most {rounds}: {shown}")
                self.flush()
            return False

        def after_training(self, model: Any) -> Any:
            self.flush()
            return model

        def flush(self) -> None:
            self.sent = time.monotonic()
            if client and run:
                for start in range(0, len(self.points), 1000):  # MLflow takes a thousand metrics in a batch
                    client.log_batch(run.info.run_id, metrics=self.points[start : start + 1000])
            self.points = []

    return Watcher()
