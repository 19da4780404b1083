"""One search box: words are text, names come first, the index may vanish."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from searches import examples

from jupyter_mlinfra.core.errors import BadRequest, Unavailable
from jupyter_mlinfra.core.search import Document, Part, SearchIndex, chosen, writing
from jupyter_mlinfra.core.search import index as search

DOCUMENTS = [
    Document(
        ref="dataset:flights.departures",
        kind="dataset",
        name="flights.departures",
        text="dep_delay arr_delay carrier gold",
    ),
    Document(
        ref="column:flights.departures.dep_delay",
        kind="column",
        name="dep_delay",
        text="flights.departures i64",
    ),
    Document(
        ref="view:carrier_delays",
        kind="view",
        name="carrier_delays",
        text="late_share_6h mean_delay_6h",
    ),
    Document(ref="job:7f3a", kind="job", name="train.ipynb", text="uses dep_delay"),
]


@pytest.fixture
def index(tmp_path: Path) -> SearchIndex:
    index = SearchIndex(tmp_path / "index.db")
    index.refresh("test", "1", lambda: DOCUMENTS)
    return index


def test_a_column_name_finds_objects_of_several_kinds_the_one_of_that_name_first(
    index: SearchIndex,
) -> None:
    found = index.search("dep_delay")
    assert found.items[0].ref == "column:flights.departures.dep_delay"
    assert {hit.kind for hit in found.items} == {"column", "dataset", "job"}
    assert (found.shown, found.total) == (3, 3)


def test_part_of_a_word_and_short_words_are_found(index: SearchIndex) -> None:
    assert "view:carrier_delays" in {hit.ref for hit in index.search("rier").items}
    assert "view:carrier_delays" in {hit.ref for hit in index.search("6h").items}


def test_short_words_are_found_in_any_case_of_any_script(index: SearchIndex) -> None:
    index.refresh(
        "other",
        "1",
        lambda: [Document(ref="dataset:a.b", kind="dataset", name="Été", text="ГОД 東京 größe")],
    )
    for word in ("ét", "Ét", "ÉT", "té", "го", "ГО", "Го", "東", "öß", "Öß"):
        assert [hit.ref for hit in index.search(word).items] == ["dataset:a.b"], word
    assert index.search("го ét").total == 1
    assert index.search("го èt").total == 0


@pytest.mark.parametrize("word", ["{}", "word{}", "é{}"])
def test_more_words_than_a_search_can_have_are_refused_and_repeated_ones_are_one(
    index: SearchIndex, word: str
) -> None:
    with pytest.raises(BadRequest, match="1,001 words"):
        index.search(" ".join(word.format(number) for number in range(1001)))
    assert index.search("6h " * 2000).total == 1


def test_every_word_must_be_there_and_kinds_narrow(index: SearchIndex) -> None:
    assert [hit.ref for hit in index.search("carrier gold").items] == ["dataset:flights.departures"]
    assert [hit.ref for hit in index.search("dep_delay", kinds=["job"]).items] == ["job:7f3a"]


@given(words=st.text(max_size=40))
@settings(
    max_examples=examples(80),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
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


def test_an_index_that_is_damaged_while_it_is_used_is_built_again(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    SearchIndex(path).refresh("test", "1", lambda: DOCUMENTS)
    index = SearchIndex(path)
    assert index.search("train").total == 1
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:  # all pages but the first, which the connection has read
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 7")  # the connection drops what it keeps of the pages
    with pytest.raises(Unavailable, match="malformed"):
        index.search("train")
    assert index.refresh("test", "1", lambda: DOCUMENTS)
    assert index.search("train").total == 1


def test_an_index_without_room_asks_for_space(small_disk: Callable[[int], Any]) -> None:
    disk = small_disk(2)
    disk.fill()
    index = SearchIndex(disk.path / "index.db")
    with pytest.raises(Unavailable) as caught:
        index.search("train")
    assert "Free some space" in caught.value.fix
    disk.free()
    assert index.refresh("test", "1", lambda: DOCUMENTS)
    assert index.search("train").total == 1


@pytest.mark.parametrize("used", [False, True], ids=["empty", "used before"])
def test_on_a_read_only_disk_the_index_is_in_memory(
    used: bool, small_disk: Callable[[int], Any]
) -> None:
    disk = small_disk(2)
    if used:
        first = SearchIndex(disk.path / "index.db")
        first.refresh("test", "1", lambda: DOCUMENTS[:1])
        first._forget(remove=False)  # no file may be open
    disk.lock()
    index = SearchIndex(disk.path / "index.db")
    assert index.refresh("test", "1", lambda: DOCUMENTS)
    assert not index.refresh("test", "1", lambda: DOCUMENTS)
    assert index.search("train").total == 1


def test_a_busy_index_is_said_to_be_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "BUSY_SECONDS", 0.05)
    path = tmp_path / "index.db"
    SearchIndex(path).refresh("test", "1", lambda: DOCUMENTS)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    index = SearchIndex(path)
    with pytest.raises(Unavailable, match="locked"):
        index.refresh("test", "2", lambda: DOCUMENTS[:1])
    other.execute("ROLLBACK")
    other.close()
    assert index.search("train").total == 1
    fresh = SearchIndex(path)
    assert fresh.refresh("test", "2", lambda: DOCUMENTS[:1])
    assert fresh.search("train").total == 0


def test_a_busy_index_is_waited_for_once_and_not_for_each_domain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, clock, waits = SearchIndex(tmp_path / "index.db"), [1000.0], list[str]()

    def documents(domain: str) -> list[Document]:
        waits.append(domain)
        return DOCUMENTS

    index.refresh("jobs", "1", lambda: DOCUMENTS)
    monkeypatch.setattr(search.time, "monotonic", lambda: clock[0])
    other = sqlite3.connect(tmp_path / "index.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr(search, "BUSY_SECONDS", 0.05)
    index._forget(remove=False)  # the next connection waits for so long
    for domain in ("jobs", "catalog", "features"):
        with pytest.raises(Unavailable):
            index.refresh(domain, "2", partial(documents, domain))
    assert waits == ["jobs"]
    assert index.search("train").total == 1
    other.close()
    clock[0] += 1
    assert index.refresh("catalog", "2", lambda: DOCUMENTS)


def test_a_refresh_that_fails_changes_nothing_and_hinders_no_other(
    index: SearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_row", lambda item: (item.name, object()))
    with pytest.raises(Unavailable):
        index.refresh("test", "2", lambda: DOCUMENTS[:1])
    monkeypatch.undo()
    assert index.search("train").total == 1
    assert index.refresh("other", "1", lambda: [Document(ref="job:x", kind="job", name="second")])
    assert index.refresh("test", "2", lambda: DOCUMENTS[:1])
    assert (index.search("train").total, index.search("second").total) == (0, 1)


def test_a_domain_that_breaks_off_its_list_keeps_the_one_before(index: SearchIndex) -> None:
    def broken() -> Iterator[Document]:
        yield DOCUMENTS[0]
        raise Unavailable("The store does not answer.")

    with pytest.raises(Unavailable, match="does not answer"):
        index.refresh("test", "2", broken)
    assert index.search("train").total == 1


def test_a_name_that_is_no_text_is_found_by_the_rest_of_it(index: SearchIndex) -> None:
    assert index.refresh(
        "other", "1", lambda: [Document(ref="job:x", kind="job", name="nightly\udc80")]
    )
    assert index.search("nightly").total == 1
    assert index.search("nothing\udc80").total == 0
    assert index.refresh("other", "2", lambda: [Document(ref="job:x", kind="job", name="weekly")])


def test_every_hit_can_be_reached_by_the_cursor(index: SearchIndex) -> None:
    index.refresh(
        "many",
        "1",
        lambda: [Document(ref=f"job:{number}", kind="job", name="same") for number in range(53)],
    )
    for words in ("same", "sa"):  # ordered by rank, and by length
        seen: list[str] = []
        page = index.search(words, limit=20)
        while page.cursor:
            seen += [hit.ref for hit in page.items]
            page = index.search(words, limit=20, cursor=page.cursor)
        seen += [hit.ref for hit in page.items]
        assert page.total == 53
        assert sorted(seen) == sorted(f"job:{number}" for number in range(53))
    for bad in ({"cursor": "-5"}, {"limit": 0}, {"limit": 501}):
        with pytest.raises(BadRequest):
            index.search("same", **bad)  # type: ignore[arg-type]


def test_an_index_of_an_earlier_version_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    with sqlite3.connect(path) as old:
        old.execute("CREATE TABLE source (domain TEXT PRIMARY KEY, fingerprint TEXT NOT NULL)")
        old.execute("INSERT INTO source VALUES ('test', '1')")
        old.execute(
            "CREATE VIRTUAL TABLE document USING fts5(name, text, ref, kind, domain, detail,"
            " tokenize = 'trigram')"
        )
    old.close()
    index = SearchIndex(path)
    assert index.refresh(
        "test",
        "1",
        lambda: [Document(ref="job:1", kind="job", name="sweep", code="ml.job('1').table()")],
    )
    assert [(hit.ref, hit.code) for hit in index.search("sweep").items] == [
        ("job:1", "ml.job('1').table()")
    ]
    assert not SearchIndex(path).refresh("test", "1", list)


class Shelves:
    """A domain in parts, which notes those that it is asked for."""

    def __init__(self, parts: dict[str, list[Document]]) -> None:
        self.parts, self.marks, self.asked = parts, dict.fromkeys(parts, "1"), list[str]()
        self.doubtful = set[str]()

    def search_fingerprint(self) -> str:
        return repr(self.marks)

    def search_parts(self) -> Mapping[str, str]:
        return self.marks

    def search_documents_of(self, parts: Sequence[str]) -> Iterator[Part]:
        self.asked += parts
        for name in parts:
            if name in self.parts:
                yield Part(name=name, documents=self.parts[name], doubtful=name in self.doubtful)


def book(name: str, **facets: list[str]) -> Document:
    return Document(ref=f"job:{name}", kind="job", name=name, facets=facets)


def test_only_parts_that_changed_are_asked_for_again(tmp_path: Path) -> None:
    index = SearchIndex(tmp_path / "index.db")
    shelves = Shelves({"a": [book("alpha"), book("atlas")], "b": [book("beta")], "c": []})
    assert index.follow("test", shelves)
    assert shelves.asked == ["a", "b", "c"]
    assert not index.follow("test", shelves)
    shelves.asked.clear()
    shelves.parts["a"], shelves.marks["a"] = [book("atlas"), book("aster")], "2"
    del shelves.parts["b"], shelves.marks["b"]
    shelves.parts["d"], shelves.marks["d"] = [book("delta")], "1"
    assert index.follow("test", shelves)
    assert sorted(shelves.asked) == ["a", "d"]
    totals = {
        word: index.search(word).total for word in ("alpha", "atlas", "aster", "beta", "delta")
    }
    assert totals == {"alpha": 0, "atlas": 1, "aster": 1, "beta": 0, "delta": 1}


def test_many_parts_that_cannot_all_be_read_keep_those_that_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_BATCH", 2)
    index = SearchIndex(tmp_path / "index.db")
    shelves = Shelves({name: [book(f"book{name}")] for name in "abcd"})
    real = shelves.search_documents_of

    def broken(parts: Sequence[str]) -> Iterator[Part]:
        if "c" in parts:
            raise Unavailable("The store does not answer.")
        return real(parts)

    monkeypatch.setattr(shelves, "search_documents_of", broken)
    with pytest.raises(Unavailable, match="does not answer"):
        index.follow("test", shelves)
    assert index.search("book").total == 2
    monkeypatch.undo()
    shelves.asked.clear()
    assert index.follow("test", shelves)
    assert shelves.asked == ["c", "d"]
    assert index.search("book").total == 4


def test_a_doubtful_part_is_asked_for_again_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1_000_000.0]
    monkeypatch.setattr(search.time, "time", lambda: clock[0])
    index = SearchIndex(tmp_path / "index.db")
    shelves = Shelves({"a": [book("alpha")], "b": [book("beta")]})
    shelves.doubtful = {"b"}
    assert index.follow("test", shelves)
    assert not index.follow("test", shelves)
    shelves.asked.clear()
    shelves.doubtful = set()
    for moment in (clock[0] + search.DOUBTFUL_SECONDS, clock[0] - 5000):
        clock[0] = moment
        index.follow("test", shelves)
    assert shelves.asked == ["b"]
    assert not index.follow("test", shelves)


def test_facets_narrow_count_and_need_no_words(tmp_path: Path) -> None:
    index = SearchIndex(tmp_path / "index.db")
    documents = [
        book("one", owner=["ana"], tag=["gold", "raw"]),
        book("two", owner=["ana"], tag=["gold"]),
        book("three", owner=["bob", ""], tag=[]),
        book("o'three", owner=['";--'], tag=["gold"]),
    ]
    index.refresh("test", "1", lambda: documents)

    def names(words: str, **facets: list[str]) -> set[str]:
        return {hit.name for hit in index.search(words, facets=chosen(**facets)).items}

    assert names("three", tag=["gold"]) == {"o'three"}
    assert names("", owner=["ana", "bob"]) == {"one", "two", "three"}
    assert names("", tag=["gold", "raw"]) == {"one"}
    assert names("", owner=['";--']) == {"o'three"}
    assert names("", owner=["nobody"]) == names("") == set()
    page = index.search("", facets=chosen(tag=["gold"]))
    assert page.facets == {"owner": {"ana": 2, '";--': 1}, "tag": {"gold": 3, "raw": 1}}
    assert index.search("t", kinds=["dataset"], facets=chosen(tag=["gold"])).total == 0
