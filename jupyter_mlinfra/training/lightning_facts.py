"""What can be known about a Lightning training before it begins, so that another attempt of it is
recognised.
"""

from __future__ import annotations

import contextlib
import inspect
import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from torch.utils.data import DataLoader

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_SETTINGS = (
    "max_epochs",
    "min_epochs",
    "max_steps",
    "min_steps",
    "max_time",
    "limit_train_batches",
    "accumulate_grad_batches",
    "gradient_clip_val",
    "overfit_batches",
)
_PLAIN = (bool, int, float, str, bytes, type(None))
_END_BYTES = 16 * 2**20
"""How many bytes are read from the start and the end of a larger array, all of which may not fit
into memory.
"""
_END_ITEMS = 5_000
_DEPTH, _MOST_VALUES = 6, 100_000


def facts_of(trainer: pl.Trainer, model: pl.LightningModule) -> dict[str, Any]:
    """What two attempts of one training have in common, even without a seed: how the model is
    built, its saved hyperparameters, how far it goes.
    """
    settings = {name: getattr(trainer, name, None) for name in _SETTINGS}
    return {
        "model": f"{type(model).__module__}.{type(model).__qualname__}",
        "layers": _ADDRESS.sub("", repr(model)),
        "hyperparameters": {
            str(name): value for name, value in model.hparams.items() if isinstance(value, _PLAIN)
        },
        "trainer": {
            name: value if isinstance(value, _PLAIN) else str(value)
            for name, value in settings.items()
        },
    }


def content_of(model: pl.LightningModule, data: Any) -> str:
    """A digest of the rest: code and plain attributes of the model, and the data, as far as they
    are in memory.
    """
    digest = blake2b(digest_size=16)
    with contextlib.suppress(OSError, TypeError):  # typed in, so that its source cannot be read
        digest.update(inspect.getsource(type(model)).encode())
    public = {
        name: value
        for name, value in vars(model).items()
        if not name.startswith("_") and name != "training"
    }
    seen = set[int]()
    try:
        _feed(
            digest,
            [{name: value for name, value in public.items() if isinstance(value, _PLAIN)}, data],
            _DEPTH,
            seen,
        )
    except Exception as error:  # noqa: BLE001 - data of any kind, which can be learned from all the same
        digest.update(type(error).__qualname__.encode())
    return digest.hexdigest()


def _feed(digest: Any, value: Any, depth: int, seen: set[int]) -> None:
    """Add a value and what it contains. seen: ids of values that were already added."""
    value_type = type(value)
    digest.update(f"{value_type.__module__}.{value_type.__qualname__};".encode())
    if isinstance(value, _PLAIN):
        digest.update(repr(value).encode())
    elif isinstance(value, torch.Tensor):
        digest.update(f"{value.dtype} {tuple(value.shape)}".encode())
        if (
            value.layout is torch.strided
            and value.device.type != "meta"
            and (value.is_contiguous() or value.nbytes <= _END_BYTES)
        ):
            _feed_ends(digest, value.detach().reshape(-1), value.element_size())
    elif isinstance(value, np.ndarray):
        digest.update(f"{value.dtype} {value.shape}".encode())
        if not value.dtype.hasobject and (value.flags.c_contiguous or value.nbytes <= _END_BYTES):
            _feed_ends(digest, value.reshape(-1), value.itemsize)
    elif depth and id(value) not in seen and len(seen) < _MOST_VALUES:
        seen.add(id(value))
        for item in _parts(value):
            _feed(digest, item, depth - 1, seen)


def _feed_ends(digest: Any, flat: Any, size: int) -> None:
    count = max(1, _END_BYTES // max(1, size))
    for part in [flat] if len(flat) <= 2 * count else [flat[:count], flat[-count:]]:
        array = (
            part.cpu().contiguous().view(torch.uint8).numpy()
            if isinstance(part, torch.Tensor)
            else np.ascontiguousarray(part)
        )
        digest.update(array.tobytes())


def _parts(value: Any) -> Sequence[Any]:
    """What a loader, data set or container consists of, without what Lightning and torch record
    while they use it.
    """
    if isinstance(value, DataLoader):
        return [value.dataset, value.batch_size, value.drop_last, type(value.sampler).__qualname__]
    if isinstance(value, dict):
        return [part for item in value.items() for part in item]
    if isinstance(value, list | tuple):
        return (
            [len(value), *value]
            if len(value) <= 2 * _END_ITEMS
            else [len(value), *value[:_END_ITEMS], *value[-_END_ITEMS:]]
        )
    if isinstance(value, type | torch.nn.Module | pl.Trainer) or not hasattr(value, "__dict__"):
        return [getattr(value, "__qualname__", ""), getattr(value, "shape", None)]
    ignored = ("_", "trainer") if isinstance(value, pl.LightningDataModule) else ()
    attributes = [
        (name, item)
        for name, item in sorted(vars(value).items())
        if not (ignored and name.startswith(ignored))
    ]
    return [getattr(value, "__qualname__", ""), *(part for pair in attributes for part in pair)]
