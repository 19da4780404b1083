"""The progress and the curves of an XGBoost training, round by round."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..jobs import report

if TYPE_CHECKING:
    from mlflow.entities import Metric
    from xgboost.callback import TrainingCallback

FLUSH_SECONDS = 2.0
"""Points of the curves are sent to the tracking store in batches this far apart: a write per round
would cost more than the round.
"""
RETRY_SECONDS = (1.0, 5.0, 15.0)
"""Pauses before the last points are sent again."""
REPORT_SECONDS = 0.2
_BATCH = 1000
"""The most metrics that MLflow accepts at once."""

History = Mapping[str, Mapping[str, Sequence[float]]]
"""Values per round, by data set and metric, as XGBoost keeps them."""


def latest(history: History) -> dict[str, float]:
    """The newest value of each curve: `tune_auc`, `learn_auc`."""
    return {name: float(values[-1]) for name, values in curves_of(history).items()}


def curves_of(history: History) -> dict[str, Sequence[float]]:
    """All values of each curve, by its name: `tune_auc`, `learn_auc`."""
    return {
        f"{data}_{metric}": values
        for data, metrics in history.items()
        for metric, values in metrics.items()
    }


def active_run() -> str | None:
    """Id of MLflow's active run; None without one, and without importing MLflow for it."""
    mlflow = sys.modules.get("mlflow")
    run = mlflow.active_run() if mlflow is not None else None
    return str(run.info.run_id) if run is not None else None


class Curves:
    """Collects points and sends them to one run in batches. A store that is down never stops the
    training, and once it is back no point is missing.
    """

    def __init__(self, run: str | None) -> None:
        self._run = run
        self._points: list[Metric] = []
        self._sent = time.monotonic()

    def add(self, values: Mapping[str, float], step: int) -> None:
        """One point of each curve."""
        if self._run is None:
            return
        from mlflow.entities import Metric

        timestamp_ms = int(time.time() * 1000)
        self._points += [Metric(key, value, timestamp_ms, step) for key, value in values.items()]
        if time.monotonic() - self._sent >= FLUSH_SECONDS:
            self._send()

    def finish(self) -> None:
        """Send the remaining points; if that keeps failing, warn."""
        for pause in (*RETRY_SECONDS, None):
            error = self._send()
            if error is None:
                return
            if pause is None:
                message = (
                    f"{len(self._points)} points of the curves of run {self._run} were not logged:"
                    f" {error}. The training is done; its history has them."
                )
                warnings.warn(message, stacklevel=2)
            else:
                time.sleep(pause)

    def _send(self) -> Exception | None:
        """Send what was collected; what cannot be sent is kept. Returns the reason if it failed."""
        self._sent = time.monotonic()
        while self._run is not None and self._points:
            from mlflow import MlflowClient

            try:
                MlflowClient().log_batch(self._run, metrics=self._points[:_BATCH])
            except Exception as error:  # noqa: BLE001 - no error of a store may end a training of hours
                return error
            del self._points[:_BATCH]
        return None


def XGBoostProgress(rounds: int, *, track: bool = True) -> TrainingCallback:  # noqa: N802 - it stands for the class that it makes
    """A callback for `xgboost.train`: reports each round as the job's progress, and logs the curves
    to MLflow's active run.

    rounds: as given to `train`. track: whether to log to the active run, if there is one. Metrics
    are named `DATA_METRIC`.
    """
    from xgboost.callback import TrainingCallback

    class Progress(TrainingCallback):  # type: ignore[misc]  # made here, so that importing this module does not import XGBoost
        def __init__(self) -> None:
            super().__init__()
            self._curves = Curves(active_run() if track else None)
            self._reported_at = 0.0

        def after_iteration(self, model: Any, epoch: int, evals_log: History) -> bool:  # noqa: ARG002 - XGBoost's signature
            values = latest(evals_log)
            self._curves.add(values, epoch)
            if time.monotonic() - self._reported_at >= REPORT_SECONDS:
                self._reported_at = time.monotonic()
                words = ", ".join(f"{key} {value:.4f}" for key, value in values.items())
                report(
                    min(1.0, (epoch + 1) / rounds),
                    f"round {epoch + 1} of at most {rounds}" + (f": {words}" if words else ""),
                )
            return False

        def after_training(self, model: Any) -> Any:
            self._curves.finish()
            report(1.0, f"{model.num_boosted_rounds()} rounds")
            return model

    return Progress()
