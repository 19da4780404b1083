"""What IPython shows of an error of the workbench: the message, and the user's lines that led to
it.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

_PACKAGE = __name__.partition(".")[0]


def users_traceback(error: BaseException) -> list[str]:
    """The parts of a traceback without the frames of this package, nor those of the libraries it
    calls. All of them in IPython's mode Verbose: `%tb Verbose` shows the last error once more.
    """
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    shown, frames = error, error.__traceback__
    if shell.InteractiveTB.mode != "Verbose":
        shown, frames = _without_causes(error), _users_frames(error.__traceback__)
    parts = shell.InteractiveTB.structured_traceback(type(error), shown, frames)
    shell.InteractiveTB.tb = error.__traceback__  # %debug opens where the error was raised
    return list(parts)


def _without_causes(error: BaseException) -> BaseException:
    """The error without what it was raised from, unless that was caught by the user's own code."""
    # Not by its constructor, which may take other arguments.
    shown = type(error).__new__(type(error), *error.args)
    vars(shown).update(vars(error))
    shown.__context__ = _of_the_user(error.__context__)
    if error.__cause__ is None:
        shown.__suppress_context__ = error.__suppress_context__
    elif cause := _of_the_user(error.__cause__):
        shown.__cause__ = cause
    return shown


def _of_the_user(error: BaseException | None) -> BaseException | None:
    """The error, if it was raised in the user's own code."""
    return error if error is not None and _users_frames(error.__traceback__) else None


def _users_frames(frames: TracebackType | None) -> TracebackType | None:
    """The frames up to the first of this package."""
    kept: list[TracebackType] = []
    while frames is not None and not _is_ours(frames):
        kept.append(frames)
        frames = frames.tb_next
    shown: TracebackType | None = None
    for frame in reversed(kept):
        shown = TracebackType(shown, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return shown


def _is_ours(frames: TracebackType) -> bool:
    return str(frames.tb_frame.f_globals.get("__name__", "")).partition(".")[0] == _PACKAGE
