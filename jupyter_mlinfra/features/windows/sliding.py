"""Tiles to windows: one pass over the tiles of each key in both directions, then two look-ups for
each window. See `windows`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from .tiles import LETTERS, TILE

if TYPE_CHECKING:
    import polars as pl

GID, END = "__gid", "__end"
"""The number of a key; the number of the tile before which a window ends."""

_BLOCK, _PROBE = "__block", "__probe"


def windows_at(
    tiles: pl.DataFrame, ends: pl.DataFrame, length: int | None, needs: Mapping[int, str]
) -> pl.DataFrame:
    """What the windows that end at `ends` hold.

    tiles: GID, TILE and what they hold, sorted. ends: GID and END, each pair once, sorted. length:
    of a window in tiles; None: everything before its end. Returns GID, END and `n0`, `s0`, …: n and
    s are 0 where there is nothing, all else null.
    """
    import polars as pl

    block = pl.lit(0, pl.Int64) if length is None else pl.col(TILE) // length
    tiles = tiles.with_columns(block.alias(_BLOCK))
    size = length or 1
    wanted = pl.lit(0, pl.Int64) if length is None else pl.col(END) // size
    before = _found(
        _added_up(tiles, needs, backwards=False), ends, pl.col(END) - 1, wanted, "backward"
    )
    if length is None:
        return before.select(GID, END, *both(needs, "", None))
    after = _found(
        _added_up(tiles, needs, backwards=True), ends, pl.col(END) - size, wanted - 1, "forward"
    )
    sides = before.hstack(after.drop(GID, END).rename(lambda name: f"old {name}"))
    return sides.select(GID, END, *both(needs, "", "old "))


def both(needs: Mapping[int, str], left: str, right: str | None) -> list[pl.Expr]:
    """What two stretches of events hold together. left, right: what their columns' names begin
    with; None: there is one. Source for m and v: Chan, Golub and LeVeque 1979.
    """
    import polars as pl

    sides = [left] if right is None else [left, right]
    made: list[pl.Expr] = []
    for number, letters in needs.items():
        n, s, f, a, z, m, v = (
            [pl.col(f"{side}{letter}{number}") for side in sides] for letter in LETTERS
        )
        n, s = ([item.fill_null(0) for item in items] for items in (n, s))
        of = {
            "n": pl.sum_horizontal(n),
            "s": pl.sum_horizontal(s),
            "f": pl.sum_horizontal([item.fill_null(0.0) for item in f]),
            "a": pl.min_horizontal(a),
            "z": pl.max_horizontal(z),
            "m": _mean(n, m),
            "v": _squares(n, v, _between(n, s, m if "m" in letters else []) if right else None),
        }
        made += [of[letter].alias(f"{letter}{number}") for letter in letters]
    return made


def _mean(n: list[pl.Expr], means: list[pl.Expr]) -> pl.Expr:
    import polars as pl

    total = pl.sum_horizontal(n)
    weighted = [count * mean.fill_null(0) for count, mean in zip(n, means, strict=True)]
    return pl.when(total > 0).then(pl.sum_horizontal(weighted) / total)


def _between(n: list[pl.Expr], sums: list[pl.Expr], means: list[pl.Expr]) -> pl.Expr:
    """How far the means of two sides are from each other. means: of floats; those of integers are
    in their sums, of which no difference loses a digit.
    """
    import polars as pl

    if means:
        return means[1] - means[0]
    pivot = sums[0] // n[0]
    first, second = (
        (total - count * pivot).cast(pl.Float64) / count
        for count, total in zip(n, sums, strict=True)
    )
    return second - first


def _squares(n: list[pl.Expr], squares: list[pl.Expr], between: pl.Expr | None) -> pl.Expr:
    """between: see `_between`; None where there is one side."""
    import polars as pl

    total = pl.sum_horizontal([item.fill_null(0.0) for item in squares])
    if between is not None:
        apart = between.pow(2) * n[0] * n[1] / (n[0] + n[1])
        total = total + apart.fill_null(0.0).fill_nan(0.0)
    return total


def _added_up(tiles: pl.DataFrame, needs: Mapping[int, str], *, backwards: bool) -> pl.DataFrame:
    """What lies between the beginning (or the end) of its block and each tile, including it."""
    import polars as pl
    import polars.selectors as cs

    made: list[pl.Expr] = [pl.col(TILE)]
    fill: Literal["backward", "forward"] = "backward" if backwards else "forward"
    for number, letters in needs.items():
        n, s, f, a, z, m, v = (pl.col(f"{letter}{number}") for letter in LETTERS)
        count, total = n.cum_sum(reverse=backwards), s.cum_sum(reverse=backwards)
        # Distances from a value of the stretch: they cannot be large where the spread is not.
        known = (m if "m" in letters else s // n).drop_nulls()
        pivot = known.last() if backwards else known.first()
        if "m" in letters:
            apart = (n * (m - pivot)).fill_null(0.0).cum_sum(reverse=backwards)
            far = n * (m - pivot).pow(2)
        else:
            apart = (total - count * pivot).cast(pl.Float64)
            far = pl.when(n > 0).then((s - n * pivot).cast(pl.Float64).pow(2) / n)
        squares = (v + far).fill_null(0.0).cum_sum(reverse=backwards)
        of = {
            "n": count,
            "s": total,
            "f": f.cum_sum(reverse=backwards),
            "a": a.cum_min(reverse=backwards).fill_null(strategy=fill),
            "z": z.cum_max(reverse=backwards).fill_null(strategy=fill),
            "m": pl.when(count > 0).then(pivot + apart / count),
            "v": pl.when(count > 0).then((squares - apart.pow(2) / count).clip(0.0)),
        }
        made += [of[letter].alias(f"{letter}{number}") for letter in letters]
    grouped = tiles.group_by(GID, _BLOCK, maintain_order=True).agg(made)
    return grouped.explode(cs.exclude(GID, _BLOCK))


def _found(
    stretches: pl.DataFrame,
    ends: pl.DataFrame,
    probe: pl.Expr,
    block: pl.Expr,
    strategy: str,
) -> pl.DataFrame:
    """For each window the stretch that reaches to the last tile at or before `probe` (or from the
    first one at or after it), if that is in its block.
    """
    import polars as pl

    found = ends.with_columns(probe.alias(_PROBE), block.alias("__wanted")).join_asof(
        stretches,
        left_on=_PROBE,
        right_on=TILE,
        by=GID,
        strategy=strategy,  # type: ignore[arg-type]
        check_sortedness=False,
    )
    held = pl.col(_BLOCK) == pl.col("__wanted")
    values = pl.exclude(GID, END, _PROBE, "__wanted", _BLOCK, TILE)
    return found.select(GID, END, pl.when(held).then(values))
