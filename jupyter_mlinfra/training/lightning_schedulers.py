"""ReduceLROnPlateau: Lightning steps it after the last hook at which a checkpoint can be saved, by
a metric that is in no checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping

import lightning.pytorch as pl


def plateaus_due(trainer: pl.Trainer, interval: str) -> dict[int, float]:
    """The schedulers that Lightning is about to step, and the values for it. interval: what has
    just ended, a `step` or an `epoch`.
    """
    if not trainer.lightning_module.automatic_optimization:
        return {}
    number_done = (
        trainer.fit_loop.epoch_loop.batch_idx if interval == "step" else trainer.current_epoch
    )
    due = {
        number: trainer.callback_metrics.get(config.monitor)
        for number, config in enumerate(trainer.lr_scheduler_configs)
        if config.reduce_on_plateau
        and config.interval == interval
        and (number_done + 1) % config.frequency == 0
    }
    return {number: float(value) for number, value in due.items() if value is not None}


def step_plateaus(trainer: pl.Trainer, values: Mapping[int, float]) -> None:
    """Step them after the checkpoint was loaded."""
    for number, value in values.items():
        trainer.lightning_module.lr_scheduler_step(
            trainer.lr_scheduler_configs[number].scheduler, value
        )
