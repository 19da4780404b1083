"""XGBoost with early stopping, progress, curves in the tracked run, and a model that can be
deployed.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest, Conflict, Unavailable
from ..core.frames import polars_frame
from .columns import Column, as_frame, codes, columns_of, encode
from .curves import XGBoostProgress, active_run, curves_of
from .devices import device

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    import xgboost as xgb

    from ..core.frames import Frame

_SAMPLE = "The sample cannot be logged."


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A trained booster, cut to its best round, so that predicting with all its trees gives the
    same answers here and in a server.

    columns: its inputs, in order. best_round: from 0; the last round without early stopping.
    history: `tune_auc` → one value per round.
    """

    booster: xgb.Booster
    columns: tuple[Column, ...]
    best_round: int
    history: Mapping[str, Sequence[float]]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the inputs, in order."""
        return tuple(column.name for column in self.columns)

    def predict(self, inputs: Frame | np.ndarray) -> np.ndarray:
        """One answer per row (float32), in order. A frame may have further columns; a text never
        seen in training counts as missing.

        Raises BadRequest if a column is missing or has another type.
        """
        answers: np.ndarray = self.booster.inplace_predict(
            codes(encode(as_frame(inputs), self.columns)), validate_features=False
        )
        return answers

    def log_model(self, *, sample: Frame, name: str = "model") -> str:
        """Log the booster to MLflow's active run in XGBoost's own UBJ format (no pickle), with
        signature and pinned requirements.

        sample: a few rows of the inputs; they become the input example. Returns the model's URI.
        Raises Conflict without an active run. A model with text inputs is served by our own
        runtime; MLflow's pyfunc cannot call it.
        """
        import mlflow

        if mlflow.active_run() is None:
            raise Conflict(
                "There is no run to log the model to.",
                "No MLflow run is active.",
                "with ml.track('experiment'): …",
            )
        # This logger warns that pyfunc cannot predict the sample, which it cannot for text inputs.
        noisy = ["mlflow.models.model"] if any(column.categories for column in self.columns) else []
        with _quiet("mlflow.utils.environment", *noisy):  # an environment made by uv has no pip
            info = mlflow.xgboost.log_model(
                self.booster,
                name=name,
                signature=self.signature(),
                input_example=polars_frame(sample, _SAMPLE)[list(self.names)].to_pandas(),
                model_format="ubj",
                pip_requirements=_requirements(),
            )
        return str(info.model_uri)

    def signature(self) -> Any:
        """MLflow's signature; a column is required unless it is optional."""
        from mlflow.models import ModelSignature
        from mlflow.types import ColSpec, Schema

        inputs = Schema(
            [
                ColSpec(column.kind, column.name, required=not column.optional)
                for column in self.columns
            ]
        )
        return ModelSignature(inputs=inputs, outputs=Schema([ColSpec("double")]))


def train_xgboost(
    inputs: Frame | np.ndarray,
    label: pl.Series | np.ndarray,
    tune_inputs: Frame | np.ndarray | None = None,
    tune_label: pl.Series | np.ndarray | None = None,
    *,
    parameters: Mapping[str, Any],
    rounds: int,
    early_stopping_rounds: int | None = None,
) -> Trained:
    """Train at most `rounds` rounds, or until the last metric on the tuning data has not improved
    for `early_stopping_rounds`.

    inputs: n rows of numbers, booleans or texts (texts become categories); missing values stay
    missing. label: n numbers, none missing. tune_inputs, tune_label: the same for m rows, with the
    same columns. parameters: XGBoost's own; by default `device` is the job's (a GPU if it has one)
    and `seed` is 0. The same data, seed and number of threads give the same trees. Curves
    (`learn_…`, `tune_…`) and parameters go to MLflow's active run, if there is one. Raises
    BadRequest if the data do not fit together, Unavailable if XGBoost is not installed.
    """
    xgboost = load_xgboost()
    if rounds < 1:
        raise BadRequest(f"rounds={rounds} is below 1.")
    learn_frame = as_frame(inputs)
    columns = columns_of(learn_frame)
    learn = _matrix(xgboost, "training", learn_frame, label, columns)
    evals = [(learn, "learn")]
    if tune_inputs is not None and tune_label is not None:
        tune_frame = as_frame(tune_inputs)
        tune = _matrix(xgboost, "tuning", tune_frame, tune_label, columns, reference=learn)
        evals.append((tune, "tune"))
    elif early_stopping_rounds is not None:
        raise BadRequest(
            "Early stopping needs tuning data.",
            "None were given.",
            "Give tune_inputs and tune_label, or omit early_stopping_rounds.",
        )
    settings = {"device": device("xgboost"), "seed": 0, **parameters}
    log_parameters(
        {
            **settings,
            "rounds": rounds,
            "early_stopping_rounds": early_stopping_rounds,
            "inputs": len(columns),
            "rows": learn_frame.height,
        }
    )
    history: dict[str, dict[str, list[float]]] = {}
    booster = xgboost.train(
        settings,
        learn,
        rounds,
        evals=evals,
        evals_result=history,
        verbose_eval=False,
        callbacks=_callbacks(xgboost, rounds, early_stopping_rounds),
    )
    return Trained(
        booster=booster,
        columns=columns,
        best_round=booster.num_boosted_rounds() - 1,
        history=curves_of(history),
    )


def _callbacks(xgboost: Any, rounds: int, early_stopping_rounds: int | None) -> list[Any]:
    # Progress first: once a callback has asked to stop, XGBoost calls no other.
    callbacks = [XGBoostProgress(rounds)]
    if early_stopping_rounds is not None:
        callbacks.append(
            xgboost.callback.EarlyStopping(rounds=early_stopping_rounds, save_best=True)
        )
    return callbacks


def load_xgboost() -> Any:
    """XGBoost. Raises Unavailable if it is not installed."""
    try:
        import xgboost
    except ImportError as error:
        raise Unavailable(
            "XGBoost is not installed.",
            "The base installation is light.",
            "pip install 'jupyter-mlinfra[xgboost]'",
        ) from error
    return xgboost


def _matrix(
    xgboost: Any,
    purpose: str,
    frame: pl.DataFrame,
    label: pl.Series | np.ndarray,
    columns: Sequence[Column],
    *,
    reference: Any = None,
) -> xgb.QuantileDMatrix:
    """XGBoost's own form of the data; the categories are stored in it and thus in the model
    file.
    """
    import numpy as np
    import polars as pl

    labels = pl.Series("label", label, strict=False)
    if not frame.height or frame.height != len(labels):
        raise BadRequest(
            f"The {purpose} data do not fit together.",
            f"There are {frame.height} rows and {len(labels)} labels.",
            "Take both from one frame.",
        )
    if not (labels.dtype.is_numeric() or labels.dtype == pl.Boolean):
        raise BadRequest(
            f"The {purpose} label is {labels.dtype}.",
            "XGBoost takes numbers.",
            "Use 0 and 1 for a class.",
        )
    numbers = labels.cast(pl.Float64).to_numpy()
    missing = int(np.isnan(numbers).sum())
    if missing:
        raise BadRequest(
            f"{missing} {purpose} rows have no label.",
            "Nothing can be learned from them.",
            "Filter them out.",
        )
    return xgboost.QuantileDMatrix(encode(frame, columns), numbers, ref=reference)


@contextlib.contextmanager
def _quiet(*names: str) -> Iterator[None]:
    """Suppress warnings of MLflow's loggers that the reader of a notebook can do nothing about."""
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def _requirements() -> list[str]:
    """What the model needs to load and predict, exactly as installed here; stated, so that MLflow
    need not run the model to find out.
    """
    from importlib.metadata import version

    return [
        f"{name}=={version(name)}" for name in ("mlflow", "xgboost", "numpy", "scipy", "pandas")
    ]


def log_parameters(parameters: Mapping[str, Any]) -> None:
    """Log what a model was trained with to MLflow's active run, if there is one. Raises Conflict if
    that run has other parameters.
    """
    run = active_run()
    if run is None:
        return
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        mlflow.log_params({name: value for name, value in parameters.items() if value is not None})
    except MlflowException as error:
        if "Changing param" not in str(error):
            raise
        raise Conflict(
            "The run already has other parameters.",
            f"{str(error).splitlines()[0][:200]}",
            "Train each model in a run of its own.",
        ) from error
