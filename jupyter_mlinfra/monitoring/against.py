"""What drift can be against: the reference of a version, the window before, or a span of time."""

from __future__ import annotations

from datetime import UTC, datetime

REFERENCE, PREVIOUS = "reference", "previous"

METRICS = (
    *("psi", "ks", "wasserstein", "js", "hellinger", "chi2"),
    *("score_psi", "output_psi", "class_psi"),
)
"""What is measured against something."""


def span_before(against: str, start: float, end: float) -> tuple[float, float]:
    """The span of time that a window is against, in seconds since 1970. against: anything but the
    reference: `previous`, or `START..END` in ISO 8601. Raises ValueError for another text.
    """
    return (2 * start - end, start) if against == PREVIOUS else span_of(against)


def span_of(text: str) -> tuple[float, float]:
    """`START..END` as seconds since 1970; a time without a zone is of UTC. Raises ValueError."""
    parts = text.split("..")
    if len(parts) == 2:
        start, end = (_moment(part) for part in parts)
        if start < end:
            return start, end
    raise ValueError(f"{text!r} is neither {REFERENCE}, {PREVIOUS} nor START..END")


def _moment(text: str) -> float:
    moment = datetime.fromisoformat(text)
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).timestamp()
    except OverflowError:
        raise ValueError(f"{text} is not in the years 1 to 9999 in UTC") from None
