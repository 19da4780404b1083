"""A timer on the wall clock: it rings at a time of day, also when the clock is set or the machine
was asleep meanwhile.

The supervisor's own sleep counts seconds, and knows nothing of a clock that jumps. Linux has a
timer that does; elsewhere the supervisor looks at the clock once a minute while there is something
to wait for.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os

LOOK_SECONDS = 60.0
_CLOCK_REALTIME = 0
_ABSOLUTE, _CANCEL_ON_SET = 1, 2


class _Moment(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Setting(ctypes.Structure):
    _fields_ = (("interval", _Moment), ("first", _Moment))


class WallClock:
    """One timer; `fileno` becomes readable when it rings. Python 3.13 has this as
    os.timerfd_create.
    """

    def __init__(self) -> None:
        self._handle: int | None = None
        # Not Linux, or a sandbox that has no such timers.
        with contextlib.suppress(AttributeError, OSError):
            self._libc = ctypes.CDLL(None, use_errno=True)
            handle = self._libc.timerfd_create(_CLOCK_REALTIME, os.O_NONBLOCK | os.O_CLOEXEC)
            self._handle = handle if handle >= 0 else None

    def set(self, at: float | None) -> bool:
        """Ring at `at`, in seconds since 1970, and whenever the clock is set; None: not at all.
        Says whether it will: else look yourself.
        """
        if self._handle is None:
            return False
        moment = _Moment(0, 0) if at is None else _Moment(max(1, int(at)), int(at % 1 * 1e9))
        setting = _Setting(_Moment(0, 0), moment)
        return bool(
            self._libc.timerfd_settime(
                self._handle, _ABSOLUTE | _CANCEL_ON_SET, ctypes.byref(setting), None
            )
            == 0
        )

    def exists(self) -> bool:
        """Whether this system has such timers."""
        return self._handle is not None

    def fileno(self) -> int:
        """Of the timer."""
        return -1 if self._handle is None else self._handle

    def recv(self, size: int) -> bytes:
        """Take note of a ring, as from a socket; empty when the clock was set. Raises
        BlockingIOError when it has not rung.
        """
        try:
            return os.read(self.fileno(), size)
        except OSError as error:
            if error.errno == errno.ECANCELED:
                return b""
            raise
