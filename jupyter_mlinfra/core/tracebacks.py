"""What IPython shows of an error of the workbench: the message, and the user's lines that led to
it.
"""

from __future__ import annotations

import contextlib
import os
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

_PACKAGE = __name__.partition(".")[0]
_LINKS = ("__traceback__", "__cause__", "__context__", "__suppress_context__")
_SLOTS: tuple[Any, ...] = tuple(vars(BaseException)[name] for name in _LINKS)
"""They read and write the links of any error: its class may forbid changes."""


@dataclass(slots=True, kw_only=True)
class _Part:
    """An error as it is shown. direct: whether what is shown before it is its cause; otherwise it
    was raised while that was handled.
    """

    error: BaseException
    frames: TracebackType | None
    direct: bool = False


def users_traceback(error: BaseException) -> list[str]:
    """The parts of a traceback without the frames of this package, nor those of the libraries it
    calls; functions of the user that these call are shown. All of them in IPython's mode Verbose:
    `%tb Verbose` shows the last error once more.
    """
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    parts = _shown(error) if shell.InteractiveTB.mode != "Verbose" else []
    with _only(parts):
        lines = shell.InteractiveTB.structured_traceback(type(error), error, error.__traceback__)
    shell.InteractiveTB.tb = error.__traceback__  # %debug opens where the error was raised
    return list(lines)


def _shown(error: BaseException) -> list[_Part]:
    """The error and what it was raised from, newest first, without what this package and libraries
    raised and caught below it. Nothing if a class has links of its own: they cannot be changed.
    """
    parts: list[_Part] = []
    direct, whole, seen = True, True, set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        if _has_own_links(type(current)):
            return []
        seen.add(id(current))
        frames = _frames(current.__traceback__)
        is_theirs = not any(map(_is_ours, frames))
        if not parts or (whole and is_theirs) or any(map(_is_users, frames)):
            if parts:
                parts[-1].direct = direct
            parts.append(_Part(error=current, frames=_linked(_without_ours(frames))))
            # What the user's own code caught is shown with all that it was raised from.
            direct, whole = True, is_theirs
        direct = direct and current.__cause__ is not None
        current = _earlier(current)
    return parts


def _has_own_links(kind: type[BaseException]) -> bool:
    return any(
        name in vars(base)
        for base in kind.__mro__[: kind.__mro__.index(BaseException)]
        for name in (*_LINKS, "__getattribute__")
    )


def _earlier(error: BaseException) -> BaseException | None:
    """What Python would show before an error: its cause, else what was handled meanwhile."""
    if error.__cause__ is not None or error.__suppress_context__:
        return error.__cause__
    return error.__context__


@contextlib.contextmanager
def _only(parts: Sequence[_Part]) -> Iterator[None]:
    """Let the errors have only these frames and links during the block. A copy of an error may be
    impossible to make.
    """
    before = [[slot.__get__(part.error) for slot in _SLOTS] for part in parts]
    try:
        links = [*(part.error for part in parts[1:]), None]
        for part, link in zip(parts, links, strict=False):
            cause, context = (link, None) if part.direct else (None, link)
            _set(part.error, [part.frames, cause, context, False])
        yield
    finally:
        for part, values in zip(parts, before, strict=True):
            _set(part.error, values)


def _set(error: BaseException, values: Sequence[object]) -> None:
    for slot, value in zip(_SLOTS, values, strict=True):
        slot.__set__(error, value)


def _frames(frames: TracebackType | None) -> list[TracebackType]:
    """The frames, outermost first."""
    found: list[TracebackType] = []
    while frames is not None:
        found.append(frames)
        frames = frames.tb_next
    return found


def _without_ours(frames: Sequence[TracebackType]) -> list[TracebackType]:
    """All frames up to the first of this package, and below that only those of the user."""
    first = next((n for n, frame in enumerate(frames) if _is_ours(frame)), len(frames))
    return [*frames[:first], *filter(_is_users, frames[first:])]


def _linked(frames: Sequence[TracebackType]) -> TracebackType | None:
    shown: TracebackType | None = None
    for frame in reversed(frames):
        shown = TracebackType(shown, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return shown


def _is_ours(frame: TracebackType) -> bool:
    return str(frame.tb_frame.f_globals.get("__name__", "")).partition(".")[0] == _PACKAGE


def _is_users(frame: TracebackType) -> bool:
    """Whether a frame is neither of this package nor of a library."""
    # The code of a module may have a made-up file, such as the methods of a dataclass.
    path = frame.tb_frame.f_globals.get("__file__") or frame.tb_frame.f_code.co_filename
    return not _is_ours(frame) and not _is_library(str(path))


def _is_library(path: str) -> bool:
    real = Path(os.path.realpath(path))
    return (
        path.startswith("<frozen ")
        or not {"site-packages", "dist-packages"}.isdisjoint(real.parts)
        or any(map(real.is_relative_to, _library_folders()))
    )


@cache
def _library_folders() -> list[str]:
    """Where Python itself and what was installed for it are."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    return [os.path.realpath(sysconfig.get_path(name)) for name in names]
