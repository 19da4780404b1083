"""Of which columns lazy frames make theirs: plans, with the answer that a person gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl
import polars.selectors as cs
import pytest
from polars import col
from polars.io.plugins import register_io_source

from jupyter_mlinfra.core.lineage import plans
from jupyter_mlinfra.core.lineage.plan_nodes import Leaf
from jupyter_mlinfra.core.lineage.plans import traced

ORDERS = pl.DataFrame(
    {"id": [1, 2], "customer": [7, 8], "amount": [1.0, 2.0], "day": ["a", "b"], "tags": [[1], [2]]}
)
PEOPLE = pl.DataFrame({"id": [7, 8], "name": ["x", "y"], "amount": [3.0, 4.0]})

Frame = pl.LazyFrame
Expected = Mapping[str, str | None]
"""For each column its sources (`o.id p.name`), or None where that is not known."""

IN_MEMORY = pl.DataFrame({"id": [1], "label": ["x"]})
O_ALL = {name: f"o.{name}" for name in ORDERS.columns}


def _without(*names: str) -> dict[str, str]:
    return {name: made for name, made in O_ALL.items() if name not in names}


CASES: Mapping[str, tuple[Callable[[Frame, Frame], Frame], Expected]] = {
    "select": (lambda o, p: o.select("id", "amount"), {"id": "o.id", "amount": "o.amount"}),
    "star": (lambda o, p: o.select(pl.all()), O_ALL),
    "exclude": (lambda o, p: o.select(pl.exclude("tags", "day")), _without("tags", "day")),
    "selectors": (
        lambda o, p: o.select(cs.numeric() - cs.by_name("id")),
        {"customer": "o.customer", "amount": "o.amount"},
    ),
    "arithmetic": (
        lambda o, p: o.select(t=col("amount") * 2 + col("id")),
        {"t": "o.amount o.id"},
    ),
    "constants": (lambda o, p: o.select(one=pl.lit(1), rows=pl.len()), {"one": "", "rows": ""}),
    "with_columns": (lambda o, p: o.with_columns(twice=col("id") * 2), {**O_ALL, "twice": "o.id"}),
    "replaced": (lambda o, p: o.with_columns(id=col("customer")), {**O_ALL, "id": "o.customer"}),
    "chain": (
        lambda o, p: (
            o.with_columns(x=col("id") + col("amount")).with_columns(y="x").select(z=col("y") / 2)
        ),
        {"z": "o.amount o.id"},
    ),
    "rename": (
        lambda o, p: o.rename({"id": "amount", "amount": "id"}).select("id", "amount"),
        {"id": "o.amount", "amount": "o.id"},
    ),
    "drop": (lambda o, p: o.drop("id", cs.list()), _without("id", "tags")),
    "filter and sort": (
        lambda o, p: o.filter(col("amount") > 1).sort("day").head(3).select("id"),
        {"id": "o.id"},
    ),
    "inner join": (
        lambda o, p: o.join(p, left_on="customer", right_on="id"),
        {**O_ALL, "name": "p.name", "amount_right": "p.amount"},
    ),
    "left join, suffix": (
        lambda o, p: o.join(p, on="id", how="left", suffix="_p").select("id", "amount", "amount_p"),
        {"id": "o.id", "amount": "o.amount", "amount_p": "p.amount"},
    ),
    "right join": (
        lambda o, p: o.join(p, on="id", how="right").select("id", "name", "amount_right"),
        {"id": "p.id", "name": "p.name", "amount_right": "p.amount"},
    ),
    "full join": (
        lambda o, p: o.join(p, on="id", how="full").select("id", "id_right"),
        {"id": "o.id", "id_right": "p.id"},
    ),
    "full join, keys merged": (
        lambda o, p: o.join(p, on="id", how="full", coalesce=True).select("id", "name"),
        {"id": "o.id p.id", "name": "p.name"},
    ),
    "semi join": (lambda o, p: o.join(p, on="id", how="semi"), O_ALL),
    "anti join": (lambda o, p: p.join(o, on="id", how="anti").select("name"), {"name": "p.name"}),
    "cross join": (
        lambda o, p: o.select("day").join(p.select("name"), how="cross"),
        {"day": "o.day", "name": "p.name"},
    ),
    "join_where": (
        lambda o, p: o.join_where(p, col("amount") > col("amount_right")).select("id", "id_right"),
        {"id": "o.id", "id_right": "p.id"},
    ),
    "join_asof": (
        lambda o, p: (
            o.sort("amount").join_asof(p.sort("amount"), on="amount").select("amount", "name")
        ),
        {"amount": "o.amount", "name": "p.name"},
    ),
    "join by an expression": (
        lambda o, p: o.join(p, left_on=col("id") + 6, right_on="id").select("id_right", "id"),
        {"id_right": "p.id", "id": "o.id"},
    ),
    "group_by": (
        lambda o, p: o.group_by("customer").agg(col("amount").sum(), n=pl.len()),
        {"customer": "o.customer", "amount": "o.amount", "n": ""},
    ),
    "group_by an expression": (
        lambda o, p: o.group_by(k=col("customer") % 2).agg(a=col("id").filter(col("amount") > 1)),
        {"k": "o.customer", "a": "o.amount o.id"},
    ),
    "group_by time": (
        lambda o, p: (
            o.sort("id")
            .group_by_dynamic("id", every="2i", group_by="day", include_boundaries=True)
            .agg(col("amount").mean())
        ),
        {
            "day": "o.day",
            "_lower_boundary": "o.id",
            "_upper_boundary": "o.id",
            "id": "o.id",
            "amount": "o.amount",
        },
    ),
    "rolling": (
        lambda o, p: o.sort("id").rolling("id", period="3i").agg(m=col("amount").max()),
        {"id": "o.id", "m": "o.amount"},
    ),
    "window": (
        lambda o, p: o.select(w=col("amount").sum().over("customer", order_by="day")),
        {"w": "o.amount o.customer o.day"},
    ),
    "number in a group": (
        lambda o, p: o.select(n=pl.int_range(pl.len()).over("customer")),
        {"n": "o.customer"},
    ),
    "when": (
        lambda o, p: o.select(v=pl.when(col("day") == "a").then("id").otherwise(0)),
        {"v": "o.day o.id"},
    ),
    "functions": (
        lambda o, p: o.select(
            up=col("day").str.to_uppercase(),
            both=pl.concat_str("day", col("id").cast(pl.String)),
            among=col("id").is_in([1, 2]),
            other=col("id").replace_strict([1, 2], [3, 4]),
            first=col("amount").sort_by("day").first(),
            q=col("amount").quantile(0.5),
        ),
        {
            "up": "o.day",
            "both": "o.day o.id",
            "among": "o.id",
            "other": "o.id",
            "first": "o.amount o.day",
            "q": "o.amount",
        },
    ),
    "concat": (
        lambda o, p: pl.concat([o.select("id", "amount"), p.select("id", "amount")]),
        {"id": "o.id p.id", "amount": "o.amount p.amount"},
    ),
    "concat diagonally": (
        lambda o, p: pl.concat([o.select("id", "day"), p.select("id", "name")], how="diagonal"),
        {"id": "o.id p.id", "day": "o.day", "name": "p.name"},
    ),
    "concat side by side": (
        lambda o, p: pl.concat([o.select("day"), p.select("name")], how="horizontal"),
        {"day": "o.day", "name": "p.name"},
    ),
    "merge_sorted": (
        lambda o, p: o.select("id").merge_sorted(p.select("id"), "id"),
        {"id": "o.id p.id"},
    ),
    "explode": (
        lambda o, p: o.explode("tags").select("id", "tags"),
        {"id": "o.id", "tags": "o.tags"},
    ),
    "unpivot": (
        lambda o, p: o.unpivot(on=["id", "customer"], index="day"),
        {"day": "o.day", "variable": "", "value": "o.customer o.id"},
    ),
    "struct and unnest": (
        lambda o, p: o.select(
            "day", s=pl.struct("id", "amount"), t=pl.struct(c=col("customer"))
        ).unnest("s", "t"),
        {"day": "o.day", "id": "o.amount o.id", "amount": "o.amount o.id", "c": "o.customer"},
    ),
    "pivot with columns that are named": (
        lambda o, p: o.pivot("day", on_columns=["a", "b"], index="customer", values="amount"),
        {"customer": "o.customer", "a": "o.amount o.day", "b": "o.amount o.day"},
    ),
    "unique": (lambda o, p: o.unique("customer", keep="first").select("id"), {"id": "o.id"}),
    "row numbers": (
        lambda o, p: o.filter(col("id") > 0).with_row_index("row").select("row", "id"),
        {"row": "", "id": "o.id"},
    ),
    "update": (
        lambda o, p: o.update(p.select("id", "amount"), on="id").select("id", "amount"),
        {"id": "o.id", "amount": "o.amount p.amount"},
    ),
    "nulls": (
        lambda o, p: o.drop_nulls().fill_null(0).select("id", "amount"),
        {"id": "o.id", "amount": "o.amount"},
    ),
    "twice the same": (
        lambda o, p: o.join(o.group_by("customer").agg(s=col("amount").sum()), on="customer"),
        {**O_ALL, "s": "o.amount"},
    ),
    "SQL of Polars": (
        lambda o, p: pl.SQLContext(o=o, p=p, eager=False).execute(
            "SELECT name, sum(o.amount) AS s FROM o JOIN p ON o.customer = p.id GROUP BY name"
        ),
        {"name": "p.name", "s": "o.amount"},
    ),
    "cache": (lambda o, p: o.cache().select("id"), {"id": "o.id"}),
    "a function of Python": (
        lambda o, p: o.select(
            "id", q=col("amount").map_batches(lambda s: s, return_dtype=pl.Float64)
        ),
        {"id": "o.id", "q": None},
    ),
    "made of what a function of Python made": (
        lambda o, p: o.map_batches(lambda f: f).select("id").join(p, on="id").select("id", "name"),
        {"id": None, "name": "p.name"},
    ),
    "groups by a function of Python": (
        lambda o, p: o.group_by("id").map_groups(lambda f: f, schema=o.collect_schema()),
        dict.fromkeys(ORDERS.columns),
    ),
    "expressions that are not shown": (
        lambda o, p: o.select(e=col("tags").list.eval(pl.element() + 1), id="id"),
        {"e": None, "id": "o.id"},
    ),
    "a frame in memory": (
        lambda o, p: o.join(IN_MEMORY.lazy(), on="id").select("id", "label"),
        {"id": "o.id", "label": None},
    ),
    "a series in memory": (
        lambda o, p: o.select("id", s=pl.lit(IN_MEMORY["label"])),
        {"id": "o.id", "s": None},
    ),
    "half known is not known": (
        lambda o, p: o.join(IN_MEMORY.lazy(), on="id").select(x=col("day") + col("label")),
        {"x": None},
    ),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tables")
    ORDERS.write_parquet(folder / "o.parquet")
    PEOPLE.write_parquet(folder / "p.parquet")
    return folder


def _letter(leaf: Leaf) -> str | None:
    return Path(leaf.paths[0]).stem if leaf.paths else None


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore")
def test_plans(name: str, files: Path) -> None:
    make, expected = CASES[name]
    frame = make(pl.scan_parquet(files / "o.parquet"), pl.scan_parquet(files / "p.parquet"))
    found = traced(frame, _letter)
    told: dict[str, str | None] = {
        column: " ".join(".".join(pair) for pair in pairs)
        for column, pairs in found.columns.items()
    }
    assert {**told, **dict.fromkeys(found.untraced)} == expected
    assert list(frame.collect_schema()) == [*expected]


@pytest.mark.filterwarnings("ignore")
def test_what_is_scanned_is_told_even_where_no_column_is(files: Path) -> None:
    orders, people = (pl.scan_parquet(files / f"{name}.parquet") for name in "op")
    frame = orders.join(people, on="id", how="semi").map_batches(lambda rows: rows)
    found = traced(frame, _letter)
    assert (found.inputs, found.columns) == (["o", "p"], {})
    assert set(found.untraced.values()) == {"a Python function makes it"}


def test_nothing_is_run_and_unknown_scans_are_not_guessed(files: Path) -> None:
    ran = []

    def read(*_: object) -> object:
        ran.append(1)
        yield ORDERS

    source = register_io_source(read, schema=ORDERS.schema)
    found = traced(source.select("id", one=pl.lit(1)), _letter)
    assert not ran
    assert (found.inputs, found.columns) == ([], {"one": []})
    assert found.untraced == {"id": "a Python function makes it"}


def test_a_plan_that_is_too_large_or_of_another_version_is_not_followed(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pl.scan_parquet(files / "o.parquet").select("id").filter(col("id") > 0)
    monkeypatch.setattr(plans, "SECONDS", -1.0)
    found = traced(frame, _letter)
    assert (found.inputs, found.untraced) == (["o"], {"id": "its plan takes too long to follow"})
    monkeypatch.setattr(plans, "PARTS", 2)
    assert traced(frame, _letter).untraced == {"id": "its plan has more than 2 parts"}
    monkeypatch.setattr(plans, "_VERSION", 99)
    assert traced(frame, _letter).untraced == {"id": "this version of Polars is not known"}
