"""A request to end is only recorded: the training saves at its next good moment, never inside a
signal handler.
"""

from __future__ import annotations

import signal
import threading
import warnings
from types import FrameType, TracebackType
from typing import Any, Self

from ..jobs import SAVED, preempt_signals


class Preemption:
    """While its block runs, the signals that ask the job to give up its machine only set a flag.

        with Preemption() as preemption:
            for step in range(steps):
                learn(step)
                if preemption.requested:
                    save(step)
                    preemption.leave()

    Blocks may be nested. The flag outlives the block. Signals reach only the main thread of a
    process: elsewhere there is a warning, and nothing is caught.
    """

    def __init__(self) -> None:
        self.signals = preempt_signals()
        self.received: signal.Signals | None = None
        """The signal that came first."""
        self._previous_handlers: list[dict[signal.Signals, Any]] = []

    @property
    def requested(self) -> bool:
        """Whether the job was asked to save its work and end."""
        return self.received is not None

    def leave(self) -> None:
        """End the process with the code that means "saved, restart me". In a notebook this ends the
        cell, and with it the job.
        """
        raise SystemExit(SAVED)

    def __enter__(self) -> Self:
        previous: dict[signal.Signals, Any] = {}
        if threading.current_thread() is threading.main_thread():
            previous = {number: signal.signal(number, self._record) for number in self.signals}
        else:
            warnings.warn(
                "This thread is not notified when the job is asked to end: only the main thread of"
                " a process is.",
                stacklevel=2,
            )
        self._previous_handlers.append(previous)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._previous_handlers.pop().items():
            # None: it was not set by Python, and cannot be set again.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _record(self, number: int, _: FrameType | None) -> None:
        if self.received is None:
            self.received = signal.Signals(number)
