"""A seeded training whose weights depend on everything that a resume must put back: dropout, noise
in the data, order, momentum, learning rate.

python seeded.py WEIGHTS [--plain] [--ranks N] [--pause SECONDS] [--run]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader, Dataset

BATCHES, EPOCHS = 10, 3


class Noisy(Dataset):
    def __len__(self) -> int:
        return BATCHES * 8

    def __getitem__(self, place: int) -> tuple[torch.Tensor, torch.Tensor]:
        inputs = torch.tensor([place / 80, (place * 7 % 80) / 80, 1.0])
        return inputs + 0.1 * torch.randn(3), inputs.sum(dim=0, keepdim=True)


class Fixed(Noisy):
    """Without noise: the random numbers of a worker cannot be put back."""

    def __getitem__(self, place: int) -> tuple[torch.Tensor, torch.Tensor]:
        inputs = torch.tensor([place / 80, (place * 7 % 80) / 80, 1.0])
        return inputs, inputs.sum(dim=0, keepdim=True)


class Model(pl.LightningModule):
    def __init__(self, pause: float = 0.0) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(3, 16), torch.nn.Dropout(0.3), torch.nn.ReLU(), torch.nn.Linear(16, 1)
        )
        self.pause = pause
        self.seen: list[float] = []

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        time.sleep(self.pause)
        self.seen += [round(float(answer), 4) for answer in batch[1].flatten()]
        loss = torch.nn.functional.mse_loss(self.layers(batch[0]), batch[1])
        self.log("loss", loss)
        return loss

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        torch.rand(1)  # a validation that uses up random numbers
        self.log("val_loss", torch.nn.functional.mse_loss(self.layers(batch[0]), batch[1]))

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.Adam(self.parameters(), lr=0.05)
        steps = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.98)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": steps, "interval": "step"}}


def loader(dataset: Dataset | None = None, **options: Any) -> DataLoader:
    return DataLoader(dataset or Noisy(), batch_size=8, **{"shuffle": True, **options})


def trainer(**options: Any) -> pl.Trainer:
    quiet = {
        "logger": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "enable_checkpointing": False,
    }
    return pl.Trainer(
        **{
            "max_epochs": EPOCHS,
            "accelerator": "cpu",
            "devices": 1,
            "log_every_n_steps": 1,
            **quiet,
            **options,
        }
    )


def main() -> None:
    words = argparse.ArgumentParser()
    words.add_argument("weights")
    words.add_argument("--plain", action="store_true")
    words.add_argument("--ranks", type=int, default=1)
    words.add_argument("--workers", type=int, default=0)
    words.add_argument("--pause", type=float, default=0.0)
    words.add_argument("--run", action="store_true")
    given = words.parse_args()
    if given.run:
        import mlflow

        from jupyter_mlinfra import training

        mlflow.start_run(run_id=training.resumed_run())
    pl.seed_everything(7, verbose=False)
    model = Model(given.pause)
    data = loader(Fixed() if given.workers else Noisy(), num_workers=given.workers)
    made = trainer(**({"strategy": "ddp", "devices": given.ranks} if given.ranks > 1 else {}))
    if given.plain:
        made.fit(model, data, loader(shuffle=False))
    else:
        from jupyter_mlinfra import training

        training.fit(made, model, data, val=loader(shuffle=False))
    if made.is_global_zero:
        torch.save(model.state_dict(), Path(given.weights))


if __name__ == "__main__":
    main()
