"""Labels of several outputs: which belongs to which, and the performance of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..figures import OutputPerformance
from ..measures.answers import output_columns, output_names
from ..measures.performance import regression
from .classes import braced, kind_of

if TYPE_CHECKING:
    import polars as pl

    from ..hours.recording import Plan


def by_place(place: int | str) -> str:
    """What names the output at a place, from 0, whatever its name is."""
    return f"#{place}"


def why_named_refused(rows: pl.DataFrame, plan: Plan, version: str) -> pl.Expr:
    """Why labels of several outputs cannot be those of a version; null if they can. rows: as for
    `why_refused`.
    """
    import polars as pl

    if plan.answers != "values":
        return pl.lit("the deployment answers one class, which has one label")
    if not (names := _names_of(rows, plan, version)):
        return pl.lit("the deployment has one output, which has one label")
    name = pl.element().struct.field("name")
    known = [*names, *map(by_place, range(len(names)))]
    others = pl.col("named").list.eval(name.filter(~name.is_in(known)))
    listed = braced(", ".join(names[:10]) + (", …" if len(names) > 10 else ""))
    return pl.when(others.list.len() > 0).then(
        pl.format(f"none of the outputs {listed}: {{}}", others.list.first())
    )


def with_labels_in_order(rows: pl.DataFrame, plan: Plan, version: str) -> pl.DataFrame:
    """The rows with `labels`, one for each of several outputs in their order, null where none was
    given, and null for a row without any. The first one is the row's `label`, too.
    """
    import polars as pl

    names = _names_of(rows, plan, version) if plan.answers == "values" else []
    if not names:
        return rows.with_columns(pl.lit(None, pl.List(pl.Float64)).alias("labels"))
    of_pair = pl.element().struct.field
    given = [
        pl.col("named")
        .list.eval(of_pair("value").filter(of_pair("name").is_in([name, by_place(place)])))
        .list.last()
        for place, name in enumerate(names)
    ]
    first = pl.coalesce(given[0], "label")
    return rows.with_columns(in_one_list([first, *given[1:]]).alias("labels")).with_columns(
        first.alias("label"), pl.coalesce("text", first.cast(pl.String)).alias("text")
    )


def in_one_list(labels: Sequence[pl.Expr]) -> pl.Expr:
    """Labels of the outputs as a list; null if none is known."""
    import polars as pl

    known = pl.any_horizontal(label.is_not_null() for label in labels)
    return pl.when(known).then(pl.concat_list(labels))


def performance_by_output(
    kept: pl.DataFrame, plan: Plan, version: str
) -> Mapping[str, OutputPerformance]:
    """The performance of each output that has labels, by its name; empty if only the first has
    some. kept: see `joining.kept_rows`.
    """
    import numpy as np
    import polars as pl

    if kind_of(kept, plan.answers) != "values":
        return {}
    reference, found, further = plan.reference(version), dict[str, OutputPerformance](), False
    count = int(kept.select(pl.col("labels").list.len().max()).item() or 0)
    for place, name in enumerate(output_names(count, reference.outputs if reference else ())):
        # Of the first one also where no others were kept, as in hours of an earlier version.
        label = kept["labels"].list.get(place, null_on_oob=True) if place else kept["label"]
        pair = [
            values.cast(pl.Float64).to_numpy()
            for values in (kept["outputs"].list.get(place, null_on_oob=True), label)
        ]
        usable = np.isfinite(pair[0]) & np.isfinite(pair[1])
        if usable.any():
            metrics = regression(pair[0][usable], pair[1][usable])
            found[name] = OutputPerformance(metrics=metrics, rows=int(usable.sum()))
            further |= place > 0
    return found if further else {}


def _names_of(rows: pl.DataFrame, plan: Plan, version: str) -> list[str]:
    """The names of the outputs of logged rows; none of one output alone."""
    reference = plan.reference(version)
    return output_names(len(output_columns(rows)), reference.outputs if reference else ())
