"""Numbers as people read them. `formats.json` is held against `labextension/src/format.ts` as well:
both must write the same.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_mlinfra.core.display import datum, figure, mimebundle, plain
from jupyter_mlinfra.faces.words import size, span

CASES = json.loads((Path(__file__).parent / "formats.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("value", "text"), CASES["number"])
def test_a_number_is_written_as_the_panels_write_it(value, text):
    assert plain(value) == figure(value) == text


@pytest.mark.parametrize(("word", "text"), CASES["not finite"])
def test_what_is_not_finite_is_said_and_not_taken_for_missing(word, text):
    assert plain(float(word)) == text


@pytest.mark.parametrize(("value", "text"), CASES["datum"])
def test_a_value_of_a_column_has_no_separators_for_it_may_be_a_year(value, text):
    assert datum(value) == text


@pytest.mark.parametrize(("seconds", "panel", "text"), CASES["seconds"])
def test_a_span_that_rounds_to_a_whole_unit_is_written_in_it(seconds, panel, text):
    assert span(seconds) == text


@pytest.mark.parametrize(("count", "text"), CASES["bytes"])
def test_bytes_never_reach_a_thousand_of_their_unit(count, text):
    assert size(count).replace(".0 ", " ") == text  # a column of sizes keeps its one decimal


def test_rows_of_a_card_may_lack_what_others_have():
    rows = [{"dataset": "a"}, {"dataset": "b", "code": "etl.ipynb"}]
    found = mimebundle("monitor:m", "where it comes from", {}, rows=rows)
    assert [line.split() for line in found["text/plain"].splitlines()[1:]] == [
        ["dataset", "code"],
        ["a", "–"],
        ["b", "etl.ipynb"],
    ]
    assert "<td>a</td><td>–</td>" in found["text/html"]
