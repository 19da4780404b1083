"""Modules of PyTorch, logged as code beside their pickles: it imports only what they need."""

from __future__ import annotations

import torch
from torch import nn

WIDTH = 6


class Net(nn.Module):
    """Layers of which dropout and batch norm answer otherwise in training."""

    def __init__(self, width: int = WIDTH, outputs: int = 3) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.layers = nn.Sequential(
            nn.Linear(width, 64),
            nn.BatchNorm1d(64),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(64, outputs),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


class Branch(nn.Module):
    """The way through it depends on the values."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.one, self.other = nn.Linear(WIDTH, 2), nn.Linear(WIDTH, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.abs().max() < 10.0:
            return self.one(x)
        return self.other(x)


class Heads(nn.Module):
    """Two inputs, of which one holds whole numbers, and a mapping of outputs."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(7)
        self.words, self.linear = nn.Embedding(11, 4), nn.Linear(4 + WIDTH, 3)

    def forward(self, x: torch.Tensor, ids: torch.Tensor) -> dict[str, torch.Tensor]:
        found = self.linear(torch.cat([x, self.words(ids).mean(1)], 1))
        return {"scores": found.softmax(-1), "best": found.argmax(-1), "middle": found.mean(-1)}


class Pair(Heads):
    """The same as a tuple without names."""

    def forward(self, x: torch.Tensor, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        found = super().forward(x, ids)
        return found["scores"], found["middle"]


class Sequence(nn.Module):
    """A recurrent layer and attention: reductions over many terms in float32."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(9)
        self.gru = nn.GRU(WIDTH, 32, batch_first=True)
        layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.last = nn.Linear(32, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.encoder(self.gru(x)[0]).mean(1))


class Explodes(nn.Module):
    """Amplifies each rounding."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(11)
        self.linear = nn.Linear(WIDTH, 256)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sin(self.linear(x).sum(-1, keepdim=True) * 1e5)
