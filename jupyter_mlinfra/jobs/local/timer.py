"""A timer on the wall clock: it fires at a time of day, also if the clock is set or the machine was
asleep meanwhile.

The supervisor's own sleep counts seconds and does not notice clock changes. Linux has a timer that
does; elsewhere the supervisor checks the clock once a minute while there is something to wait for.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import math
import os

LOOK_SECONDS = 60.0
_CLOCK_REALTIME = 0
_ABSOLUTE, _CANCEL_ON_SET = 1, 2


class _Moment(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Setting(ctypes.Structure):
    _fields_ = (("interval", _Moment), ("first", _Moment))


class WallClock:
    """One timer; `fileno` becomes readable when it fires. Python 3.13 has this as
    os.timerfd_create.
    """

    def __init__(self) -> None:
        self._handle: int | None = None
        # Not Linux, or a sandbox without such timers.
        with contextlib.suppress(AttributeError, OSError):
            self._libc = ctypes.CDLL(None, use_errno=True)
            handle = self._libc.timerfd_create(_CLOCK_REALTIME, os.O_NONBLOCK | os.O_CLOEXEC)
            self._handle = handle if handle >= 0 else None

    def set(self, at: float | None) -> bool:
        """Fire at `at`, in seconds since 1970, and whenever the clock is set; None or infinity:
        never. Returns whether it will; otherwise the caller must check the clock.
        """
        if self._handle is None:
            return False
        moment = _Moment(0, 0)
        if at is not None and math.isfinite(at):
            moment = _Moment(max(1, int(at)), int(at % 1 * 1e9))
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
        """The timer's descriptor."""
        return -1 if self._handle is None else self._handle

    def recv(self, size: int) -> bytes:
        """Acknowledge a firing, as with a socket; empty if the clock was set. Raises
        BlockingIOError if it has not fired.
        """
        try:
            return os.read(self.fileno(), size)
        except OSError as error:
            if error.errno == errno.ECANCELED:
                return b""
            raise
