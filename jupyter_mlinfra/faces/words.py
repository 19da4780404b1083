"""Values as people read them: numbers with their basis, moments in the reader's zone, sizes,
durations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from ..core.display import (
    NONE,
    assigned,
    datum,
    moment,
    number,
    plain,
    size,
    state,
    stored,
    with_state_words,
)
from ..core.records import Number

__all__ = [
    "NONE",
    "assigned",
    "beginning",
    "counted",
    "datum",
    "first",
    "moment",
    "number",
    "plain",
    "share",
    "size",
    "span",
    "state",
    "stored",
    "uncut",
    "with_state_words",
]


def counted(count: int, noun: str) -> str:
    """`1 run`, `2 runs`, `3 entities`, `4 keys`."""
    return f"1 {noun}" if count == 1 else f"{count:,} {_plural(noun)}"


def _plural(noun: str) -> str:
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch", "sh")) else f"{noun}s"


def share(value: Number | None) -> str:
    """A fraction in percent, with its basis. Almost nothing and almost all are written as `< 0.1 %`
    and `> 99.9 %`.
    """
    if value is None or not isinstance(value.value, int | float):
        return number(value)
    text = f"{100 * value.value:.1f} %"
    if text == "0.0 %" and value.value > 0:
        text = "< 0.1 %"
    elif text == "100.0 %" and value.value < 1:
        text = "> 99.9 %"
    return number(Number(value=text, basis=value.basis, n=value.n))


def took(value: Number | None) -> str:
    """A number of seconds as a duration, with its basis."""
    if value is None or not isinstance(value.value, int | float):
        return number(value)
    return number(Number(value=span(value.value), basis=value.basis, n=value.n))


def span(seconds: float | None) -> str:
    """A duration: `850 ms`, `12.3 s`, `4 min 05 s`, `2 h 10 min`, `3 d`. What rounds to a whole
    unit is written in that unit.
    """
    if seconds is None:
        return NONE
    if round(1000 * seconds) < 1000:
        return f"{1000 * seconds:.0f} ms"
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for large, name, small, small_name in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if whole >= large:
            rest = whole % large // small
            return f"{whole // large} {name}" + (f" {rest} {small_name}" if rest else "")
    return f"{whole // 60} min {whole % 60:02d} s"


_whole = ContextVar("whole", default=False)


@contextmanager
def uncut() -> Iterator[None]:
    """Inside the block texts are not cut: in a file or a pipe there is room, and what was cut could
    not be requested.
    """
    token = _whole.set(True)
    try:
        yield
    finally:
        _whole.reset(token)


def first(values: Sequence[str], most: int = 2) -> str:
    """The first values of a long list, and how many more there are."""
    if _whole.get() or len(values) <= most:
        return plain(values)
    return f"{plain(values[:most])} +{len(values) - most}"


def beginning(text: str | None, length: int = 60) -> str:
    """The beginning of a text, with an ellipsis if it was cut."""
    line = plain(text)
    return line if _whole.get() or len(line) <= length else line[: length - 1] + "…"
