"""How far a Lightning training is: fraction, loss and time left as the job's progress, curves for
its run.
"""

from __future__ import annotations

import math
import time
from typing import Any

import lightning.pytorch as pl

from ..jobs import report
from .curves import REPORT_SECONDS, Curves, active_run


class Progress(pl.Callback):  # type: ignore[misc]  # Lightning is not looked into
    """Reports at most a few times a second, because reading a loss makes a GPU wait. Curves go to
    MLflow's active run, unless the trainer has an MLflow logger.
    """

    def __init__(self) -> None:
        self._curves = Curves(None)
        self._reported_at = self._started_at = 0.0
        self._first_step = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002 - Lightning's signature
        """Note when it began: the time left is computed from this attempt's pace."""
        logged = any(isinstance(logger, pl.loggers.MLFlowLogger) for logger in trainer.loggers)
        self._curves = Curves(active_run() if trainer.is_global_zero and not logged else None)
        self._reported_at, self._started_at, self._first_step = (
            0.0,
            time.monotonic(),
            trainer.global_step,
        )

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,  # noqa: ARG002
        outputs: Any,
        batch: Any,  # noqa: ARG002
        batch_idx: int,  # noqa: ARG002
    ) -> None:
        """Report, and add a point to the curves every `log_every_n_steps`."""
        if not trainer.is_global_zero:
            return
        step = trainer.global_step
        if trainer.log_every_n_steps and step and step % trainer.log_every_n_steps == 0:
            values = {key: float(value) for key, value in trainer.callback_metrics.items()}
            loss = _loss(outputs)
            self._curves.add(values if loss is None else {"train_loss": loss, **values}, step)
        if time.monotonic() - self._reported_at >= REPORT_SECONDS:
            self._reported_at = time.monotonic()
            self._report(trainer, _loss(outputs))

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Send the rest of the curves."""
        if trainer.is_global_zero:
            self._curves.finish()
            self._report(trainer, None)

    def _report(self, trainer: pl.Trainer, loss: float | None) -> None:
        step, steps = trainer.global_step, float(trainer.estimated_stepping_batches)
        fraction = min(1.0, step / steps) if math.isfinite(steps) and steps > 0 else None
        max_epochs = trainer.max_epochs if trainer.max_epochs and trainer.max_epochs > 0 else None
        text = (
            f"epoch {min(trainer.current_epoch + 1, max_epochs)}/{max_epochs}"
            if max_epochs
            else f"epoch {trainer.current_epoch + 1}"
        )
        text += f", step {step}"
        if loss is not None:
            text += f": loss {loss:.4g}"
        steps_done = step - self._first_step
        if fraction is not None and steps_done and step < steps:
            seconds_per_step = (time.monotonic() - self._started_at) / steps_done
            text += f", {_duration((steps - step) * seconds_per_step)} left"
        report(fraction, text)


def _loss(outputs: Any) -> float | None:
    """What the training step returned: a loss, or a dictionary with one."""
    value = outputs.get("loss") if isinstance(outputs, dict) else outputs
    return float(value) if value is not None and getattr(value, "numel", lambda: 1)() == 1 else None


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
