"""What oracles say beside what we say, and how far the two may be apart."""

from __future__ import annotations


class Checks:
    """Remembers every bound that was missed, so that one run names all of them."""

    def __init__(self) -> None:
        self.missed: list[str] = []

    def within(self, what: str, ours: float, theirs: float, bound: float) -> None:
        """Both are at most `bound` apart; a NaN is a miss."""
        self.holds(
            abs(ours - theirs) <= bound,
            f"{what}: {ours:.6g}, the oracle says {theirs:.6g}; {bound:.3g} apart is allowed",
        )

    def holds(self, good: bool, otherwise: str) -> None:
        """otherwise: what is wrong if it is not good."""
        if not good:
            self.missed.append(otherwise)
