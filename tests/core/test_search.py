"""One search box: words are text, names come first, the index may vanish."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlinfra.core.search import Document, SearchIndex

DOCUMENTS = [
    Document(ref="dataset:flights.departures", kind="dataset", name="flights.departures", text="dep_delay arr_delay carrier gold"),
    Document(ref="column:flights.departures.dep_delay", kind="column", name="dep_delay", text="flights.departures i64"),
    Document(ref="view:carrier_delays", kind="view", name="carrier_delays", text="late_share_6h mean_delay_6h"),
    Document(ref="job:7f3a", kind="job", name="train.ipynb", text="uses dep_delay"),
]


@pytest.fixture
def index(tmp_path: Path) -> SearchIndex:
    index = SearchIndex(tmp_path / "index.db")
    index.refresh("test", "1", lambda: DOCUMENTS)
    return index


def test_a_column_name_finds_objects_of_several_kinds_the_one_of_that_name_first(index: SearchIndex) -> None:
    found = index.search("dep_delay")
    assert found.items[0].ref == "column:flights.departures.dep_delay"
    assert {hit.kind for hit in found.items} == {"column", "dataset", "job"}
    assert (found.shown, found.total) == (3, 3)


def test_part_of_a_word_and_short_words_are_found(index: SearchIndex) -> None:
    assert "view:carrier_delays" in {hit.ref for hit in index.search("rier").items}
    assert "view:carrier_delays" in {hit.ref for hit in index.search("6h").items}


def test_every_word_must_be_there_and_kinds_narrow(index: SearchIndex) -> None:
    assert [hit.ref for hit in index.search("carrier gold").items] == ["dataset:flights.departures"]
    assert [hit.ref for hit in index.search("dep_delay", kinds=["job"]).items] == ["job:7f3a"]


@given(words=st.text(max_size=40))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_is_taken_for_query_syntax(index: SearchIndex, words: str) -> None:
    index.search(words)


def test_the_documents_are_asked_for_only_when_the_fingerprint_changed(index: SearchIndex) -> None:
    assert not index.refresh("test", "1", lambda: pytest.fail("asked again"))
    assert index.refresh("test", "2", lambda: DOCUMENTS[:1])
    assert index.search("train").total == 0


def test_a_damaged_index_is_built_again(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    path.write_bytes(b"nonsense" * 4096)
    index = SearchIndex(path)
    assert index.refresh("test", "1", lambda: DOCUMENTS)
    assert index.search("train").total == 1
