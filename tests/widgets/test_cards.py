"""How records show themselves: every one of them, escaped, in text and HTML, small enough to be saved."""

from __future__ import annotations

import json
import re
from importlib import import_module
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from jupyter_mlinfra.core.display import MIME
from jupyter_mlinfra.core.records import Number, Page
from jupyter_mlinfra.server.openapi import _records
from jupyter_mlinfra.widgets.cards import CARDS, card_of
from jupyter_mlinfra.widgets.reprs import LARGEST, RECORDS, Facts, Records, bundle, register
from jupyter_mlinfra.widgets.rows import ROWS, rows_of
from jupyter_mlinfra.widgets.words import number, plain, size, span
from tests.server.noted import made_up

SHOWN = sorted({*CARDS, *ROWS} - {"Page"})
HOSTILE = "<script>alert(1)</script>\u202e\n\x1b[31m"


def hostile(record: Any) -> Any:
    """The record with a script in every text."""
    for name in record.__dataclass_fields__:
        value = getattr(record, name)
        if isinstance(value, str) and type(value) is str:
            object.__setattr__(record, name, HOSTILE)
        elif isinstance(value, dict):
            object.__setattr__(record, name, {HOSTILE: HOSTILE})
        elif isinstance(value, Number):
            object.__setattr__(record, name, Number(value=HOSTILE))
        elif isinstance(value, list):
            for item in value:
                if hasattr(item, "__dataclass_fields__"):
                    hostile(item)
        elif hasattr(value, "__dataclass_fields__"):
            hostile(value)
    return record


@pytest.mark.parametrize("name", SHOWN)
def test_a_record_shows_itself_without_script(name: str) -> None:
    record = made_up(_records()[name])
    found = bundle(record)
    assert set(found) == {MIME, "text/html", "text/plain"}
    assert found["text/plain"].strip()
    assert "object at 0x" not in found["text/plain"]
    page = Page(items=[record], shown=1, total=7, cursor="1")
    assert "1 of 7" in bundle(page)["text/plain"]
    if name not in ("FeatureDrift", "Edge"):
        html = bundle(hostile(record))["text/html"]
        assert "<script" not in html.lower()
        assert set(re.findall(r"<(\w+)", html)) <= {"div", "b", "code", "table", "thead", "tbody", "tr", "th", "td"}


@pytest.mark.parametrize("name", ["FeatureDrift", "Edge"])
def test_these_too(name: str) -> None:
    record = made_up(_records()[name])
    object.__setattr__(record, "feature" if name == "FeatureDrift" else "input", HOSTILE)
    assert "<script" not in bundle(record)["text/html"].lower()


def test_every_record_that_is_shown_says_where_it_lives() -> None:
    named = {name for names in RECORDS.values() for name in names}
    assert named == {*CARDS, *ROWS}
    for module, names in RECORDS.items():
        for name in names:
            assert hasattr(import_module(f"jupyter_mlinfra.{module}"), name)


def test_a_shell_shows_records_pages_lists_and_facts_as_cards() -> None:
    InteractiveShell.clear_instance()
    shell = InteractiveShell()
    register(shell)
    job = made_up(_records()["Job"])
    for value in (job, Page(items=[job], shown=1, total=1), Records([job]), Facts({"jobs": 3})):
        data, _ = shell.display_formatter.format(value)
        assert MIME in data, value
        assert "<div>" in data["text/html"]
    data, _ = shell.display_formatter.format(Facts({"jobs": 3}))
    assert data["text/plain"].splitlines()[1] == "jobs 3"


def test_a_large_record_is_saved_without_its_body() -> None:
    comparison = made_up(_records()["Comparison"])
    object.__setattr__(comparison, "curves", [made_up(_records()["Curve"])] * 2000)
    found = bundle(comparison)
    assert found[MIME]["record"] is None
    assert len(json.dumps(found)) < LARGEST


def test_a_job_keeps_what_its_live_card_needs() -> None:
    found = bundle(made_up(_records()["Job"]))[MIME]
    assert (found["kind"], found["record"]["id"], found["record"]["state"]) == ("x", "x", "queued")


def test_runs_with_different_metrics_make_one_table() -> None:
    first, second = made_up(_records()["Run"]), made_up(_records()["Run"])
    object.__setattr__(first, "metrics", {"auc": 0.5})
    object.__setattr__(second, "metrics", {"loss": 1.25})
    rows = rows_of([first, second])
    assert [row["auc"] for row in rows] == ["0.5", "–"]
    assert [row["loss"] for row in rows] == ["–", "1.25"]


def test_an_empty_page_says_so_and_other_values_have_no_card() -> None:
    card = card_of(Page(items=[], shown=0, total=0))
    assert card is not None
    assert card.title == "Nothing found."
    assert card_of({"a": 1}) is None
    assert card_of([]) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Number(value=1234567), "1,234,567"),
        (Number(value=0.123456), "0.1235"),
        (Number(value=5, basis="approx"), "≈ 5"),
        (Number(value=5, basis="sample", n=10), "~ 5"),
        (Number(value=5, basis="est"), "5 est."),
        (Number(value=5, basis="n"), "n=5"),
        (Number(value=None), "–"),
        (Number(value=float("nan")), "–"),
        (None, "–"),
    ],
)
def test_a_number_shows_its_basis(value: Number | None, text: str) -> None:
    assert number(value) == text


def test_values_are_one_line() -> None:
    assert plain("a\n b\t c") == "a b c"
    assert plain(["a", 1, None]) == "a, 1, –"
    assert plain(True) == "yes"
    assert [span(value) for value in (0.25, 12.34, 245, 7800, 273_600, None)] == ["250 ms", "12.3 s", "4 min 05 s", "2 h 10 min", "3 d 4 h", "–"]
    assert [size(value) for value in (12, 3_400_000, None)] == ["12 B", "3.4 MB", "–"]
