"""Which logged rows labels belong to, and which of these can be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .by_output import in_one_list, why_named_refused, with_labels_in_order
from .classes import as_known, why_refused
from .files import OF_LABELS, REFUSED

if TYPE_CHECKING:
    import polars as pl

    from ..hours.recording import Plan

_OF_LABELS = ("place", *OF_LABELS, "source", "at", "order")

_RESERVED = (*_OF_LABELS, "exact", "why", "labels")
"""Columns beside those of the log while labels are joined."""

_REQUEST = ("request_id", "version", "at")
_SAID = ("label", "text", "labels", "reward", "at")
"""What is known of a labelled row in the end."""


@dataclass(slots=True)
class Joined:
    """What has been joined so far. known: ids of requests that were answered. unanswered: ids of
    those that were refused or failed, with their status. matched: by their `order`, the labels of
    rows that were found. rows: that have a label or a reward now; replaced: of these, how many had
    one before. refused: labels that cannot be used. unread: names of files of the log that were not
    read, since they could not be.
    """

    hours: set[int] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    unanswered: dict[str, int] = field(default_factory=dict)
    matched: list[pl.Series] = field(default_factory=list)
    rows: int = 0
    replaced: int = 0
    refused: list[pl.DataFrame] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)


def labelled_rows(
    rows: pl.DataFrame, labels: pl.DataFrame, plan: Plan, joined: Joined
) -> pl.DataFrame:
    """The logged rows that labels name, with `_SAID`: each once for every label of it, and once for
    those of its request that came at once; the one that wins last. Of labels that came at once, one
    of a row wins against one of its request, and a later one against an earlier one. A reward of a
    request is of its first row, so that it counts once.

    labels: with source, at and order. Labels of a request are judged and put together before they
    are spread over its rows: many for a request of many rows take no more memory than both.
    """
    import polars as pl

    # Of millions of labels a part of the log has few.
    labels = labels.filter(pl.col("request_id").is_in(rows["request_id"].unique().implode()))
    named = rows.join(labels.select("request_id").unique(), on="request_id", how="semi")
    joined.known.update(named["request_id"])
    there = named.rename(set_apart(named.columns))
    of_rows = labels.filter(pl.col("row").is_not_null()).select("request_id", "row", *_OF_LABELS)
    of_requests = labels.filter(pl.col("row").is_null()).select("request_id", *_OF_LABELS)
    exact = there.join(of_rows, on=["request_id", "row"], maintain_order="left")
    joined.matched.append(exact["order"].unique())
    first = there.unique(["request_id", "version"], keep="first", maintain_order=True)
    once = _together(_accepted(first.join(of_requests, on="request_id"), plan, joined))
    every = there.join(once, on=["request_id", "version"], maintain_order="left")
    reward = pl.when(pl.col("row") == 0).then("reward")
    both = [
        every.with_columns(reward, pl.lit(0).alias("exact")),
        _accepted(exact, plan, joined).with_columns(pl.lit(1).alias("exact")).sort("order"),
    ]
    found = pl.concat([some.select(*there.columns, *_SAID, "exact") for some in both])
    told = pl.any_horizontal(pl.col("text", "labels", "reward").is_not_null())
    return found.filter(told).sort("at", "exact", maintain_order=True).drop("exact")


def set_apart(columns: Sequence[str]) -> dict[str, str]:
    """What inputs that are called as a column of labels are called meanwhile: `input.<name>`, as in
    the payload log, and so on if that is an input too.
    """
    renamed = dict[str, str]()
    for reserved in _RESERVED:
        name = reserved
        while name in columns:
            renamed[name] = f"input.{name}"
            name = renamed[name]
    return renamed


def _accepted(rows: pl.DataFrame, plan: Plan, joined: Joined) -> pl.DataFrame:
    """The rows whose label can be one of their version, with `labels`; the others are noted."""
    import polars as pl

    kept = [rows.clear().with_columns(pl.lit(None, pl.List(pl.Float64)).alias("labels"))]
    for (version,), some in sorted(
        rows.partition_by("version", as_dict=True).items(), key=lambda item: str(item[0])
    ):
        one = pl.when(pl.col("text").is_not_null()).then(why_refused(some, plan, str(version)))
        each = pl.when(pl.col("named").is_not_null()).then(
            why_named_refused(some, plan, str(version))
        )
        judged = some.with_columns(pl.coalesce(one, each).alias("why"))
        joined.refused.append(noted(judged.filter(pl.col("why").is_not_null())))
        good = judged.filter(pl.col("why").is_null()).drop("why")
        if (reference := plan.reference(str(version))) and reference.classes:
            good = good.with_columns(as_known(reference.classes))
        kept.append(with_labels_in_order(good, plan, str(version)))
    return pl.concat(kept)


def _together(labels: pl.DataFrame) -> pl.DataFrame:
    """Labels of requests, those that came at once as one: of the label, the reward and the label of
    each output the last one each.
    """
    import polars as pl

    told = pl.any_horizontal(pl.col("label", "text").is_not_null())
    count = int(labels.select(pl.col("labels").list.len().max()).item() or 0)
    outputs = [pl.col("labels").list.get(place, null_on_oob=True) for place in range(count)]
    found = (
        labels.sort("order")
        .group_by(*_REQUEST, maintain_order=True)
        .agg(
            pl.struct("label", "text").filter(told).last().alias("said"),
            pl.col("reward").drop_nulls().last(),
            *(output.drop_nulls().last().alias(f"output.{i}") for i, output in enumerate(outputs)),
        )
        .unnest("said")
    )
    whole = _listed([f"output.{place}" for place in range(count)])
    return found.select(*_REQUEST, "label", "text", "reward", whole.alias("labels"))


def _listed(columns: Sequence[str]) -> pl.Expr:
    import polars as pl

    if not columns:
        return pl.lit(None, pl.List(pl.Float64))
    return in_one_list([pl.col(name) for name in columns])


def without_row(labels: pl.DataFrame, joined: Joined) -> pl.DataFrame:
    """Labels of rows that their requests lack, which are in the log, as refused ones."""
    import polars as pl

    matched = pl.concat(joined.matched) if joined.matched else pl.Series("order", [], pl.UInt32)
    lost = labels.filter(
        pl.col("row").is_not_null(),
        pl.col("request_id").is_in(list(joined.known)),
        ~pl.col("order").is_in(matched.implode()),
    )
    return noted(lost.with_columns(pl.format("its request has no row {}", "row").alias("why")))


def note_unanswered(rows: pl.DataFrame, ids: pl.Series, joined: Joined) -> None:
    """Note which of these requests were refused or failed. rows: of the log."""
    import polars as pl

    bad = rows.filter(pl.col("status") >= 400).select("request_id", "status")
    if bad.height:
        joined.unanswered.update(bad.filter(pl.col("request_id").is_in(ids.implode())).iter_rows())


def without_answer(labels: pl.DataFrame, joined: Joined) -> pl.DataFrame:
    """Labels of requests that nobody answered, as refused ones; an id may have been used again for
    one that was.
    """
    import polars as pl

    found = {id: code for id, code in joined.unanswered.items() if id not in joined.known}
    failed = [id for id, code in found.items() if code >= 500]
    fate = pl.when(pl.col("request_id").is_in(failed)).then(pl.lit("failed"))
    why = pl.format("the request {}, it has no answer", fate.otherwise(pl.lit("was refused")))
    lost = labels.filter(pl.col("request_id").is_in(list(found)))
    return noted(lost.with_columns(why.alias("why")))


def noted(rows: pl.DataFrame) -> pl.DataFrame:
    """Refused labels, as they are kept."""
    import polars as pl

    return rows.with_columns(pl.col("row").cast(pl.Float64)).select("source", *REFUSED)
