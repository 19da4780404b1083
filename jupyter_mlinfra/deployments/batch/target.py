"""Whether a dataset that exists can take the result of a batch, before a row is scored."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...core.errors import Unprocessable
from .answers import ERROR, MODEL_VERSION, PREDICTION
from .columns import listed

if TYPE_CHECKING:
    import polars as pl

_FIX = "Write into another dataset, or replace the rows of this one with --replace."


class Misfit(Unprocessable):
    """The target cannot take the result, however often it is tried."""


def check_target(
    columns: Mapping[str, pl.DataType], existing: Mapping[str, pl.DataType], *, into: str
) -> None:
    """Raise Misfit if the target has columns that the result would leave empty, or has them in
    types that cannot take its values as they are. columns: of the result.
    """
    if lacking := [name for name in existing if name not in columns]:
        raise Misfit(
            f"The predictions do not fit {into}.",
            f"It has {listed(lacking)}, which the result does not have.",
            _FIX,
        )
    for name, target in existing.items():
        if not _takes(target, columns[name]):
            raise _misfit(name, target, f"the result has {columns[name]}", into)


def check_before(
    kept: Mapping[str, pl.DataType],
    existing: Mapping[str, pl.DataType],
    *,
    into: str,
    promised: pl.DataType | None,
) -> None:
    """The same by what is known before the model has answered. kept: columns of the source in the
    result. promised: type of the predictions; None: not known.
    """
    import polars as pl

    known = {**kept, MODEL_VERSION: pl.String(), ERROR: pl.String()}
    rest = {name: dtype for name, dtype in existing.items() if not _is_prediction(name, known)}
    check_target(known, rest, into=into)
    for name, target in existing.items():
        if name in rest:
            continue
        if not (target.is_numeric() or isinstance(target, pl.Boolean | pl.String | pl.List)):
            raise _misfit(name, target, "no prediction is", into)
        if promised is None or isinstance(target, pl.List) or _takes(target, promised):
            continue
        raise _misfit(name, target, f"the signature of the model promises {promised}", into)


def promised_type(signature: Any) -> pl.DataType | None:
    """The type of the predictions by the outputs of a signature; None if it does not say one."""
    import polars as pl

    try:
        outputs = json.loads(signature["outputs"])
        words = {str(item.get("tensor-spec", item).get("dtype", item["type"])) for item in outputs}
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    types: Mapping[str, pl.DataType] = {
        **dict.fromkeys(("double", "float", "float64", "float32"), pl.Float64()),
        **dict.fromkeys(("long", "integer", "int64", "int32"), pl.Int64()),
        **dict.fromkeys(("boolean", "bool"), pl.Boolean()),
        **dict.fromkeys(("string", "str"), pl.String()),
    }
    found = {types.get(word) for word in words}
    return found.pop() if len(found) == 1 else None


def _is_prediction(name: str, known: Mapping[str, pl.DataType]) -> bool:
    return name not in known and (name == PREDICTION or name.startswith(f"{PREDICTION}_"))


def _takes(target: pl.DataType, source: pl.DataType) -> bool:
    """Whether a column takes values of another type without a change: a number does not become a
    text, nor a fraction a whole number.
    """
    import polars as pl

    if isinstance(source, pl.Null) or source == target:
        return True
    if source.is_numeric() and target.is_numeric():
        return source.is_integer() or not target.is_integer()
    if isinstance(source, pl.Date | pl.Datetime) and isinstance(target, pl.Datetime):
        zone = source.time_zone if isinstance(source, pl.Datetime) else None
        return (zone is None) == (target.time_zone is None)
    if isinstance(source, pl.Categorical | pl.Enum):
        return isinstance(target, pl.String)
    # What is in lists and structures is compared by the write.
    kinds: Sequence[Any] = (pl.List, pl.Array)
    return source.base_type() == target.base_type() or (
        source.base_type() in kinds and target.base_type() in kinds
    )


def _misfit(name: str, target: pl.DataType, why: str, into: str) -> Misfit:
    return Misfit(
        f"The predictions do not fit {into}.", f"Its column {name} is {target}; {why}.", _FIX
    )
