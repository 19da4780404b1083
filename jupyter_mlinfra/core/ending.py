"""How a process ends that is asked to."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def taking_back() -> Iterator[None]:
    """Within the block, SIGTERM (the cancel of a job, a cluster that wants its machine back) is as
    Ctrl-C, so that what was begun is taken back. Then the process ends by the signal, as it would
    have at once. Nothing is other in a process that handles the signal itself, or in a thread.
    """
    here = threading.current_thread() is threading.main_thread()
    if not here or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    asked = False

    def end(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # nothing ends what takes back
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if asked:
            os.kill(os.getpid(), signal.SIGTERM)
