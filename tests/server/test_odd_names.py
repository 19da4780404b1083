"""Names that other programs wrote, with spaces, dots and signs: what the server calls them leads
back to them.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.refs import Ref
from jupyter_mlinfra.workbench import current

COLUMNS = ["plain", "Sepal Width", "Sepal.Length", "a@b", "größe", "a/b", 'a"b', "100%", "%20"]


async def test_every_column_of_a_plain_csv_is_found_by_a_reference_that_leads_to_it(
    ask: Any, project: Project
) -> None:
    header = ",".join('"' + name.replace('"', '""') + '"' for name in COLUMNS)
    (project.root / "iris.csv").write_text(
        f"{header}\n{','.join('1' for _ in COLUMNS)}\n", encoding="utf-8"
    )
    current().catalog.ingest([project.root / "iris.csv"], into="data.class")

    for name in COLUMNS:
        hits = (await ask(f"workbench/search?kinds=column&q={quote(name)}")).value["items"]
        refs = [Ref.parse(hit["ref"]) for hit in hits if hit["name"] == name]
        assert [(ref.kind, ref.parts, ref.at) for ref in refs] == [
            ("column", ("data.class", name), None)
        ]
        shown = (await ask(f"catalog/datasets/{quote(refs[0].parts[0])}")).value
        assert refs[0].parts[1] in [column["name"] for column in shown["schema"]]


def test_what_was_made_of_an_odd_column_is_told_at_that_column_alone(project: Project) -> None:
    catalog = current().catalog
    (project.root / "iris.csv").write_text("a,b.a,b\n1,2,3\n")
    catalog.ingest([project.root / "iris.csv"], into="data.t")
    project.lineage.record("job:1", inputs=["column:data.t.b%2Ea"], outputs=["run:1"])
    # Of a dataset in the namespace `data.t`
    project.lineage.record("job:2", inputs=["column:data.t.b.a"], outputs=["run:2"])

    assert {
        column.name: list(column.used_by)
        for column in catalog.show("data.t").schema
        if column.used_by
    } == {"b.a": ["run:1"]}
