"""PyTorch and Lightning models of many kinds as MLflow stores them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import mlflow
import numpy as np
import pandas as pd
import torch
from mlflow.models import infer_signature
from mlflow.models.signature import ModelSignature
from mlflow.types import Schema, TensorSpec
from torch import nn

ROWS, WIDTH = 20, 6
LIBRARIES = ("cloudpickle", "mlflow", "numpy", "pandas", "torch")
COLUMNS = [f"x{place}" for place in range(WIDTH)]


def rows(*shape: int) -> np.ndarray:
    """Floats, always the same."""
    return np.random.default_rng(1).normal(size=shape or (ROWS, WIDTH)).astype(np.float32)


def save(
    model: nn.Module,
    folder: Path,
    *,
    example: Any,
    signature: Any = None,
    libraries: tuple[str, ...] = LIBRARIES,
    **options: Any,
) -> None:
    """As MLflow does, with the libraries that are here, and this file for the classes of a
    pickle.
    """
    is_pickle = options.get("serialization_format") == "pickle"
    mlflow.pytorch.save_model(
        model,
        folder,
        input_example=example,
        signature=signature,
        pip_requirements=[f"{name}=={metadata.version(name)}" for name in libraries],
        code_paths=[__file__] if is_pickle else None,
        **options,
    )


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


def pt2_tensor(folder: Path) -> None:
    """The format that MLflow 3 chooses by itself."""
    save(Net().eval(), folder, example=rows())


def pt2_one_row(folder: Path) -> None:
    """Its example has one row, so that torch.export fixes the size of a batch."""
    save(Net().eval(), folder, example=rows(1, WIDTH))


def pt2_in_training(folder: Path) -> None:
    """Whoever logged it forgot `eval()`."""
    save(Net(), folder, example=rows())


def pickle_in_training(folder: Path) -> None:
    """A pickle of a module in training mode: MLflow calls `eval()` when it reads it."""
    save(Net(), folder, example=rows(), serialization_format="pickle")


def pickle_columns(folder: Path) -> None:
    """A signature of columns."""
    frame = pd.DataFrame(rows(), columns=COLUMNS)
    frame["count"] = np.arange(ROWS)
    save(Net(WIDTH + 1, 1), folder, example=frame, serialization_format="pickle")


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


def lightning_trained(folder: Path) -> None:
    """Trained by a Trainer, to which the module is still attached."""
    model = Lit()
    x = torch.from_numpy(rows(64, WIDTH))
    data = torch.utils.data.TensorDataset(x, (x.sum(1) > 0).long())
    trainer = pl.Trainer(
        max_epochs=2,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(model, torch.utils.data.DataLoader(data, batch_size=16))
    save(
        model.eval(),
        folder,
        example=rows(),
        libraries=(*LIBRARIES, "lightning"),
        serialization_format="pickle",
    )


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


def pickle_branch(folder: Path) -> None:
    """Control flow that depends on data."""
    save(Branch(), folder, example=rows(), serialization_format="pickle")


def script_branch(folder: Path) -> None:
    """The same as TorchScript, which records both ways."""
    signature = infer_signature(rows(), Branch()(torch.from_numpy(rows())).detach().numpy())
    save(
        torch.jit.script(Branch().eval()),
        folder,
        example=rows(),
        signature=signature,
        serialization_format="pickle",
    )


class Heads(nn.Module):
    """Two inputs, of which one holds whole numbers, and a mapping of outputs."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(7)
        self.words, self.linear = nn.Embedding(11, 4), nn.Linear(4 + WIDTH, 3)

    def forward(self, x: torch.Tensor, ids: torch.Tensor) -> dict[str, torch.Tensor]:
        found = self.linear(torch.cat([x, self.words(ids).mean(1)], 1))
        return {"scores": found.softmax(-1), "best": found.argmax(-1), "mean": found.mean(-1)}


class Pair(Heads):
    """The same as a tuple without names."""

    def forward(self, x: torch.Tensor, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        found = super().forward(x, ids)
        return found["scores"], found["mean"]


def _two() -> tuple[dict[str, np.ndarray], ModelSignature]:
    ids = np.random.default_rng(2).integers(0, 11, (ROWS, 5))
    schema = Schema(
        [
            TensorSpec(np.dtype(np.float32), (-1, WIDTH), "x"),
            TensorSpec(np.dtype(np.int64), (-1, -1), "ids"),
        ]
    )
    return {"x": rows(), "ids": ids}, ModelSignature(inputs=schema)


def pickle_dict(folder: Path) -> None:
    """A pickle with named inputs and outputs; sequences of any length."""
    given, signature = _two()
    save(Heads(), folder, example=given, signature=signature, serialization_format="pickle")


def pt2_two_inputs(folder: Path) -> None:
    """MLflow gives it no pyfunc, and keeps no example of it."""
    given, signature = _two()
    save(Pair().eval(), folder, example=tuple(given.values()), signature=signature)


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


def pt2_sequence(folder: Path) -> None:
    """Rows of a fixed length."""
    save(Sequence().eval(), folder, example=rows(4, 12, WIDTH))


class Explodes(nn.Module):
    """Amplifies each rounding."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(11)
        self.linear = nn.Linear(WIDTH, 256)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sin(self.linear(x).sum(-1, keepdim=True) * 1e5)


def pickle_explodes(folder: Path) -> None:
    """Equal up to rounding, and yet not equal."""
    save(Explodes(), folder, example=rows(), serialization_format="pickle")


ONNX, TORCH = "onnx", "torch"
MODELS: Mapping[Callable[[Path], None], tuple[str, str]] = {
    pt2_tensor: (ONNX, ""),
    pt2_one_row: (ONNX, "row by row"),
    pt2_in_training: (TORCH, "differently each time"),
    pickle_in_training: (ONNX, ""),
    pickle_columns: (ONNX, ""),
    lightning_trained: (ONNX, ""),
    pickle_branch: (TORCH, "torch.onnx cannot export it"),
    script_branch: (ONNX, ""),
    pickle_dict: (ONNX, ""),
    pt2_two_inputs: (ONNX, ""),
    pt2_sequence: (ONNX, ""),
    pickle_explodes: (TORCH, "differ by"),
}
"""Each with the engine that serves it, and a part of the reason."""
