"""Hostile texts in what Feast definitions say: each is kept, shown, served, joined and written into
code as it is, or its view is left out by name, with the reason, and holds up no other.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import polars as pl
import pytest
from IPython.core.interactiveshell import InteractiveShell
from servers import redis
from traitlets.config import Config

from jupyter_mlinfra.cli import Session
from jupyter_mlinfra.cli import run as carry_out
from jupyter_mlinfra.core.errors import NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.refs import reference
from jupyter_mlinfra.faces.snippets import code_of
from jupyter_mlinfra.features import AppliedViews
from jupyter_mlinfra.magics import load
from jupyter_mlinfra.widgets.reprs import bundle
from jupyter_mlinfra.workbench import current

FEW = {
    "markup": "</script><img src=x onerror=alert(1)>&amp;<b>",
    "lines": "one\ntwo\r\nthree\ttab\u2028\x1b[31mred\x07",
    "nul": "nul\x00here",
    "up": "../../outside",
    "expression": "^s.*$",
}
MORE = {
    "quotes": 'it\'s "q" `b` \\ back',
    "shell": "'; DROP TABLE x; --$(touch outside) `id` ${HOME} {{7*7}} {1+1} %s %(x)s|&*?",
    "signs": "\u202egnirts\u2066 zero\u200bwidth\ufeff",
    "long": "x" * 10_000,
    "dash": "--reveal",
    "colon": "a:b@c#d?e=f&g/h,i",
    "version": "x@v2",
    "pattern": "*",
    "blank": " ",
    "empty": "",
    "dots": "a.b.c",
    "emoji": "👩\u200d👩\u200d👧 e\u0301é 🛫",
    "percent": "%2e%2e%2f%",
    "word": "SELECT",
}
REFUSED = {"colon", "version", "empty", "lines", "nul", "signs", "long", "emoji"}
"""No name of a view: by Feast's rules, or because no address of a page can have it."""
NO_FILE = {"markup", "nul", "colon", "long"}
"""No name of a file."""
DEFINITIONS = """
import json
from pathlib import Path
from feast import Entity, FeatureService, FeatureView, Field, FileSource
from feast.types import Float64
from feast.value_type import ValueType

plain = Entity(name="plain", join_keys=["id"], value_type=ValueType.INT64)
for number, (key, text) in enumerate(json.loads(Path("texts.json").read_text()).items()):
    said = {"description": text, "owner": text, "tags": {text: text, "k": text}}
    column = Field(name="v", dtype=Float64, description=text, tags={text: text})
    source = FileSource(name=f"s_{key}", path="plain.parquet", timestamp_field="at", **said)
    words = FeatureView(
        name=f"words_{key}", entities=[plain], schema=[column], source=source, **said
    )
    entity = Entity(name=text or "-", join_keys=[text or "-"], value_type=ValueType.INT64)
    source = FileSource(name=text or "-", path=f"n_{key}.parquet", timestamp_field="at")
    field = Field(name=text + "!", dtype=Float64)
    named = FeatureView(name=text, entities=[entity], schema=[field], source=source)
    source = FileSource(path=f"{text}.parquet", timestamp_field="at")
    field = Field(name="v", dtype=Float64)
    file = FeatureView(name=f"file_{key}", entities=[plain], schema=[field], source=source)
    service = FeatureService(name=f"set {text}", features=[words], **said)
    for item in (words, entity, named, file, service):
        globals()[f"{type(item).__name__}_{item.name}_{number}"] = item
"""
AT = datetime(2026, 3, 1, tzinfo=UTC)
ROWS = pl.DataFrame({"id": [1, 2, 1], "at": [AT, AT, AT.replace(hour=5)], "v": [1.0, 2.0, 3.0]})
TEXTS = pytest.mark.parametrize(
    "texts",
    [
        FEW,
        pytest.param(FEW | MORE, marks=[pytest.mark.slow, pytest.mark.timeout(1800)]),
    ],
    ids=["few", "all"],
)


class Tags(HTMLParser):
    """The tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.found.add(tag)


@pytest.fixture
def shell(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("IPYTHONDIR", str(project.home / "ipython"))
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    load(shell)
    yield shell
    InteractiveShell.clear_instance()


def applied(project: Project, texts: dict[str, str], address: str) -> AppliedViews:
    """The definitions above, applied and materialized. Their store is Redis, which names of tables
    do not limit.
    """
    repo = project.root / "feature_repo"
    repo.mkdir()
    store = {"online_store": {"type": "redis", "connection_string": address}}
    (repo / "feature_store.yaml").write_text(json.dumps(store))
    (repo / "texts.json").write_text(json.dumps(texts))
    (repo / "views.py").write_text(DEFINITIONS)
    ROWS.write_parquet(repo / "plain.parquet")
    for key, text in texts.items():
        key_name = text or "-"
        named = ROWS.rename({"id": key_name, "v": f"{text}!"})
        named.write_parquet(repo / f"n_{key}.parquet")
        if key not in NO_FILE:
            ROWS.write_parquet(os.path.join(repo, f"{text}.parquet"))
    done = current().features.apply()
    with pytest.raises(NotFound, match="file_nul"):  # all others are, too
        current().features.materialize(end=AT.replace(day=2))
    return done


def shown_right(key: str, text: str) -> Iterator[str]:
    """What is wrong with what is shown of the view whose words are a text."""
    features, view = current().features, f"words_{key}"
    said = (text, text, {text: text, "k": text})
    listed = next(item for item in features.views(limit=500).items if item.name == view)
    if (listed.description, listed.owner, dict(listed.tags)) != said:
        yield f"listed: {listed}"
    detail = features.show(view)
    if [column.description for column in detail.features] != [text]:
        yield f"its feature: {detail.features}"
    service = features.service(f"set {text}").service
    if (service.description, service.owner, dict(service.tags)) != said:
        yield f"the service: {service}"
    if len(text.strip()) > 2 and "\0" not in text:
        hits = {hit.ref for hit in features.search(text, limit=100).items}
        if not {reference("view", view), reference("feature", view, "v")} & hits:
            yield f"searched: {hits}"


def served_right(name: str, key: str, feature: str) -> Iterator[str]:
    """What is wrong with values of a view: online, joined, explained, compared."""
    features, ref = current().features, f"{name}:{feature}"
    (row,) = features.online([f"{name}:*"], [{key: 1}])
    if row.values != {ref: 3.0}:
        yield f"online: {row}"
    entities = pl.DataFrame({key: [2, 1], "event_timestamp": [AT.replace(hour=1)] * 2})
    joined = features.training_set([ref], entities)
    if joined[feature].to_list() != [2.0, 1.0]:
        yield f"joined: {joined}"
    why = features.explain(name, {key: 1}, at=AT.replace(hour=6))
    if "3.0" not in str(why):
        yield f"explained: {why}"
    if features.check(name).features[feature].different:
        yield "compared"
    if features.statistics(name).problem:
        yield f"statistics: {features.statistics(name).problem}"
    if not any(edge.output == reference("view", name) for edge in features.lineage(name).items):
        yield f"lineage: {features.lineage(name).items}"


def code_right(name: str, feature: str, shell: Any) -> Iterator[str]:
    """What is wrong with the code of a view and of its feature: each piece is run as it is."""
    for ref in (reference("view", name), reference("feature", name, feature)):
        code = code_of([ref])
        found: dict[str, Any] = {}
        exec(compile(code["python"], "cell", "exec"), found)
        values = found["train"].collect()[feature].to_list()
        if not values or not set(values) <= {1.0, 2.0, 3.0}:
            yield f"{ref}: {values}"
        if "magic" in code and not shell.run_cell(code["magic"]).success:
            yield f"{ref}: {code['magic']}"
        for line in code.get("cli", "").splitlines():
            carry_out(shlex.split(line)[1:], Session(json=True))


def drawn_right(name: str) -> Iterator[str]:
    """What is wrong with the card of a view: only our own tags are in it."""
    page = Tags()
    page.feed(bundle(current().features.show(name))["text/html"])
    if page.found & {"script", "img", "svg", "iframe", "a"}:
        yield f"drawn: {page.found}"


@TEXTS
async def test_a_hostile_text_in_a_definition_is_a_text_in_every_face(
    ask: Any, project: Project, shell: Any, texts: dict[str, str]
) -> None:
    before = set(project.root.parent.rglob("*"))
    with redis() as server:
        done = applied(project, texts, server.address)
        left = {item.name: item for item in done.problems}
        assert set(left) == {texts[key] for key in REFUSED & set(texts)}
        homeless = {f"file_{key}" for key in NO_FILE & set(texts)}
        assert {note.partition(":")[0] for note in done.notes} == homeless
        assert all(item.what and item.why and item.fix for item in done.problems)
        wrong = []
        for key, text in texts.items():
            wrong += [(key, fault) for fault in shown_right(key, text)]
            named = [(f"words_{key}", "id", "v")]
            named += [] if f"file_{key}" in homeless else [(f"file_{key}", "id", "v")]
            named += [] if text in left else [(text, text, f"{text}!")]
            for name, key_name, feature in named:
                wrong += [(key, fault) for fault in served_right(name, key_name, feature)]
                wrong += [(key, fault) for fault in code_right(name, feature, shell)]
                wrong += [(key, fault) for fault in drawn_right(name)]
                for path in ("", "/lineage", "/statistics"):
                    escaped = quote(name, safe="")
                    answer = await ask(f"features/views/{escaped}{path}")
                    if answer.code != 200:
                        wrong.append((key, f"{path}: {answer.code} {answer.value}"))
        assert wrong == []
    made = set(project.root.parent.rglob("*")) - before
    assert {path for path in made if project.root not in path.parents} == {
        project.root.parent / "outside.parquet"  # the test's own
    }
    assert {path.relative_to(project.root).parts[0] for path in project.root.glob("*")} == {
        "mlinfra.toml",
        "feature_repo",
        ".mlinfra",
    }
