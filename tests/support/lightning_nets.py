"""A module of Lightning, logged as code beside its pickle."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as pl
import torch
from torch import nn
from torch_nets import Net


class Lit(pl.LightningModule):
    """What a Lightning training leaves."""

    def __init__(self) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.net = Net(outputs=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x).softmax(-1)

    def training_step(self, batch: Any, _: int) -> torch.Tensor:
        return nn.functional.cross_entropy(self.net(batch[0]), batch[1])

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=0.01)
