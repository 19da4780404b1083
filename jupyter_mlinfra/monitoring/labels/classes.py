"""Which labels a deployment can have, and labels as numbers: names of classes included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...core.value_names import value_name
from ..hours.segments import as_texts
from ..measures.answers import answer_columns

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from ..hours.recording import Plan


def why_refused(rows: pl.DataFrame, plan: Plan, version: str) -> pl.Expr:
    """Why the label of a logged row cannot be one of its version; null if it can. rows: of the
    payload log with `label` and `text`, see `Labels`.
    """
    import polars as pl

    reference = plan.reference(version)
    classes = reference.classes if reference else ()
    text = pl.format("the label is no number: {}", "text")
    named = rows["prediction"].dtype == pl.String
    if not named and plan.answers not in ("classes", "probabilities"):
        return pl.when(pl.col("label").is_null()).then(text)
    if classes:
        listed = ", ".join(classes[:10]) + (", …" if len(classes) > 10 else "")
        unknown = pl.format(f"the label is none of the classes {braced(listed)}: {{}}", "text")
        return pl.when(~as_known(classes).is_in(list(classes))).then(unknown)
    if named:
        return pl.lit(None, pl.String)
    count = _outputs(rows)
    most = count - 1 if plan.answers == "probabilities" else None
    a_class = (pl.col("label") == pl.col("label").floor()) & (pl.col("label") >= 0)
    if most is not None:
        a_class &= pl.col("label") <= most
    known = f"one of the classes 0 to {most}" if most is not None else "the number of a class"
    return (
        pl.when(pl.col("label").is_null())
        .then(text)
        .when(~a_class)
        .then(pl.format(f"the label is not {known}: {{}}", "text"))
    )


def as_known(classes: Sequence[str]) -> pl.Expr:
    """The label's text as its class is called: 1.0, 01 and true mean the class 1 if there is one
    and none is called as they are written.
    """
    import polars as pl

    written, number = pl.col("text"), whole_name(pl.col("label"))
    means = ~written.is_in(list(classes)) & number.is_in(list(classes))
    return pl.when(means).then(number).otherwise(written).alias("text")


def whole_name(number: pl.Expr) -> pl.Expr:
    """The name of a whole number, see `value_name`; null for others."""
    import polars as pl

    whole = number.cast(pl.Int64, strict=False).cast(pl.String)
    return pl.when(number == number.round()).then(whole)


def kind_of(labelled: pl.DataFrame, answers: str) -> str:
    """What labelled rows are answered with: texts are names of classes, also where the deployment
    is not said to answer classes. answers: what it is said to answer, empty if that is unknown.
    """
    return "classes" if answers and _is_named(labelled) else answers


def _is_named(labelled: pl.DataFrame) -> bool:
    return "answer" in labelled.columns and bool(labelled["answer"].is_not_null().any())


def codes_of(
    labelled: pl.DataFrame, classes: Sequence[str], answers: str
) -> tuple[np.ndarray, np.ndarray, Sequence[str]]:
    """Answers (n rows, one column per output) and labels of labelled rows as numbers, and the
    classes' names, whose places these numbers are; no names for numbers. Rows that were answered
    with neither are left out, and those whose label is not among the names.

    classes: of the reference, in the order of the model's probabilities.
    """
    import numpy as np
    import polars as pl

    if not labelled.height:
        return np.empty((0, 1)), np.empty(0), list(classes)
    if _is_named(labelled):
        rows = labelled.filter(pl.col("answer").is_not_null() & pl.col("text").is_not_null())
        names = list(classes)
        if not names:
            names = sorted({*rows["answer"].to_list(), *rows["text"].to_list()})
        places = {name: float(place) for place, name in enumerate(names)}
        both = [
            rows[column].replace_strict(places, default=None, return_dtype=pl.Float64).to_numpy()
            for column in ("answer", "text")
        ]
        usable = np.isfinite(both[0]) & np.isfinite(both[1])
        return both[0][usable][:, None], both[1][usable], names
    outputs = _matrix(labelled["outputs"])
    labels, names = labelled["label"], []
    if answers == "probabilities" and not are_places(classes):
        names = list(classes)
        places = {name: float(place) for place, name in enumerate(names)}
        texts = labelled["text"] if "text" in labelled.columns else as_texts(labels)
        labels = texts.replace_strict(places, default=None, return_dtype=pl.Float64)
    found = labels.cast(pl.Float64).to_numpy()
    usable = np.isfinite(outputs).all(axis=1) & np.isfinite(found)
    return outputs[usable], found[usable], names


def _matrix(outputs: pl.Series) -> np.ndarray:
    """Lists of outputs as n rows, one column per output that has a value in some row."""
    import numpy as np
    import polars as pl

    longest = max(1, *outputs.list.len().unique().fill_null(0))
    columns = [
        outputs.list.get(place, null_on_oob=True).cast(pl.Float64).fill_null(float("nan"))
        for place in range(longest)
    ]
    found = np.column_stack([column.to_numpy() for column in columns])
    while found.shape[1] > 1 and np.isnan(found[:, -1]).all():
        found = found[:, :-1]
    return found


def classes_of(labels: pl.Series) -> list[str]:
    """The classes of labels by their texts: numbers in their order, names in theirs, which is the
    order of scikit-learn's `classes_`.
    """
    import polars as pl

    if labels.dtype.is_numeric() or labels.dtype == pl.Boolean:
        numbers = sorted(labels.cast(pl.Float64).drop_nulls().drop_nans().unique().to_list())
        return [value_name(number) for number in numbers]
    return sorted(labels.cast(pl.String).drop_nulls().unique().to_list())


def _outputs(rows: pl.DataFrame) -> int:
    """How many classes have a probability; one output is that of class 1 of two."""
    return max(2, len(answer_columns(rows)))


def are_places(classes: Sequence[str]) -> bool:
    """Whether classes are named by their own places: 0, 1, …"""
    return all(name == str(place) for place, name in enumerate(classes))


def braced(text: str) -> str:
    """Text in a format."""
    return text.replace("{", "{{").replace("}", "}}")
