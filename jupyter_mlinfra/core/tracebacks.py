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
    context = error.__cause__ or error.__context__
    if context is not None and _users_frames(context.__traceback__) is not None:
        shown.__context__ = context
    return shown


def _users_frames(frames: TracebackType | None) -> TracebackType | None:
    """The frames up to the first of this package."""
    if frames is None or _is_ours(frames):
        return None
    following = _users_frames(frames.tb_next)
    return TracebackType(following, frames.tb_frame, frames.tb_lasti, frames.tb_lineno)


def _is_ours(frames: TracebackType) -> bool:
    return str(frames.tb_frame.f_globals.get("__name__", "")).partition(".")[0] == _PACKAGE
