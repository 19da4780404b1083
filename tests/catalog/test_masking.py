"""Columns with personal data: no face shows a value without the right to, no file below `.mlinfra`
but the data itself holds one, and who saw one is written down.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.catalog.access.masking import hide, refuse
from jupyter_mlinfra.catalog.looking.kept import Kept
from jupyter_mlinfra.catalog.quality.kept import RuleStore
from jupyter_mlinfra.core.errors import Forbidden, Unavailable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import MASK, to_json
from jupyter_mlinfra.core.viewer import Viewer

CANARY, NUMBER = "canary-7f3a", 918273645
DATA = ("warehouse", "quarantine")
"""Folders that hold the rows themselves."""


@pytest.fixture
def people(catalog: Catalog) -> Catalog:
    """`hr.people` with a canary in each of two columns, read once before they are tagged."""
    rows = pl.DataFrame(
        {
            "id": [1, 2, 3, 4],
            "email": [f"{CANARY}@a.example", f"{CANARY}@b.example", f"{CANARY}@a.example", None],
            "salary": [NUMBER, NUMBER, NUMBER, 5],
            "team": ["red", "red", "blue", "blue"],
        }
    )
    catalog.write(rows, into="hr.people")
    for tier in ("footer", "sample", "exact"):
        catalog.profile("hr.people", tier=tier)  # type: ignore[arg-type]
    catalog.tag("column:hr.people.email", add=["pii"])
    catalog.tag("column:hr.people.salary", add=["PII"])
    return catalog


def leaks(found: Any) -> bool:
    """Whether an answer holds a canary."""
    text = json.dumps(to_json(found)) if not isinstance(found, str) else found
    return CANARY in text or str(NUMBER) in text


def files_with_canary(home: Path) -> list[str]:
    """The files of a project beside its data that hold a canary, also in compressed columns."""
    found = []
    for path in home.rglob("*"):
        if not path.is_file() or path.relative_to(home).parts[0] in DATA:
            continue
        content = path.read_bytes()
        if path.suffix == ".arrow":
            content += str(pl.read_ipc(content).to_dicts()).encode()
        elif path.suffix == ".parquet":
            content += str(pl.read_parquet(content).to_dicts()).encode()
        if CANARY.encode() in content or str(NUMBER).encode() in content:
            found.append(str(path.relative_to(home)))
    return found


def test_previews_and_profiles_hold_no_value_and_no_file_keeps_one(
    people: Catalog, project: Project
) -> None:
    assert files_with_canary(project.home) == []
    block = people.preview("hr.people")
    assert not leaks(block)
    assert block.masked == ["email", "salary"]
    assert [set(values) for values in block.data[1:3]] == [{MASK}, {MASK}]
    assert block.data[3] == ["red", "red", "blue", "blue"]
    for tier in ("footer", "sample", "exact", "sample"):
        profile = people.profile("hr.people", tier=tier)  # type: ignore[arg-type]
        assert not leaks(profile), tier
    email, team = profile.columns["email"], profile.columns["team"]
    assert (email.nulls, email.distinct, email.min, list(email.top)) == (1, 2, MASK, [])
    assert (team.min, team.distinct) == ("blue", 2)
    assert not leaks(people.dataset("hr.people")._repr_mimebundle_())
    assert files_with_canary(project.home) == []


def test_sketches_of_masked_columns_are_merged_and_extended(
    people: Catalog, project: Project
) -> None:
    more = pl.DataFrame(
        {
            "id": range(9000),
            "email": [f"{CANARY}{n}" for n in range(9000)],
            "salary": [NUMBER] * 9000,
        }
    ).with_columns(team=pl.lit("green"))
    people.profile("hr.people", tier="exact")
    people.write(more, into="hr.people")
    found = people.profile("hr.people", tier="exact")
    assert found.files_read == 1
    assert found.rows == 9004
    assert found.columns["email"].distinct == pytest.approx(9002, rel=0.05)
    assert found.columns["salary"].distinct == 2
    assert found.columns["salary"].mean is None
    assert not leaks(found)
    assert files_with_canary(project.home) == []


def test_who_reveals_sees_the_values_and_is_written_down_first(
    people: Catalog, project: Project
) -> None:
    assert people.audit().total == 0
    ana = Viewer("rest", "ana")
    assert people.preview("hr.people", columns=["id", "email"], reveal=ana).data[1][0] == (
        f"{CANARY}@a.example"
    )
    profile = people.profile("hr.people", tier="exact", reveal=True)
    assert profile.columns["salary"].max == NUMBER
    assert profile.columns["email"].top[0] == (f"{CANARY}@a.example", 2)
    people.preview("hr.people", columns=["id", "team"], reveal=ana)
    entries = people.audit("hr.people").items
    assert [(item.user, item.face, item.verb, item.columns) for item in entries] == [
        (project.user, "python", "profile", ["email", "salary"]),
        ("ana", "rest", "preview", ["email"]),
    ]
    assert not leaks(entries)
    assert files_with_canary(project.home) == []  # what was revealed is kept nowhere
    assert not leaks(people.profile("hr.people", tier="exact"))


def test_nothing_is_shown_that_cannot_be_written_down(
    people: Catalog, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Any) -> Any:
        raise Unavailable("The disk is full.")

    monkeypatch.setattr(type(project.database), "write", full)
    with pytest.raises(Unavailable, match="disk is full"):
        people.preview("hr.people", reveal=True)


def test_a_project_may_show_them_to_nobody(people: Catalog, project: Project) -> None:
    (project.root / "mlinfra.toml").write_text(
        (project.root / "mlinfra.toml").read_text() + '\n[catalog]\nreveal = "never"\n'
    )
    catalog = Catalog(Project(project.root))
    for ask in (catalog.preview, catalog.profile):
        with pytest.raises(Forbidden, match="Masked values are not shown"):
            ask("hr.people", reveal=True)
    assert catalog.audit().total == 0
    assert catalog.preview("hr.people").masked == ["email", "salary"]


def test_the_tag_follows_the_column_and_older_snapshots_are_masked_too(people: Catalog) -> None:
    first = people.snapshots("hr.people").items[0].id
    table = people._store.load(people.named("hr.people"))
    with table.update_schema() as update:
        update.rename_column("email", "contact")
    assert people.preview("hr.people").masked == ["contact", "salary"]
    assert people.preview("hr.people", snapshot=first).masked == ["email", "salary"]
    # a wider type is a new column for Iceberg
    people.write(
        pl.DataFrame({"id": [9], "contact": ["x"], "salary": [1.5], "team": ["red"]}),
        into="hr.people",
        mode="replace",
    )
    assert people.show("hr.people").schema[2].type == "f64"
    assert people.preview("hr.people").masked == ["contact", "salary"]
    people.tag("column:hr.people.salary", remove=["PII"])
    assert people.preview("hr.people").data[2] == [1.5]
    assert people.preview("hr.people", snapshot=first).masked == ["email", "salary"]


def test_a_column_that_is_gone_stays_masked_where_its_values_are_kept(people: Catalog) -> None:
    """As in online stores and in what models were given."""
    columns, viewer = ["id", "email", "salary"], Viewer("cli")
    people.write(pl.DataFrame({"id": [1], "email": ["x"]}), into="hr.people", mode="replace")
    again = pl.DataFrame({"id": [1], "email": ["x"], "salary": [7]})
    people.write(again, into="hr.people", mode="replace")
    assert people.preview("hr.people").masked == ["email"]  # another column of the same name
    assert people.personal("hr.people") == {"email", "salary"}
    assert {*people.hidden("hr.people", columns, False, verb="x")} == {"email", "salary"}
    people.tag("column:hr.people.salary", add=["pii"])
    people.tag("column:hr.people.salary", remove=["pii"])
    assert people.personal("hr.people") == {"email"}
    people.delete("hr.people")
    assert {*people.hidden("hr.people", columns, False, verb="x")} == {"email"}
    assert not people.hidden("hr.people", columns, viewer, verb="x")
    entry = people.audit("hr.people").items[0]
    assert (entry.verb, entry.columns) == ("x", ["email"])


def test_the_tag_is_not_taken_off_where_nobody_sees_the_values(
    people: Catalog, project: Project
) -> None:
    people.tag("column:hr.people.salary", remove=["PII"])
    entry = people.audit().items[0]
    assert (entry.verb, entry.columns, entry.face) == ("untag", ["salary"], "python")
    config = project.root / "mlinfra.toml"
    config.write_text(config.read_text() + '\n[catalog]\nreveal = "never"\n')
    strict = Catalog(Project(project.root))
    for attempt in (
        lambda: strict.tag("column:hr.people.email", remove=["pii"]),
        lambda: strict.describe("column:hr.people.email", tags=[]),
    ):
        with pytest.raises(Forbidden, match=r"pii was not taken off.*never"):
            attempt()
    assert strict.preview("hr.people").masked == ["email"]
    assert strict.audit().total == 1


def test_rows_in_quarantine_of_such_a_dataset_are_masked(
    people: Catalog, file: Callable[[str, str], Path], project: Project
) -> None:
    report = people.ingest(
        [file("new.csv", f"id,email,salary,team\n7,{CANARY},{CANARY}-no-number,red\n8,a,1,red\n")],
        into="hr.people",
        max_bad=1.0,
    )
    assert report.quarantined == 1
    assert not leaks(report)
    block = people.preview("quarantine.hr__people")
    assert block.masked == ["reason", "text"]
    assert not leaks(block)
    assert CANARY in people.preview("quarantine.hr__people", reveal=True).data[5][0]
    assert people.audit().items[0].dataset == "quarantine.hr__people"
    # Out of there into a file is a look at them too.
    people.export_quarantine("hr.people", project.root / "bad.csv")
    (project.root / "bad.csv").unlink()
    assert people.audit().items[0].verb == "mend"
    config = project.root / "mlinfra.toml"
    plain = config.read_text()
    config.write_text(plain + '\n[catalog]\nreveal = "never"\n')
    with pytest.raises(Forbidden, match="never"):
        Catalog(Project(project.root)).export_quarantine("hr.people", project.root / "bad.csv")
    config.write_text(plain)
    assert not (project.root / "bad.csv").exists()
    # They stay masked without the dataset, and with another one of its name.
    people.delete("hr.people")
    assert people.preview("quarantine.hr__people").masked == ["reason", "text"]
    people.write(pl.DataFrame({"id": [1]}), into="hr.people")
    assert people.preview("quarantine.hr__people").masked == ["reason", "text"]
    assert files_with_canary(project.home) == []


def test_frames_are_masked_and_questions_about_masked_columns_refused() -> None:
    frame = pl.DataFrame({"a": [1, None], "^b$": ["x", None]})
    assert hide(frame, {"^b$", "gone"}).rows() == [(1, MASK), (None, MASK)]
    refuse(["a"], {"b"})
    with pytest.raises(Forbidden, match="'b' is masked"):
        refuse(["a", "b"], {"b"})


def test_rows_that_rules_have_kept_go_when_a_column_is_tagged(
    catalog: Catalog, project: Project
) -> None:
    catalog.write(pl.DataFrame({"mail": ["canary-11b2"]}), into="hr.kept")
    catalog.rule("hr.kept", "mail matches ^x", severity="warn")
    catalog.quality("hr.kept")

    def kept() -> list[str]:
        with project.database.read() as connection:
            return [row[0] for row in connection.execute("SELECT sample FROM catalog_result")]

    assert "canary-11b2" in kept()[0]
    catalog.tag("column:hr.kept.mail", add=["pii"])
    assert kept() == ['{"sample": [], "error": ""}']
    assert catalog.results("hr.kept").items[0].failed_rows == 1


def test_a_tag_is_there_whatever_cannot_be_forgotten(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object) -> None:
        raise Unavailable("state.db is locked.")

    catalog.write(pl.DataFrame({"email": [CANARY]}), into="hr.new")
    monkeypatch.setattr(RuleStore, "forget_samples", locked)
    monkeypatch.setattr("jupyter_mlinfra.catalog.verbs.labels.forget", locked)
    assert "untag" not in catalog.tag("column:hr.new.email", add=["pii"]).name
    assert catalog.preview("hr.new").masked == ["email"]


def test_rows_in_quarantine_of_the_commit_that_tags_stay_masked(people: Catalog) -> None:
    people.rule("hr.copy", "team != 'red'", severity="quarantine")
    people.write(people.dataset("hr.people").scan(), into="hr.copy")
    for column in ("email", "salary"):
        people.tag(f"column:hr.copy.{column}", remove=["pii"])
    assert people.preview("quarantine.hr__copy").masked == ["reason", "text"]


def test_a_profile_under_way_at_a_tag_keeps_no_value(
    catalog: Catalog, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog.write(pl.DataFrame({"email": [CANARY] * 3}), into="hr.new")
    real, tagged = Kept.put, list[int]()

    def put(self: Kept, *values: Any) -> None:
        if not tagged:
            tagged.append(1)
            catalog.tag("column:hr.new.email", add=["pii"])
        real(self, *values)

    monkeypatch.setattr(Kept, "put", put)
    catalog.profile("hr.new", tier="exact")
    kept = [*project.home.glob("sketches/*/*"), *project.home.glob("profiles/*/*")]
    assert (tagged, kept) == ([1], [])
    assert catalog.profile("hr.new", tier="exact").columns["email"].top == ()
