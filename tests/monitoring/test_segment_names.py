"""Names of segments of numbers: each value has its own, also beside those of earlier versions."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.monitoring.hours.recording import Plan
from jupyter_mlinfra.monitoring.hours.segments import recorded_names, segments_of
from jupyter_mlinfra.monitoring.hours.series import SeriesStore
from jupyter_mlinfra.monitoring.labels import joining
from jupyter_mlinfra.monitoring.measures import drift

STORES = [10_000_001.0, 10_000_002.0, 20_000_003.0, 7.0]


def known(stores: list[float]) -> Any:
    """A reference with these stores."""
    return SimpleNamespace(columns=[drift.reference(pl.Series("store", stores * 5))])


def plan(reference: Any, *segments: str) -> Plan:
    return Plan(
        deployment="shops",
        segments=segments,
        answers="values",
        reference=lambda _: reference,
        digest=lambda _: "a",
    )


@pytest.mark.parametrize("with_reference", [True, False], ids=["reference", "none"])
def test_each_number_is_a_segment_of_its_own(with_reference: bool) -> None:
    rows = pl.DataFrame({"store": STORES * 3 + [STORES[0]] * 2})
    reference = known(STORES) if with_reference else None
    found = {name: part.height for name, part in segments_of(rows, ["store"], reference)}
    expected = {"store=10000001": 5, "store=10000002": 3, "store=20000003": 3, "store=7": 3}
    assert found == {"": 14, **expected}


def test_a_name_of_an_earlier_version_is_found_where_one_value_alone_had_it() -> None:
    reference = known(STORES)
    assert recorded_names("store=20000003", reference) == ["store=20000003", "store=2e+07"]
    assert recorded_names("store=10000001", reference) == ["store=10000001"]
    assert recorded_names("store=7", reference) == ["store=7"]
    assert recorded_names("store=20000003", None) == ["store=20000003"]


def test_labels_that_were_kept_under_a_name_of_an_earlier_version_are_found(
    project: Project,
) -> None:
    store = SeriesStore(project)
    rows = pl.DataFrame(
        {
            "ts": [1.0, 2.0, 3.0],
            "request_id": ["a", "b", "c"],
            "row": 0,
            "version": "v1",
            "label": [1.0, 2.0, 3.0],
            "segments": [["store=2e+07"], ["store=20000003"], ["store=1e+07"]],
        }
    )
    store.write("shops", "labels", 0, rows)
    for name, expected in {"store=20000003": [1.0, 2.0], "store=10000001": []}.items():
        found = joining.kept_rows(
            store,
            "shops",
            version="v1",
            segment=name,
            start=0,
            end=10,
            plan=plan(known(STORES), "store"),
        )
        assert found["label"].to_list() == expected


def test_hours_whose_segments_had_other_names_are_recorded_again_and_no_others() -> None:
    short, long = known([1.0, 2.5, 999_999.0]), known(STORES)
    before = '{"v1": "a", ".": ["store", "values"]}'
    assert plan(short, "store").basis(["v1"]) == before
    assert plan(None, "store").basis(["v1"]) == before
    assert plan(long, "store").basis(["v1"]) != before
    assert plan(long).basis(["v1"]) == '{"v1": "a", ".": ["values"]}'
