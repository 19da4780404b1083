"""References: every name has one, and it leads back to that name. `references.json` is held against
`labextension/src/refs.ts` as well.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.core.refs import Ref, decoded, named, reference

CASES = json.loads((Path(__file__).parent / "references.json").read_text(encoding="utf-8"))
NAMES = st.text(min_size=1, max_size=30) | st.text(
    "a1_-./:@%, \t\n\"'#?&+", min_size=1, max_size=12
)
DATASETS = st.from_regex(r"[a-z_]{1,5}(\.[a-z0-9-]{1,5}){1,3}", fullmatch=True)
OBJECTS = (
    st.tuples(
        st.sampled_from(
            [
                "dataset",
                "view",
                "job",
                "pipeline",
                "schedule",
                "experiment",
                "run",
                "model",
                "deployment",
                "monitor",
            ]
        ),
        st.tuples(NAMES),
    )
    | st.tuples(st.sampled_from(["feature", "version", "step", "alert"]), st.tuples(NAMES, NAMES))
    | st.tuples(st.just("column"), st.tuples(DATASETS, NAMES))
)


@pytest.mark.parametrize(("text", "kind", "parts", "at"), CASES)
def test_a_reference_reads_back_as_it_was_written(text, kind, parts, at):
    assert Ref.parse(text) == Ref(kind, tuple(parts), at)
    assert reference(kind, *parts, at=at) == text


@given(OBJECTS, st.none() | NAMES)
def test_any_name_has_a_reference_that_leads_back_to_it(item, at):
    kind, parts = item
    text = reference(kind, *parts, at=at)
    assert text.isascii()
    assert not set(text) & set(" \t\n\"'#?&+,") - {"'"}
    assert Ref.parse(text) == Ref(kind, parts, at)


@given(
    st.from_regex(r"[A-Za-z0-9_.~-]{1,20}", fullmatch=True),
    st.sampled_from(["dataset", "model", "experiment", "pipeline", "view"]),
)
def test_an_ordinary_name_stands_in_its_reference_as_it_is(name, kind):
    assert reference(kind, name) == f"{kind}:{name}"


@pytest.mark.parametrize(
    "text", ["orders", "table:orders", "dataset:", "dataset:a b", "dataset:a@", ""]
)
def test_what_is_no_reference_is_refused_with_the_kinds(text: str) -> None:
    with pytest.raises(BadRequest, match="dataset"):
        Ref.parse(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("column:data.class.größe", "data.class.größe"),
        ("experiment:50%", "50%"),
        ("experiment:%zz%FFa", "%zz%FFa"),
        ("experiment:a+b=c", "a+b=c"),
    ],
)
def test_a_name_that_was_typed_without_encoding_is_understood(text, name):
    assert Ref.parse(text).name == name


def test_a_file_name_that_is_no_utf8_survives():
    name = b"bad\xff".decode(errors="surrogateescape")
    assert Ref.parse(reference("pipeline", name)).name == name


def test_a_plain_name_is_no_encoded_one():
    assert named("50%25", "experiment") == "50%25"
    assert named("experiment:50%25", "experiment") == "50%"
    assert named("model:x", "experiment") == "model:x"
    assert decoded("a%20b") == "a b"
