"""All roads of the catalog and the features, walked by machine: without the right no value of a
column with personal data is on one of them, with it every look is a line of the audit log. A verb
or a route that is new must be named here, or it is walked by itself.
"""

from __future__ import annotations

import json
import logging
import shlex
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import click
import polars as pl
import pytest
from IPython.core.interactiveshell import InteractiveShell
from jupyter_server.auth import AllowAllAuthorizer
from traitlets.config import Config

from jupyter_mlinfra import cli
from jupyter_mlinfra.catalog.faces.cli import catalog as catalog_noun
from jupyter_mlinfra.core.errors import MLInfraError
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import to_json
from jupyter_mlinfra.faces.reveal import RESOURCE
from jupyter_mlinfra.features.faces.cli import features as features_noun
from jupyter_mlinfra.magics import load
from jupyter_mlinfra.widgets.reprs import bundle
from jupyter_mlinfra.workbench import Workbench, current
from tests.catalog.test_masking import CANARY, NUMBER, files_with_canary, leaks
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.timeout(900)  # half a minute alone

AT = datetime(2026, 3, 1, tzinfo=UTC)
DEFINITIONS = """
from feast import Entity, FeatureService, FeatureView, Field
from feast.types import Float64, Int64, String
from feast.value_type import ValueType

from jupyter_mlinfra.features import DatasetSource

person = Entity(name="person", join_keys=["id"], value_type=ValueType.INT64)
mail = Entity(name="mail", join_keys=["email"], value_type=ValueType.STRING)


def view(name, entity, **fields):
    return FeatureView(
        name=name,
        entities=[entity],
        schema=[Field(name=field, dtype=kind) for field, kind in fields.items()],
        source=DatasetSource(dataset="hr.people", timestamp_field="at", name=name),
    )


people = view("people", person, email=String, salary=Int64, score=Float64)
mails = view("mails", mail, score=Float64)
both = FeatureService(name="both", features=[people, mails])
"""
DATASETS = ["hr.people", "lake.people", "quarantine.hr__people", "hr.guesses", "ml.train"]
VIEWS = ["people", "mails"]

SERVED = "features/online.db"
"""The online store has the values for models."""

SHOWN: dict[str, Sequence[str]] = {
    "catalog list": [""],
    "catalog show": ["{dataset}"],
    "catalog preview": ["{dataset}", "{dataset} --start 1 --count 2"],
    "catalog profile": ["{dataset}", "{dataset} --tier exact", "{dataset} --tier footer"],
    "catalog snapshots": ["{dataset}"],
    "catalog diff": ["hr.people {first}", "hr.people {first} --key id"],
    "catalog expire": ["hr.people"],
    "catalog search": ["people", "email", CANARY],
    "catalog namespaces": [""],
    "catalog lineage": ["{dataset}", "hr.people --column email"],
    "catalog sql": [
        "'SELECT * FROM {dataset}'",
        "'SELECT DISTINCT email AS x FROM hr.people'",
        "'SELECT upper(email), salary + 1 FROM lake.people'",
        "'SELECT id FROM hr.people WHERE salary > 3'",
        "'SELECT CAST(email AS INTEGER) FROM hr.people'",
        "'SELECT unnest([email]) FROM hr.people'",
        "'SELECT list_transform([email], lambda x: x) FROM hr.people'",
        "'SELECT error(email) FROM hr.people'",
        "'SELECT max(p) FROM hr.people p'",
    ],
    "catalog inspect": ["new.csv --into hr.people"],
    "catalog ingest": ["new.csv --into hr.people --dry-run --max-bad 1"],
    "catalog care": ["{dataset}"],
    "catalog verify": ["hr.people"],
    "catalog compact": ["hr.people"],
    "catalog clean": ["hr.people"],
    "catalog trash": [""],
    "catalog quality": ["{dataset}"],
    "catalog rules": ["{dataset}", "{dataset} --history"],
    "catalog audit": ["", "{dataset}"],
    "features list": [""],
    "features views": [""],
    "features services": [""],
    "features saved": [""],
    "features entities": [""],
    "features show": ["{view}", "people --compare mails"],
    "features search": ["people", CANARY],
    "features use": ["{view}:*"],
    "features snapshot": ["ml.train --compare", "ml.train --compare --newest"],
    "features explain": ["people --key id=1", "mails --key email=nobody", "people --key id=x"],
    "features online": ["people --key id=1", "mails --key email=nobody"],
    "features check": ["{view}"],
    "features statistics": ["{view}"],
    "features lineage": ["{view}"],
    "features uses": ["{view}"],
}
"""The verbs that show something, and words to ask them with."""

WRITING = [
    *("catalog restore", "catalog mend", "catalog move", "catalog delete", "catalog rule"),
    *(
        "catalog contract",
        "catalog register",
        "catalog relocate",
        "catalog tag",
        "catalog describe",
    ),
    *("features apply", "features define", "features materialize", "features push"),
    *("features tag", "features deprecate"),
]
"""Verbs that only say what they have written; `mend` and `rule` have tests of their own."""

POSTED: dict[str, Sequence[Any]] = {
    "catalog/datasets/{name}/grid": [{}, {"columns": ["email", "salary"]}],
    "catalog/datasets/{name}/shape": [{"column": "email"}, {"column": "id"}],
    "catalog/sql": [{"query": "SELECT * FROM hr.people"}, {"query": "SELECT * FROM lake.people"}],
    "features/online": [{"features": ["people:*"], "entities": [{"id": 1}]}],
    "features/views/{name}/explain": [{"entity": {"id": 1}}],
}
"""Routes that only read although they are posted to."""

ASKED = {
    "before": "{first}",
    "tier": "exact",
    "key": "id",
    "column": "email",
    "q": "people",
    "query": "people",
    "other": "mails",
}
"""Parameters of routes that lead to more."""


@pytest.fixture
def bench(project: Project) -> Workbench:
    """A canary in a dataset, in a table in place, in quarantine, in features and their keys, in
    what is online and in a training set; all that keeps something of it was asked for.
    """
    (project.root / "feature_repo").mkdir()
    (project.root / "feature_repo" / "views.py").write_text(DEFINITIONS)
    bench = current()
    catalog, features = bench.catalog, bench.features
    catalog.write(_people(1), into="hr.people")
    _people(1).write_parquet(project.root / "people.parquet")
    catalog.register(project.root / "people.parquet", name="lake.people")
    catalog.write(pl.DataFrame({"guess": [f"{CANARY}@a.example"]}), into="hr.guesses")
    for dataset in ("hr.people", "lake.people"):
        for column in ("email", "salary"):
            catalog.tag(f"column:{dataset}.{column}", add=["pii"])
    catalog.tag("column:hr.guesses.guess", add=["pii"])
    (project.root / "new.csv").write_text(
        f"id,at,email,salary,score\n7,2026-03-01T00:00:00Z,{CANARY}@x.example,{CANARY},1\n"
        f"8,2026-03-01T00:00:00Z,{CANARY}@y.example,{NUMBER},1\n"
    )
    catalog.ingest([project.root / "new.csv"], into="hr.people", max_bad=1.0)
    features.apply()
    features.materialize(end=datetime(2026, 3, 2, tzinfo=UTC))
    keys = pl.DataFrame({"id": [1, 2], "event_timestamp": [datetime(2026, 3, 3, tzinfo=UTC)] * 2})
    features.snapshot("ml.train", ["people:*"], keys)
    catalog.write(_people(2), into="hr.people", mode="replace")
    for rule in ("email matches ^x", "salary between 0 and 1", "id > 100", "email unique"):
        catalog.rule("hr.people", rule, severity="warn")
        catalog.rule("lake.people", rule, severity="warn")
    catalog.rule("hr.guesses", "guess references hr.people.email", severity="warn")
    return bench


def _people(time: int) -> pl.DataFrame:
    mails = [f"{CANARY}@a.example", f"{CANARY}@b.example", f"{CANARY}@b.example"]
    return pl.DataFrame(
        {
            "id": [1, 2, 3],
            "at": [AT] * 3,
            "email": [mail * time for mail in mails],
            "salary": [NUMBER] * 3,
            "score": [0.5 * time] * 3,
        }
    )


def filled(text: str, bench: Workbench) -> Iterator[str]:
    """A text with each dataset and view in its place."""
    text = text.replace("{first}", bench.catalog.snapshots("hr.people").items[-1].id)
    if "{dataset}" in text:
        yield from (text.replace("{dataset}", name) for name in DATASETS)
    elif "{view}" in text:
        yield from (text.replace("{view}", name) for name in VIEWS)
    else:
        yield text


def told(words: str) -> tuple[str, str]:
    """All that the command line says, as JSON and as text, and the card in a notebook; of an error
    its sentences. The first is what was shown, the second the errors.
    """
    session = cli.Session(json=True)
    try:
        ended = cli.run(shlex.split(words), session)
    except MLInfraError as error:
        return "", json.dumps(error.to_json())
    card = bundle(ended.value) if hasattr(ended.value, "__dataclass_fields__") else {}
    shown = [json.dumps(to_json(ended.value)), json.dumps(card), session.text(ended.value)]
    return "\n".join(shown), str(ended.error and ended.error.to_json())


def verbs() -> dict[str, click.Command]:
    return {
        f"{name} {verb}": command
        for name, noun in (("catalog", catalog_noun), ("features", features_noun))
        for verb, command in noun.commands.items()
    }


@cache
def routes(method: str) -> dict[str, list[str]]:
    """The routes of both domains with the names of their parameters, as the schema lists them."""
    paths = json.loads((REPOSITORY / "docs" / "openapi.json").read_text())["paths"]
    return {
        path[1:]: [item["name"] for item in found[method].get("parameters", [])]
        for path, found in paths.items()
        if path.startswith(("/catalog/", "/features/")) and method in found
    }


def addresses(bench: Workbench) -> Iterator[tuple[str, str]]:
    """Each route that is got, with each object in its place and with all that it can be asked."""
    for route, parameters in routes("get").items():
        given = {key: value for key, value in ASKED.items() if key in parameters}
        given = {key: next(filled(value, bench)) for key, value in given.items()}
        names = DATASETS[:3] if route.startswith("catalog") else [*VIEWS, "person", "both"]
        for name in names if "{name}" in route else [""]:
            path = route.replace("{name}", name)
            yield route, f"{path}?{urllib.parse.urlencode(given)}"


def posted(bench: Workbench) -> Iterator[tuple[str, str, Any]]:
    for route, bodies in POSTED.items():
        names = DATASETS[:3] if route.startswith("catalog") else ["people"]
        for name in names if "{name}" in route else [""]:
            for body in bodies:
                yield route, route.replace("{name}", name), body


def revealing(address: str) -> str:
    return f"{address}{'&' if '?' in address else '?'}reveal=true"


@pytest.fixture
def rights(jp_serverapp: Any) -> set[str]:
    """What the user may do beside all that is not about personal data."""
    given = set[str]()

    class Guarded(AllowAllAuthorizer):  # type: ignore[misc]
        def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
            return resource != f"mlinfra:{RESOURCE}" or resource in given

    jp_serverapp.web_app.settings["authorizer"] = Guarded(parent=jp_serverapp)
    return given


def lines(bench: Workbench) -> int:
    """How many looks the audit log has."""
    return bench.catalog.audit().total


def test_each_verb_and_route_is_named() -> None:
    assert sorted(verbs()) == sorted([*SHOWN, *WRITING])
    assert set(POSTED) < set(routes("post"))


async def test_a_value_is_on_no_road_without_the_right(
    bench: Workbench,
    ask: Callable[..., Any],
    rights: set[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, logger="jupyter_mlinfra")
    before, leaked, answered = lines(bench), list[str](), set[str]()
    for verb, asked in SHOWN.items():
        for words in [f"{verb} {found}" for text in asked for found in filled(text, bench)]:
            shown, error = told(words)
            answered |= {verb} if shown else set()
            leaked += [words] if leaks(shown) or leaks(error) else []
    for route, address in addresses(bench):
        answer = await ask(address)
        answered |= {route} if answer.code == 200 else set()
        leaked += [address] if leaks(answer.value) else []
        if "reveal" in routes("get")[route]:
            refused = await ask(revealing(address))
            leaked += [f"{address} reveal"] if refused.code == 200 or leaks(refused.value) else []
    for route, path, body in posted(bench):
        answer = await ask(path, body)
        answered |= {route} if answer.code == 200 else set()
        leaked += [f"{path} {body}"] if leaks(answer.value) else []
        refused = await ask(path, {**body, "reveal": True})
        leaked += [f"{path} {body} reveal"] if refused.code == 200 or leaks(refused.value) else []
    code = {
        "refs": [*(f"dataset:{name}" for name in DATASETS), *(f"view:{name}" for name in VIEWS)]
    }
    leaked += ["code"] if leaks((await ask("workbench/code", code)).value) else []
    leaked += [words for words, text in in_a_notebook(bench) if leaks(text)]
    assert leaked == []
    assert {*SHOWN, *routes("get"), *POSTED} - answered == {"features/saved/{name}"}, (
        "there is none"
    )
    assert not leaks(caplog.text)
    assert files_with_canary(bench.project.home) == [SERVED]
    assert lines(bench) == before


def in_a_notebook(bench: Workbench) -> Iterator[tuple[str, str]]:
    """Magics and cards of what is not an answer of a verb."""
    from IPython.utils.capture import capture_output

    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    load(shell)
    for line in ("catalog preview hr.people", "catalog lake.people", "features people"):
        with capture_output() as said:
            found = shell.run_line_magic(*line.split(" ", 1))
        yield f"%{line}", json.dumps(_bundle(found)) + said.stdout + said.stderr
    with capture_output() as said:
        found = shell.run_cell_magic("catalog", "sql", "SELECT * FROM hr.people")
    yield "%%catalog sql", f"{found}{found._repr_html_()}{said.stdout}"
    for name in DATASETS:
        yield f"card of {name}", json.dumps(_bundle(bench.catalog.dataset(name)))
    yield "examples", str(bench.features.examples(["people:*", "mails:*"]).to_dicts())
    InteractiveShell.clear_instance()


def _bundle(value: Any) -> Any:
    own = getattr(value, "_repr_mimebundle_", None)
    found = own() if own else bundle(value)
    return found[0] if isinstance(found, tuple) else found


REVEALED: dict[str, Sequence[str]] = {
    "catalog preview": ["hr.people", "lake.people", "quarantine.hr__people"],
    "catalog profile": ["hr.people", "lake.people"],
    "catalog diff": ["hr.people {first} --key id"],
    "catalog sql": ["'SELECT email FROM hr.people'"],
    "catalog quality": ["hr.people", "lake.people"],
    "features online": ["people --key id=1"],
    "features explain": ["people --key id=1"],
    "features statistics": ["people"],
    "features check": ["people", "mails"],
    "features snapshot": ["ml.train --compare --newest"],
}
"""The verbs that show values to who asks for them."""


@pytest.mark.slow
async def test_who_has_the_right_sees_the_values_and_each_look_is_one_line(
    bench: Workbench, ask: Callable[..., Any], rights: set[str], project: Project
) -> None:
    offered = {name for name, verb in verbs().items() if "reveal" in {p.name for p in verb.params}}
    assert offered == set(REVEALED)
    wrong = list[str]()
    for verb, asked in REVEALED.items():
        for words in [f"{verb} {found}" for text in asked for found in filled(text, bench)]:
            before = lines(bench)
            shown, _ = told(f"{words} --reveal")
            added = bench.catalog.audit().items[: lines(bench) - before]
            seen = leaks(shown) and [verb.endswith(item.verb) for item in added] == [True]
            wrong += [] if seen else [f"{words}: {shown[:200]} {added}"]
    rights.add(f"mlinfra:{RESOURCE}")
    roads = [
        *((path, None) for route, path in addresses(bench) if "reveal" in routes("get")[route]),
        *((path, {**body, "reveal": True}) for _, path, body in posted(bench)),
    ]
    for path, body in roads:
        asked_for = f"{path} {body}"
        if body == {"column": "id", "reveal": True} or not any(
            name in asked_for for name in ("hr.people", "views/people/", "people:*")
        ):
            continue
        before = lines(bench)
        answer = await ask(path if body else revealing(path), body)
        seen = leaks(answer.value) and lines(bench) == before + 1
        wrong += [] if seen else [f"{path} {body}: {answer.code} {lines(bench) - before}"]
    assert wrong == []
    assert not leaks(bench.catalog.audit())
    assert files_with_canary(project.home) == [SERVED], "what was revealed is kept nowhere"
