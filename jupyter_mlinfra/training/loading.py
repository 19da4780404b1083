"""A DataLoader that can continue in the middle of an epoch: the same batches in the same order,
none twice, none missing.
"""

from __future__ import annotations

import copy
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from torch.utils.data import DataLoader, IterableDataset

from ..jobs import preempt_signals
from .randomness import random_state, set_random_state


def resumable(data: Any) -> Any:
    """Plain DataLoaders in `data` (one, or lists, tuples and dicts of them) as loaders that can
    resume; everything else as it is.

    A loader of another class, or of an IterableDataset, is not changed: Lightning resumes it if it
    has `state_dict` and `load_state_dict`.
    """
    if isinstance(data, dict):
        return {key: resumable(item) for key, item in data.items()}
    if isinstance(data, list | tuple):
        return type(data)(resumable(item) for item in data)
    if type(data) is not DataLoader or isinstance(data.dataset, IterableDataset):
        return data
    resumable_loader = copy.copy(data)
    resumable_loader.__class__ = ResumableDataLoader
    return resumable_loader


class ResumableDataLoader(DataLoader):  # type: ignore[misc]  # torch is not looked into
    """A DataLoader of a map-style dataset that knows its position.

    An epoch's order is drawn from a random generator at its start. So the generators' state at that
    time and the number of batches done lead to the same position: the order is drawn again, and its
    beginning is skipped without being loaded. Then the generators are restored.
    """

    _resume: dict[str, Any] | None = None
    _epoch_state: dict[str, Any] | None = None
    _batches_done = 0
    _reused = False
    _skip: _Skip | None = None
    worker_init_fn: Callable[[int], None] | None

    def state_dict(self) -> dict[str, Any]:
        """Its position: batches returned, the generators' state at the start of the epoch, and now.
        reused: the epoch starts with persistent workers.
        """
        reused = self._reused if self._epoch_state is not None else self._iterator is not None
        return {
            "batches": self._batches_done,
            "began": self._epoch_state,
            "now": self._random_states(),
            "reused": reused,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from there at the next `iter`."""
        self._resume = state

    def rewind(self) -> None:
        """The epoch is over: a state saved from here on starts the next one."""
        self._batches_done, self._epoch_state = 0, None

    def __iter__(self) -> Iterator[Any]:
        resume, self._resume = self._resume, None
        self._reused = self._iterator is not None
        if resume is not None:
            self._reused = resume["reused"]
            self.restore(resume["began"] or resume["now"])
        self._epoch_state = self._random_states()
        self._batches_done = resume["batches"] if resume is not None else 0
        if resume is not None:
            self._skip = _Skip(
                loader=self,
                count=self._batches_done,
                before=self._epoch_state if self._reused else None,
                after=resume["now"] if self._batches_done else None,
            )
        for batch in super().__iter__():
            self._batches_done += 1
            yield batch

    def _get_iterator(self) -> Any:
        """Torch's iterator, whose workers do not die from a signal that is meant for the
        training.
        """
        init_worker: Callable[[int], None] | None = self.worker_init_fn
        self.worker_init_fn = _IgnoreSignals(init_worker)
        try:
            return super()._get_iterator()
        finally:
            self.worker_init_fn = init_worker

    @property
    def _index_sampler(self) -> Any:
        skip, self._skip = self._skip, None
        return _Skipping(super()._index_sampler, skip) if skip else super()._index_sampler

    def _random_states(self) -> dict[str, Any]:
        return {
            **random_state(),
            "generators": [generator.get_state() for generator in self._generators()],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restore all generators."""
        set_random_state(state)
        for generator, saved in zip(self._generators(), state["generators"], strict=False):
            generator.set_state(saved.cpu())

    def _generators(self) -> list[Any]:
        """The loader's own generators from which the order is drawn, each once."""
        generators = [
            self.generator,
            getattr(self.sampler, "generator", None),
            getattr(getattr(self.batch_sampler, "sampler", None), "generator", None),
        ]
        return list({id(item): item for item in generators if item is not None}.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Skip:
    """How to reach the position of a loader. before, after: states to restore before the order is
    drawn, and before anything is loaded.

    Persistent workers are seeded when they start, which happens in this attempt but did not in this
    epoch of the previous one.
    """

    loader: ResumableDataLoader
    count: int
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class _Skipping:
    """A sampler that skips its beginning when it is first used."""

    def __init__(self, sampler: Any, skip: _Skip) -> None:
        self._sampler = sampler
        self._skip: _Skip | None = skip

    def __len__(self) -> int:
        return len(self._sampler)

    def __iter__(self) -> Iterator[Any]:
        skip, self._skip = self._skip, None  # persistent workers come by again in the next epoch
        if skip is None:
            yield from self._sampler
            return
        if skip.before is not None:
            skip.loader.restore(skip.before)
        indices = iter(self._sampler)
        for _ in range(skip.count):
            next(indices, None)
        if skip.after is not None:
            skip.loader.restore(skip.after)
        yield from indices


class _IgnoreSignals:
    """The start of a worker: it must ignore the signals that ask the job to save, because the
    training needs it until then.
    """

    def __init__(self, init_worker: Callable[[int], None] | None) -> None:
        self._init_worker = init_worker

    def __call__(self, worker: int) -> None:
        for number in preempt_signals():
            signal.signal(number, signal.SIG_IGN)
        if self._init_worker is not None:
            self._init_worker(worker)
