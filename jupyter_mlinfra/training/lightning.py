"""Lightning trainings that survive preemption: asked to end, they save at the end of a batch, and
later continue as if nothing had happened.

Imported when one of its names is used: Lightning takes seconds to load.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from ..core.errors import MLInfraError, Unavailable
from . import checkpoints
from .checkpoints import checkpoint_folder
from .continuing import continued
from .curves import active_run
from .preemption import Preemption
from .trainings import Training, open_training

try:
    import lightning.pytorch as pl
    import torch
    from lightning.pytorch.callbacks import Checkpoint as CheckpointCallback
    from lightning.pytorch.utilities.exceptions import SIGTERMException
except ImportError as error:
    raise Unavailable(
        "Lightning is not installed.",
        "The base installation is light.",
        "pip install 'jupyter-mlinfra[train]'",
    ) from error

from .lightning_facts import content_of, facts_of
from .lightning_progress import Progress
from .lightning_schedulers import plateaus_due, step_plateaus
from .loading import ResumableDataLoader, resumable
from .randomness import random_state, set_random_state

STATE = "state.ckpt"
_KEY = "mlinfra"
_CONTINUE, _SAVE, _STOP = 0, 1, 2


class PreemptionCheckpoint(CheckpointCallback):  # type: ignore[misc]  # Lightning is not looked into
    """Saves at intervals, and when the job is asked to end; then the training stops, and `fit` ends
    the job so that it is restarted.

    folder: for the checkpoints, by default the job's; `fit` gives each training a folder of its own
    below it. every_steps, every_minutes: the intervals; None for none. keep: how many of the newest
    are kept, together with the best one by the logged metric `monitor`.

    It never saves inside a signal handler, and only between steps: at the end of a batch after an
    optimizer step, or of an epoch after its validation. All ranks agree on the moment. Lightning
    calls it after all other callbacks, so that their state is saved too.
    """

    def __init__(
        self,
        folder: Path | str | None = None,
        *,
        every_steps: int | None = None,
        every_minutes: float | None = 10.0,
        keep: int = 2,
        monitor: str | None = None,
        mode: Literal["min", "max"] = "min",
    ) -> None:
        self.root = self.folder = checkpoint_folder(folder)
        self.training: Training | None = None
        """The training that `fit` runs; None under plain `trainer.fit`."""
        self.preemption = Preemption()
        self.preempted = False
        """Whether the training was stopped because the job was asked to end."""
        self._every_steps, self._every_minutes = every_steps, every_minutes
        self._keep, self._monitor, self._mode = keep, monitor, mode
        self._saved_at, self._saved_step, self._last_step = time.monotonic(), -1, 0
        self._has_signals = False
        self._loaded_state: dict[str, Any] | None = None
        self._plateaus: dict[int, float] = {}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002 - Lightning's signature
        """Take over the signals from Lightning, whose own handlers save inside the handler or not
        at all, and restore the random generators.
        """
        self.preemption.__enter__()
        self._has_signals = True
        self._saved_at, self._saved_step, self._last_step = (
            time.monotonic(),
            trainer.global_step,
            trainer.global_step,
        )
        self._restore(trainer)
        if self._finished_before:
            trainer.should_stop = True  # early: before its last epoch
            trainer.fit_loop.min_epochs = trainer.fit_loop.epoch_loop.min_steps = 0

    def _restore(self, trainer: pl.Trainer) -> None:
        if self._loaded_state is not None:
            ranks = self._loaded_state["ranks"]
            if len(ranks) != trainer.world_size:
                warnings.warn(
                    f"Saved by {len(ranks)} ranks and resumed by {trainer.world_size}: the data of"
                    " this epoch are in another order.",
                    stacklevel=2,
                )
            own_state = ranks[trainer.global_rank % len(ranks)]
            set_random_state(own_state["random"])
            for loader, state in zip(_loaders(trainer), own_state["loaders"], strict=False):
                loader.load_state_dict(state)
            step_plateaus(trainer, self._loaded_state.get("plateaus", {}))
            self._loaded_state = None

    def on_train_batch_start(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_idx: int,  # noqa: ARG002
    ) -> None:
        """An epoch that was left in the middle ends like any other. Until then Lightning counts it
        as restarting, and steps no ReduceLROnPlateau.
        """
        trainer.fit_loop._restarting = False

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,  # noqa: ARG002
        outputs: Any,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_idx: int,
    ) -> None:
        """Save if it is time, and stop if asked to."""
        stepped, self._last_step = trainer.global_step != self._last_step, trainer.global_step
        action = self._agreed_action(trainer)
        # A checkpoint does not hold gradients that are still being accumulated, and on resuming
        # here Lightning would skip a validation that is due.
        if (
            action
            and stepped
            and not trainer.is_last_batch
            and not _validates_after(trainer, batch_idx)
        ):
            self._save_and_stop(trainer, action, "step")

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Save or stop between two epochs."""
        if self.preempted:
            return  # this epoch ends here because it was stopped
        action = self._agreed_action(trainer)
        for loader in _loaders(trainer):
            loader.rewind()
        if action:
            self._save_and_stop(trainer, action, "epoch")

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Return the signals."""
        self._return_signals()

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002 - Lightning's signature
        """Record that the training is done, and its result. Lightning does not start a training
        that has no batch left: then what was loaded is restored here.
        """
        self._restore(trainer)
        if self._finished_before:
            assert self.training is not None
            assert self.training.newest is not None
            trainer.callback_metrics.update(
                {key: torch.tensor(value) for key, value in self.training.newest.metrics.items()}
            )
        elif self.training is not None and not self.preempted:
            self._try_to_save(trainer, finished=True)

    def on_exception(
        self,
        trainer: pl.Trainer,  # noqa: ARG002
        pl_module: pl.LightningModule,  # noqa: ARG002
        exception: BaseException,  # noqa: ARG002
    ) -> None:
        """Return the signals."""
        self._return_signals()

    def on_save_checkpoint(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,  # noqa: ARG002
        checkpoint: dict[str, Any],
    ) -> None:
        """Add the state of the random generators and the data position of each rank."""
        own_state = {
            "random": random_state(),
            "loaders": [loader.state_dict() for loader in _loaders(trainer)],
        }
        ranks = [own_state]
        if trainer.world_size > 1:
            ranks = [{}] * trainer.world_size
            torch.distributed.all_gather_object(ranks, own_state)
        checkpoint[_KEY] = {"ranks": ranks, "plateaus": self._plateaus}

    def on_load_checkpoint(
        self,
        trainer: pl.Trainer,  # noqa: ARG002
        pl_module: pl.LightningModule,  # noqa: ARG002
        checkpoint: dict[str, Any],
    ) -> None:
        """Keep that state for the start of the training, when the loaders exist."""
        self._loaded_state = checkpoint.get(_KEY)

    def _agreed_action(self, trainer: pl.Trainer) -> int:
        """What to do, the same on every rank: what the most urgent rank wants."""
        action = (
            _STOP
            if self.preemption.requested
            else _SAVE
            if self._save_is_due(trainer.global_step)
            else _CONTINUE
        )
        if trainer.world_size == 1:
            return action
        return int(
            trainer.strategy.reduce(
                torch.tensor(action, device=trainer.strategy.root_device), reduce_op="max"
            )
        )

    def _save_is_due(self, step: int) -> bool:
        by_steps = self._every_steps is not None and step - self._saved_step >= self._every_steps
        by_clock = (
            self._every_minutes is not None
            and time.monotonic() - self._saved_at >= self._every_minutes * 60
        )
        return by_steps or by_clock

    @property
    def _finished_before(self) -> bool:
        """Whether an earlier attempt reached the end."""
        return (
            self.training is not None
            and self.training.newest is not None
            and self.training.newest.finished
        )

    def _try_to_save(self, trainer: pl.Trainer, *, finished: bool = False) -> None:
        try:
            self._save(trainer, finished=finished)
        except (MLInfraError, OSError, RuntimeError) as error:
            if trainer.world_size > 1:
                raise  # the other ranks wait for this one
            # A full disk must not end a training of days.
            warnings.warn(
                f"The checkpoint of step {trainer.global_step} was not saved: {error}", stacklevel=2
            )

    def _save_and_stop(self, trainer: pl.Trainer, action: int, interval: str) -> None:
        self._plateaus = plateaus_due(trainer, interval)
        self._try_to_save(trainer)
        self._plateaus = {}
        self._saved_at, self._saved_step = time.monotonic(), trainer.global_step
        if action == _STOP:
            self.preempted = True
            trainer.should_stop = True
            # Stop now: Lightning would first validate, and continue for ever below its minimum of
            # epochs or steps.
            trainer.limit_val_batches = 0
            trainer.fit_loop.min_epochs = trainer.fit_loop.epoch_loop.min_steps = 0

    def _save(self, trainer: pl.Trainer, *, finished: bool) -> None:
        step = trainer.global_step
        if trainer.is_global_zero:
            checkpoints.begin(self.folder, step)
        trainer.strategy.barrier("mlinfra checkpoint begun")
        draft = checkpoints.draft_of(self.folder, step)
        trainer.save_checkpoint(draft / STATE)
        if trainer.is_global_zero:
            metrics = {key: float(value) for key, value in trainer.callback_metrics.items()}
            note = self.training.note if self.training else None
            checkpoints.commit(
                draft,
                step=step,
                epoch=trainer.current_epoch,
                metrics=metrics,
                run=_run(trainer),
                finished=finished,
                training=note,
            )
            checkpoints.prune(
                self.folder, written=step, keep=self._keep, monitor=self._monitor, mode=self._mode
            )

    def _return_signals(self) -> None:
        if self._has_signals:
            self._has_signals = False
            self.preemption.__exit__(None, None, None)


def fit(
    trainer: pl.Trainer,
    model: pl.LightningModule,
    data: Any = None,
    *,
    val: Any = None,
    folder: Path | str | None = None,
    name: str | None = None,
) -> None:
    """`trainer.fit` that continues where an earlier attempt of this job was stopped, and ends the
    job with exit code 75 if it is stopped itself.

    data: a DataLoader (or several), a LightningDataModule, or None when the model has its own. val:
    DataLoaders to validate on. folder: of the checkpoints; that of the job by default. A
    PreemptionCheckpoint among the trainer's callbacks sets more options. name: of this training, if
    others of the job, or in the folder, look like it.

    The weights equal those of a training that was never stopped. One that was done in an earlier
    attempt is not repeated: the model gets its weights, the trainer its metrics. Progress, loss and
    time left are reported as the job's progress. The active MLflow run is stored in the checkpoint
    and continued. Raises SystemExit(75) after the work was saved: do not catch it.
    """
    callback = next(
        (item for item in trainer.callbacks if isinstance(item, PreemptionCheckpoint)), None
    )
    if callback is None:
        callback = PreemptionCheckpoint(folder)
        trainer.callbacks.append(callback)  # last, where Lightning wants callbacks that save
    if not any(isinstance(item, Progress) for item in trainer.callbacks):
        trainer.callbacks.insert(0, Progress())
    source: dict[str, Any] = {"val_dataloaders": val}
    if isinstance(data, pl.LightningDataModule):
        data.train_dataloader = _resuming(data.train_dataloader)
        source = {"datamodule": data}
    elif data is not None:
        source["train_dataloaders"] = resumable(data)
    else:
        model.train_dataloader = _resuming(model.train_dataloader)
    # Ranks may hold different data.
    content = content_of(model, data) if trainer.world_size == 1 else ""
    callback.training = open_training(
        callback.root, facts_of(trainer, model), name=name, content=content, reproducible=False
    )
    callback.folder, newest = callback.training.folder, callback.training.newest
    run = (
        newest.run
        if newest
        and not newest.finished
        and trainer.is_global_zero
        and _logger_run(trainer) is None
        else None
    )
    with callback.preemption, continued(run, preempted=lambda: callback.preempted):
        try:
            trainer.fit(model, **source, ckpt_path=str(newest.folder / STATE) if newest else None)
        except SIGTERMException:
            # The signal came just before the training took the signals over from Lightning.
            if not callback.preempted:
                raise
    if callback.preempted:
        _leave(trainer, callback.preemption)
    callback.training.end()


def _leave(trainer: pl.Trainer, preemption: Preemption) -> None:
    """End the process as one that saved. Lightning kills all ranks if one that it started ends with
    a code other than 0: the first one speaks for them.
    """
    environment = (
        trainer.strategy.cluster_environment
        if hasattr(trainer.strategy, "cluster_environment")
        else None
    )
    if (
        not trainer.is_global_zero
        and environment is not None
        and not environment.creates_processes_externally
    ):
        raise SystemExit(0)
    preemption.leave()


def _run(trainer: pl.Trainer) -> str | None:
    return _logger_run(trainer) or active_run()


def _logger_run(trainer: pl.Trainer) -> str | None:
    """The run of Lightning's own MLflow logger, if there is one."""
    return next(
        (
            logger.run_id
            for logger in trainer.loggers
            if isinstance(logger, pl.loggers.MLFlowLogger)
        ),
        None,
    )


def _loaders(trainer: pl.Trainer) -> list[ResumableDataLoader]:
    from lightning.pytorch.utilities.combined_loader import CombinedLoader

    return [
        item
        for item in CombinedLoader(trainer.train_dataloader or []).flattened
        if isinstance(item, ResumableDataLoader)
    ]


def _resuming(make_loaders: Callable[[], Any]) -> Callable[[], Any]:
    return lambda: resumable(make_loaders())


def _validates_after(trainer: pl.Trainer, batch_idx: int) -> bool:
    """Whether a validation follows this batch in the middle of an epoch."""
    interval = trainer.val_check_batch
    if not trainer.enable_validation or not isinstance(interval, int):
        return False
    batches_before = (
        trainer.fit_loop.total_batch_idx if trainer.check_val_every_n_epoch is None else batch_idx
    )
    return bool((batches_before + 1) % interval == 0)
