"""PyTorch and Lightning models of many kinds as MLflow stores them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import lightning_nets
import mlflow
import numpy as np
import pandas as pd
import torch
import torch_nets
from lightning_nets import Lit
from mlflow.models import infer_signature
from mlflow.models.signature import ModelSignature
from mlflow.types import Schema, TensorSpec
from torch import nn
from torch_nets import WIDTH, Branch, Explodes, Heads, Net, Pair, Sequence

ROWS = 20
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
    """As MLflow does, with the libraries that are here, and for a pickle the code of its
    classes.
    """
    is_pickle = options.get("serialization_format") == "pickle"
    mlflow.pytorch.save_model(
        model,
        folder,
        input_example=example,
        signature=signature,
        pip_requirements=[f"{name}=={metadata.version(name)}" for name in libraries],
        code_paths=[torch_nets.__file__, lightning_nets.__file__] if is_pickle else None,
        **options,
    )


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


def pt2_sequence(folder: Path) -> None:
    """Rows of a fixed length."""
    save(Sequence().eval(), folder, example=rows(4, 12, WIDTH))


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
