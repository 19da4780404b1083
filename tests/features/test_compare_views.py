"""What differs between two versions of a view, told of every part of a definition."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features.definitions import Column, Definition, LabelSpec, WindowSpec
from jupyter_mlinfra.features.knowing.spec import ViewChange
from jupyter_mlinfra.features.knowing.versions import compare
from jupyter_mlinfra.features.sources import SourceSpec


def _column(name: str, kind: str, **words: Any) -> Column:
    return Column(name=name, type=kind, **{"tags": {}, **words})


OLD = Definition(
    name="clicks@v1",
    kind="batch",
    entities=["user"],
    keys=[_column("user_id", "INT64")],
    features=[_column("rate", "DOUBLE", description="Rate"), _column("n", "INT64")],
    ttl_seconds=86_400,
    source=SourceSpec(kind="dataset", name="web.clicks", time="at", mapping={"c": "n"}),
    online=True,
    owner="ana",
    tags={"team": "growth", "gold": ""},
    description="",
    digest="1",
    materialized_until=None,
    windows=[WindowSpec(feature="n", column="x", function="sum", seconds=3600, slide=3600)],
    code="def f(rows):\n    return rows * 2\n",
)


def _changed(**parts: Any) -> dict[str, tuple[str, str]]:
    found = compare(OLD, replace(OLD, name="clicks@v2", **parts))
    assert not found.same
    assert not found.code
    return {item.what: (item.before, item.after) for item in found.changes}


def test_the_same_definition_does_not_differ() -> None:
    found = compare(OLD, replace(OLD, name="clicks@v2", digest="2"))
    assert (found.before, found.after, found.same) == ("clicks@v1", "clicks@v2", True)


def test_features_are_told_as_added_removed_and_retyped() -> None:
    new = [_column("rate", "FLOAT", description="Rate"), _column("seen", "STRING_LIST")]
    found = compare(OLD, replace(OLD, name="clicks@v2", features=new))
    assert (found.added, found.removed, found.retyped) == (
        ["seen"],
        ["n"],
        {"rate": ["f64", "f32"]},
    )
    assert found.changes == []


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"ttl_seconds": None}, {"ttl": ("1 d", "none")}),
        ({"entities": ["user", "item"]}, {"entities": ("user", "user, item")}),
        ({"owner": ""}, {"owner": ("ana", "")}),
        ({"online": False}, {"online": ("yes", "no")}),
        (
            {"tags": {"team": "ads", "new": ""}},
            {"tag team": ("growth", "ads"), "tag gold": ("set", ""), "tag new": ("", "set")},
        ),
        (
            {"keys": [_column("user_id", "STRING")]},
            {"keys": ("user_id i64", "user_id str")},
        ),
        (
            {
                "source": SourceSpec(
                    kind="parquet", name="a.parquet", time="t", created="made", mapping={"c": "n"}
                )
            },
            {
                "source": ("dataset web.clicks", "parquet a.parquet"),
                "event time": ("at", "t"),
                "created time": ("", "made"),
            },
        ),
        (
            {"windows": [replace(OLD.windows[0], seconds=None, slide=300)]},
            {
                "window n": (
                    "sum of x over 1 h, every 1 h",
                    "sum of x over the whole past, every 5 min",
                )
            },
        ),
        (
            {"features": [replace(OLD.features[0], tags={"pii": ""}), OLD.features[1]]},
            {"tag of rate pii": ("", "set")},
        ),
        (
            {"labels": LabelSpec(policy="majority_vote", labeler="who")},
            {"label policy": ("", "majority vote"), "labeler": ("", "who")},
        ),
    ],
)
def test_each_part_of_a_definition_is_told(
    parts: dict[str, Any], expected: dict[str, tuple[str, str]]
) -> None:
    assert _changed(**parts) == expected


def test_secrets_of_a_source_are_not_told() -> None:
    source = replace(OLD.source, options={"password": "hunter2"})  # type: ignore[type-var]
    assert "hunter2" not in json.dumps(list(_changed(source=source).values()))


def test_the_lines_of_a_transformation_that_differ_are_told() -> None:
    code = "def f(rows):\n    return rows * 3\n"
    found = compare(OLD, replace(OLD, name="clicks@v2", code=code))
    assert found.code.splitlines()[:2] == ["--- clicks@v1", "+++ clicks@v2"]
    assert "-    return rows * 2\n+    return rows * 3" in found.code
    assert (found.same, found.changes) == (False, [])


def test_show_compares_on_the_command_line(
    applied_shop: Project,
    monkeypatch: pytest.MonkeyPatch,
    run_line: Callable[..., tuple[int, dict[str, Any]]],
) -> None:
    monkeypatch.chdir(applied_shop.root)
    code, found = run_line("features", "show", "clicks", "--compare", "spend")
    assert code == 0
    assert (found["added"], found["removed"]) == (["amount", "shop"], ["clicks_7d", "rate"])
    assert {"what": "tag team", "before": "growth", "after": ""} in found["changes"]
    assert ViewChange(**found["changes"][0]).what == "entities"
    assert run_line("features", "show", "clicks", "--compare", "nothing")[0] != 0
