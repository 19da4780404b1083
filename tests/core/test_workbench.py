"""Verbs over all domains: one that is down hides no other in a search, keeps no other from its end,
and no long list is counted short.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace as Made
from typing import Any

import pytest

from jupyter_mlinfra.core.domains import domains as installed
from jupyter_mlinfra.core.errors import Unavailable, Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import Page, page_of
from jupyter_mlinfra.core.search import Document
from jupyter_mlinfra.workbench import Workbench

NAMES = [item.name for item in installed() if item.searched]


class Source:
    """A domain with one object; `down` lets it fail as a store does that nobody can reach."""

    def __init__(self, name: str) -> None:
        self.name, self.version, self.asked, self.down = name, 1, 0, False

    def search_fingerprint(self) -> str:
        self.asked += 1
        if self.down:
            raise Unavailable(f"The store of {self.name} does not answer.")
        return str(self.version)

    def search_documents(self) -> Iterator[Document]:
        yield Document(ref=f"job:{self.name}", kind="job", name=f"{self.name} planes{self.version}")


@pytest.fixture
def sources(project: Project) -> tuple[Workbench, dict[str, Source]]:
    bench = Workbench(project)
    sources = {domain: Source(domain) for domain in NAMES}
    bench.__dict__.update(sources)
    return bench, sources


def test_a_domain_that_is_down_is_searched_as_it_was_and_named(
    sources: tuple[Workbench, dict[str, Source]],
) -> None:
    bench, domains = sources
    assert (bench.search("planes1").total, bench.search("planes1").note) == (
        len(NAMES),
        "",
    )
    for source in domains.values():
        source.version = 2
    domains["experiments"].down = True
    page = bench.search("planes")
    assert page.total == len(NAMES)
    assert [hit.ref for hit in page.items if hit.name.endswith("planes1")] == ["job:experiments"]
    assert "experiments" in page.note
    assert "does not answer" in page.note


def test_the_names_of_many_objects_are_asked_at_once_of_each_domain_that_can_be_read(
    project: Project,
) -> None:
    bench = Workbench(project)
    asked = list[list[str]]()

    def names(ids: list[str]) -> dict[str, str]:
        asked.append(ids)
        return {id: f"step {id}" for id in ids if id != "gone"}

    def refuse(ids: list[str]) -> dict[str, str]:
        raise Unavailable("The store does not answer.")

    bench.__dict__.update(jobs=Made(names=names), experiments=Made(names=refuse))
    refs = ["job:a", "run:x", "dataset:n.t", "job:gone", "features.apply", "job:b", "job:a"]
    assert bench.names(refs) == {"job:a": "step a", "job:b": "step b"}
    assert asked == [["a", "gone", "b"]]
    assert bench.names(refs, ["experiments"]) == {}
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("file", "hidden"), [("catalog.db", {"catalog"}), ("mlflow.db", {"experiments", "models"})]
)
def test_the_status_counts_all_but_the_store_that_is_damaged_and_says_what_is_wrong_with_it(
    project: Project, file: str, hidden: set[str]
) -> None:
    (project.root / "a.csv").write_text("a\n1\n")
    (project.home / file).write_bytes(b"no database" * 100)
    found = Workbench(project).status()
    assert {name for name, counts in found.items() if "problem" in counts} == hidden
    assert all(file in str(found[name]["problem"]) for name in hidden)
    assert found["jobs"]["queued"] == 0
    assert set(Workbench(project).status(["jobs"])) == {"jobs"}


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"schemas": [{"schema-id": 0}], "location": 1}',
        b"[" * 100_000,
    ],
)
def test_a_table_with_damaged_metadata_is_a_row_beside_the_others(
    project: Project, damage: bytes
) -> None:
    (project.root / "a.csv").write_text("a\n1\n")
    bench = Workbench(project)
    for name in ("d.bad", "d.good"):
        bench.catalog.ingest([project.root / "a.csv"], into=name)
    newest = max((project.home / "warehouse" / "d" / "bad" / "metadata").glob("*.metadata.json"))
    newest.write_bytes(damage)
    bench = Workbench(project)
    bad, good = bench.catalog.list().items
    assert (bad.name, bad.rows.value, good.name, good.rows.value) == ("d.bad", None, "d.good", 1)
    assert "cannot be read" in bad.description
    assert bench.status()["catalog"] == {"datasets": 2}
    assert {hit.name for hit in bench.search("d.").items if hit.kind == "dataset"} == {
        "d.bad",
        "d.good",
    }
    with pytest.raises(Unprocessable, match=newest.name):
        bench.catalog.show("d.bad")


def test_a_domain_that_is_down_is_asked_again_after_a_while(
    sources: tuple[Workbench, dict[str, Source]], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, domains = sources
    clock = [1000.0]
    monkeypatch.setattr("jupyter_mlinfra.workbench.time.monotonic", lambda: clock[0])
    domains["jobs"].down = True
    first = bench.search("planes")
    domains["jobs"].down = False
    assert bench.search("planes").note == first.note
    assert domains["jobs"].asked == 1  # the wait for a store that is down is not paid at every key
    clock[0] += 31
    assert bench.search("planes").note == ""
    assert bench.search("planes").total == len(NAMES)


class Lasting:
    """A domain to be stopped; on a full disk it can be, but not in order."""

    def __init__(self, name: str, *, full: bool) -> None:
        self.name, self.full, self.stopped = name, full, False

    def stop(self, **_: object) -> list[Made]:
        self.stopped = True
        if self.full:
            raise Unavailable(
                f"{self.name} cannot note its end.", "The disk is full.", "Free some space."
            )
        return [Made(name=self.name)]

    down = stop


@pytest.mark.parametrize(
    "full", [("pipelines",), ("deployments",), ("jobs",), ("pipelines", "deployments", "jobs")]
)
def test_down_stops_every_domain_whichever_fails_and_tells_of_each_failure(
    project: Project, full: tuple[str, ...]
) -> None:
    bench = Workbench(project)
    domains = {
        name: Lasting(name, full=name in full) for name in ("pipelines", "deployments", "jobs")
    }
    bench.__dict__.update(domains)
    with pytest.raises(Unavailable) as caught:
        bench.down()
    assert all(domain.stopped for domain in domains.values())
    assert all(f"{name} cannot note its end." in str(caught.value) for name in full)
    assert caught.value.fix == "Free some space."
    for domain in domains.values():
        domain.full = False
    assert bench.down() == {"supervisor": None, "deployments": ["deployments"]}


def test_down_of_a_read_only_project_says_so_and_what_still_runs(
    project: Project, small_disk: Callable[[int], Any]
) -> None:
    small_disk(4).lock()
    bench = Workbench(project)
    bench.__dict__["deployments"] = Made(
        down=list,
        list=partial(page_of, [Made(name="churn", state="healthy"), Made(name="x", state="down")]),
    )
    with pytest.raises(Unavailable) as caught:
        bench.down()
    assert caught.value.what == "The project was not stopped."
    assert f"{project.home} cannot be written. Running: deployment churn." in caught.value.why
    assert caught.value.fix.endswith("then: mlinfra down")


def test_what_does_not_fit_on_a_page_is_counted_all_the_same(project: Project) -> None:
    def many(count: int, **facts: Any) -> Callable[..., Page[Any]]:
        return partial(page_of, [Made(**facts)] * count)

    bench = Workbench(project)
    bench.__dict__.update(
        catalog=Made(list=lambda limit, domains: page_of([Made()] * 502, limit=limit)),
        features=Made(views=many(503), list=many(504)),
        pipelines=Made(list=many(505), count_runs=lambda: 506),
        experiments=Made(experiments=many(507, runs=2), models=many(508, versions=3)),
        deployments=Made(list=many(1509, state="healthy"), gateway=lambda: None),
        monitoring=Made(
            list=many(510), alerts=lambda firing, limit: page_of([Made()] * 511, limit=limit)
        ),
    )
    found = bench.status()
    assert {domain: found[domain] for domain in found if domain != "jobs"} == {
        "catalog": {"datasets": 502},
        "features": {"views": 503, "features": 504},
        "pipelines": {"pipelines": 505, "runs": 506},
        "experiments": {"experiments": 507, "runs": 1014},
        "models": {"models": 508, "versions": 1524},
        "deployments": {"deployments": 1509, "live": 1509},
        "monitoring": {"monitors": 510, "firing": 511},
    }
