"""Inputs that are called as a column of labels."""

from __future__ import annotations

from jupyter_mlinfra.monitoring.labels.matching import set_apart


def test_an_input_named_as_a_column_of_labels_makes_way_and_takes_no_other_place() -> None:
    assert set_apart(["request_id", "label", "temp"]) == {"label": "input.label"}
    both = set_apart(["label", "input.label", "text"])
    assert both == {
        "label": "input.label",
        "input.label": "input.input.label",
        "text": "input.text",
    }
    assert set_apart(["input.label"]) == {}
