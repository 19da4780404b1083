"""The code of objects and calls, by every door: each piece is really run, with names that need
quotes, and reaches the same object.

Python, magics and the command line run over a workbench that only notes the calls; SQL, and
whatever a store could change in a name, over a real project.
"""

from __future__ import annotations

import ast
import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from importlib import import_module
from typing import Any
from unittest.mock import MagicMock

import polars as pl
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from jupyter_mlinfra import workbench
from jupyter_mlinfra.cli.app import everywhere, run
from jupyter_mlinfra.cli.session import Session
from jupyter_mlinfra.core.domains import domains, kind_of
from jupyter_mlinfra.core.errors import BadRequest, NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import to_json
from jupyter_mlinfra.core.refs import Ref, reference
from jupyter_mlinfra.core.snippets import Snippets, arguments, literal, read_by, text, variable
from jupyter_mlinfra.deployments import DeliverySpec
from jupyter_mlinfra.deployments.snippets import request
from jupyter_mlinfra.faces.handler import parse
from jupyter_mlinfra.faces.snippets import call_of, code_of
from jupyter_mlinfra.features import Features
from jupyter_mlinfra.magics import load
from jupyter_mlinfra.workbench import current
from tests.server.noted import Noted

HOSTILE = [
    "plain",
    "two words",
    "it's",
    'say "x"',
    "--sort",
    "-x",
    "größe €",
    "$HOME {x}",
    "a;b&c|d",
    "back\\slash",
    "%time #1?",
    "--json",
    "`id`",
    "x');import os#",
]
NOUNS = ["catalog", "deployments", "experiments", "features", "jobs", "monitoring", "pipelines"]
SINGLE = ["experiment", "model", "pipeline", "schedule", "deployment", "monitor", "view"]


@pytest.fixture
def notes(project: Project, monkeypatch: pytest.MonkeyPatch) -> Noted:
    """The workbench that every door opens."""
    notes = Noted()
    notes.__dict__["project"] = project
    notes.answer = MagicMock()
    found = [import_module(f"jupyter_mlinfra.nouns.{module}") for module in NOUNS]
    for module in (workbench, *found):
        monkeypatch.setattr(module, "current", lambda path=None: notes)
    return notes


@pytest.fixture
def shell(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("IPYTHONDIR", str(project.root / "ipython"))
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    load(shell)
    yield shell
    InteractiveShell.clear_instance()


def in_python(code: str) -> None:
    exec(compile(code, "cell", "exec"), {})


def on_the_command_line(code: str) -> None:
    """As a shell splits it; several lines are several commands."""
    for line in code.splitlines():
        words = shlex.split(line)
        assert words.pop(0) == "mlinfra", line
        rest, project, as_json = everywhere(words)
        assert (project, as_json) == (None, False), line
        run(rest, Session(json=False, say=lambda text: None))


def in_a_shell(shell: Any) -> Callable[[str], None]:
    def magic(code: str) -> None:
        done = shell.run_cell(code)
        done.raise_error()

    return magic


def values(call: Any) -> Iterator[Any]:
    """Every text in what was asked."""
    if isinstance(call, dict):
        for item in call.values():
            yield from values(item)
    elif isinstance(call, list | tuple | set):
        for item in call:
            yield from values(item)
    else:
        yield call


def asked(notes: Noted, door: Callable[[str], None], code: str) -> list[Any]:
    notes.calls.clear()
    door(code)
    assert notes.calls, code
    return [value for call in notes.calls for value in values(call)]


def plain(record: Any) -> Any:
    """A record as JSON: a list and a tuple of the same are the same."""
    return json.loads(json.dumps(to_json(record)))


def call(which: str, /, **fields: Any) -> Snippets:
    _, function = call_of(which)
    return function(None, **parse(function, fields))


@pytest.mark.parametrize("kind", SINGLE)
def test_every_door_reaches_the_object_of_that_name(notes: Noted, shell: Any, kind: str) -> None:
    for name in HOSTILE:
        code = code_of([reference(kind, name)])
        assert {"python", "magic", "cli"} <= set(code)
        expected = f"{name}:*" if kind == "view" else name
        for door, carry_out in doors(shell).items():
            notes.answer = MagicMock(items=[], total=0, more=False, cursor=None)
            if kind in ("pipeline", "schedule") and door == "python":
                assert code[door].endswith(f"ml.{kind}({text(name)})")
                continue
            if (kind, door) == ("deployment", "python"):
                assert f"ml.deployment({text(name)})" in code[door]
                continue
            notes.answer.versions = []
            if (kind, door) == ("model", "python"):
                notes.answer = MagicMock(**{"record.ref": name})
            found = asked(notes, carry_out, code[door])
            assert any(word in (expected, f"{expected}@champion") for word in found), (door, found)


def doors(shell: Any) -> dict[str, Callable[[str], None]]:
    """What carries the code of each door out."""
    return {"python": in_python, "magic": in_a_shell(shell), "cli": on_the_command_line}


def test_every_door_reaches_parts_of_objects(notes: Noted, shell: Any) -> None:
    for name in HOSTILE:
        for ref, expected in (
            (reference("version", name, "3"), f"{name}/3"),
            (reference("version", name, at="champion"), f"{name}@champion"),
            (reference("feature", name, name), f"{name}:{name}"),
            (reference("step", name, name), f"{name}/{name}"),
        ):
            code = code_of([ref])
            for door, carry_out in doors(shell).items():
                if ref.startswith("step:") and door == "python":
                    assert f"pipeline({text(name)}).step({text(name)})" in code[door]
                    continue
                assert expected in map(str, asked(notes, carry_out, code[door])), (ref, door)


def test_several_objects_are_one_piece_of_code(notes: Noted, shell: Any) -> None:
    runs = code_of(["run:aaaaaaaaaaaa", "run:bbbbbbbbbbbb"])
    assert asked(notes, in_python, runs["python"])[-1] == "bbbbbbbbbbbb"
    for door in ("magic", "cli"):
        assert {"aaaaaaaa", "bbbbbbbb"} <= set(asked(notes, doors(shell)[door], runs[door]))
    assert code_of(["compare:aaaaaaaaaaaa,bbbbbbbbbbbb"]) == runs
    mixed = code_of(["dataset:a.orders", "dataset:b.orders", "job:7f3a"])
    assert mixed["python"].count("import jupyter_mlinfra as ml") == 1
    assert "orders = ml" in mixed["python"]
    assert "orders_2 = ml" in mixed["python"], "the second does not take the name of the first"
    assert "sql" not in mixed
    assert {"a.orders", "b.orders", "7f3a"} <= set(asked(notes, in_python, mixed["python"]))
    assert len(mixed["cli"].splitlines()) == 3


def test_an_object_without_code_has_none_and_a_name_that_no_line_can_hold_has_only_python() -> None:
    assert code_of([]) == {}
    assert set(code_of([reference("experiment", "two\nlines")])) == {"python"}
    with pytest.raises(BadRequest):
        code_of(["no reference"])
    with pytest.raises(NotFound):
        call_of("nothing")


def test_every_kind_and_every_call_that_is_declared_can_be_loaded() -> None:
    for domain in domains():
        for name in domain.calls:
            assert callable(call_of(name)[1])
        for kind in domain.kinds:
            names = ["a", "b"] if kind.join else ["a.b"]
            assert "python" in code_of([str(Ref(kind.name, tuple(names)))]), kind.name
    assert kind_of("dataset")


PARAMETERS: dict[str, Any] = {
    "depth": 6,
    "rate": 0.5,
    "on": True,
    "none": None,
    "word": "5",
    "quoted": 'it\'s "so" $HOME',
    "names": ["a b", 1],
    "class": "x",
}


def test_a_submit_is_the_same_job_by_every_door(notes: Noted, shell: Any, project: Project) -> None:
    (project.root / "my train.ipynb").write_text("{}")
    (project.root / "-x.ipynb").write_text("{}")
    needs = {"name": "-wide one", "gpus": 2.0, "memory_gib": 1.5, "cpus": 1, "after": ["7f39"]}
    for notebook in ("my train.ipynb", "-x.ipynb"):
        code = call("jobs-submit", spec={"notebook": notebook, "parameters": PARAMETERS, **needs})
        specs = []
        for key, door in doors(shell).items():
            notes.calls.clear()
            door(code[key])
            specs.append(plain(notes.calls[0][2]["spec"]))
        assert specs[0] == specs[1] == specs[2]
        assert (specs[0]["notebook"], specs[0]["parameters"]) == (notebook, PARAMETERS)
        assert (specs[0]["name"], specs[0]["gpus"], specs[0]["after"]) == ("-wide one", 2, ["7f39"])


def test_a_command_and_a_clone_are_the_same_by_every_door(notes: Noted, shell: Any) -> None:
    command = ["python", "-c", "print('a b')", "--json", ""]
    changes = {"name": "a b", "gpus": 0, "memory_gib": None, "queue": None}
    submit = call("jobs-submit", spec={"command": command})
    clone = call("jobs-clone", job="7f3a", changes=changes, parameters=PARAMETERS, same_code=True)
    for code, verb in ((submit, "submit"), (clone, "clone")):
        found = []
        for key, door in doors(shell).items():
            notes.calls.clear()
            door(code[key])
            _, name, given = notes.calls[0]
            assert name == verb
            found.append(plain(given))
        assert found[0] == found[1] == found[2]
    assert found[0]["changes"] == {**changes, "parameters": PARAMETERS}


@pytest.mark.parametrize("job", [None, {"notebook": "a b.ipynb", "gpus": 1}, {"command": ["a b"]}])
def test_a_schedule_is_the_same_by_every_door(
    notes: Noted, shell: Any, project: Project, job: dict[str, Any] | None
) -> None:
    (project.root / "a b.ipynb").write_text("{}")
    facts = {
        "cron": "0 6 * * 1-5",
        "tz": "Europe/Paris",
        "pipeline": None if job else "my pipe",
        "job": job,
        "parameters": {"day": "{{ date }}", "n": 5} if not (job or {}).get("command") else None,
        "catchup": "all",
        "grace_seconds": 7200,
        "overlap": "skip",
    }
    code = call("schedules-form", name="daily", facts=facts)
    expected = {key: value for key, value in facts.items() if value is not None}
    expected.pop("overlap")  # as usual
    for key, door in doors(shell).items():
        notes.calls.clear()
        door(code[key])
        sent = {**notes.calls[-1][2]}
        assert sent.pop("name") == "daily"
        sent |= sent.pop("facts", {})
        assert {name: value for name, value in sent.items() if value is not None} == expected, key
    assert code["unsaid"] == ""
    assert call("schedules-form", name="d", facts={"job": {"labels": {}}})["unsaid"] == "labels"


@pytest.mark.parametrize(
    "wishes",
    [
        {"traffic": 0, "reason": "it's ready"},
        {"traffic": 10, "workers": 1, "runtime": "open-inference", "answers": "classes"},
        {"target": "kubernetes"},
        {"shadow": True},
        {"shadow": True, "copies": 25},
        {"steps": [5, 25, 100], "every": 90.0, "least_requests": 0, "goal": "kpi"},
        {"features": ["a view", "w:f"], "missing": "default", "default": ["x=1.5", "y=a=b c"]},
    ],
)
def test_a_deploy_is_the_same_by_every_door(
    notes: Noted, shell: Any, wishes: dict[str, Any]
) -> None:
    notes.answer.ref = "my model/3"
    code = call("deployments-deploy", version="my model/3", name="live", **wishes)
    found = []
    for key, door in doors(shell).items():
        notes.calls.clear()
        door(code[key])
        _, verb, given = notes.calls[-1]
        assert verb == "deploy"
        said = {name: value for name, value in given.items() if name != "on_progress" and value}
        # without a delivery a deploy is at once: that is the same as one that asks for nothing
        delivery = said.pop("delivery", None) or DeliverySpec()
        found.append(plain({**said, "delivery": delivery, "traffic": given.get("traffic")}))
    assert found[0] == found[1] == found[2]
    assert (found[0]["name"], found[0]["version"]) == ("live", "my model/3")
    assert found[0]["traffic"] == wishes.get("traffic")
    assert found[0].get("workers") == wishes.get("workers")
    assert found[0]["delivery"]["steps"] == wishes.get("steps", [])
    assert found[0]["delivery"]["shadow"] == (
        wishes.get("copies", 100) if "shadow" in wishes else 0
    )
    if "default" in wishes:
        assert found[0]["defaults"] == {"x": 1.5, "y": "a=b c"}


def test_an_online_look_up_is_the_same_by_every_door(notes: Noted, shell: Any) -> None:
    entity = {"user id": "it's -1", "größe": "a=b"}
    code = call("features-online", view="it's", entity=entity)
    for key, door in doors(shell).items():
        given = asked(notes, door, code[key])
        assert {"it's:*", *entity.values()} <= set(given), (key, given)
        assert set(entity) <= names(notes.calls)
    assert set(call("features-online", view="v", entity={"a=b": "1"})) == {"python"}


def names(call: Any) -> set[str]:
    """Every key in what was asked."""
    if isinstance(call, dict):
        return {*call, *(name for item in call.values() for name in names(item))}
    return (
        {name for item in call for name in names(item)} if isinstance(call, list | tuple) else set()
    )


def test_traffic_and_the_runs_of_an_experiment_are_the_same_by_every_door(
    notes: Noted, shell: Any
) -> None:
    where, sort = "tags.note = \"it's\" and params.x > '$HOME'", "-metrics.val auc"
    notes.answer = MagicMock(items=[], total=0, more=False, cursor=None)
    for code, expected in (
        (call("deployments-traffic", name="live", shares={"v1": 90, "v2": 10}), {"live", 90, 10}),
        (call("deployments-deploy", version="my model/3"), {"my-model"}),
        (
            call("deployments-batch", version="my model/3", source="t.trips", into="t.scored"),
            {"t.trips", "t.scored"},
        ),
        (call("runs-list", experiment="my runs", where=where, sort=sort), {where, sort}),
        (call("runs-list", experiment="-x", sort="name"), {"-x", "name"}),
        (call("jobs-array", job="7f3a"), {"7f3a"}),
    ):
        for key, door in doors(shell).items():
            found = asked(notes, door, code[key])
            assert expected <= {item for item in found if isinstance(item, str | int)}, (key, code)


def test_a_request_has_the_same_body_by_every_door(notes: Noted) -> None:
    body = {
        "data": {"names": ["it's", '"q" $x\n\\n C:\\new %s'], "ndarray": [[1.5, None], ["é", True]]}
    }
    code = request("live", body, url="http://x/a b?c=1&d", header_file="/a b/header")
    assert body in [given.get("rows") for *_, given in _calls(notes, in_python, code["python"])]
    printed = shell_words(code["curl"])
    assert printed[:3] == ["curl", "-s", "http://x/a b?c=1&d"]
    assert json.loads(printed[-1]) == body
    assert "@/a b/header" in printed
    printing, _, predict = code["cli"].rpartition(" | ")
    said = subprocess.run(["sh", "-c", printing], capture_output=True, text=True, check=True).stdout
    assert json.loads(said) == body
    assert predict == "mlinfra deployments predict live --rows -"


def _calls(notes: Noted, door: Callable[[str], None], code: str) -> Sequence[Any]:
    notes.calls.clear()
    door(code)
    return notes.calls


def shell_words(code: str) -> list[str]:
    """The words that a shell makes of a line."""
    dump = f"{shlex.quote(sys.executable)} -c 'import json,sys;print(json.dumps(sys.argv[1:]))'"
    said = subprocess.run(
        ["sh", "-c", f"{dump} {code}"], capture_output=True, text=True, check=True
    ).stdout
    words: list[str] = json.loads(said)
    return words


COLUMNS = [
    "plain",
    "two words",
    "it's",
    'say "x"',
    "größe",
    "a.b",
    "Upper",
    "select",
    "$x {y}",
    "-d",
]


def test_datasets_and_columns_are_the_same_rows_by_every_door(
    project: Project, shell: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    catalog = current().catalog
    catalog.write(
        pl.DataFrame({name: [n] for n, name in enumerate(COLUMNS)}), into="shop.two-words"
    )
    for name in COLUMNS:
        code = code_of([reference("column", "shop.two-words", name)])
        expected = pl.DataFrame({name: [COLUMNS.index(name)]})
        found: dict[str, Any] = {}
        exec(code["python"], found)
        assert (
            found[variable(name.replace(".", "_")) if "." not in name else "b"]
            .collect()
            .equals(expected)
        )
        assert catalog.sql(code["sql"]).equals(expected)
        assert shell.run_cell(code["magic"]).result.equals(expected)
        words = shlex.split(code["cli"])[1:]
        assert run(words, Session(json=False)).value.equals(expected)
    whole = code_of(["dataset:shop.two-words"])
    assert catalog.sql(whole["sql"]).columns == COLUMNS
    assert shell.run_cell(whole["magic"]).result.dataset.name == "shop.two-words"
    several = code_of([reference("column", "shop.two-words", name) for name in COLUMNS])
    assert catalog.sql(several["sql"]).columns == COLUMNS
    capfd.readouterr()


def test_the_example_of_a_feature_view_defines_it_and_applies_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pl.DataFrame({"id": ["a"], "seen": [datetime(2026, 1, 1, tzinfo=UTC)], "x": [1.5]})
    current().catalog.write(frame, into="shop.it_s")
    applied = list[Features]()
    monkeypatch.setattr(Features, "apply", lambda features: applied.append(features))
    _, function = call_of("features-example")
    exec(function(current())["python"], {})
    assert len(applied) == 1
    (file,) = (project.root / "feature_repo").glob("*.py")
    defined: dict[str, Any] = {}
    exec(file.read_text(), defined)
    (view,) = (item for item in defined.values() if type(item).__name__ == "FeatureView")
    assert [field.name for field in view.schema] == ["x"]
    assert read_by(function) == ("catalog",)


def test_runs_of_an_experiment_with_an_odd_name_are_the_same_by_every_door(
    project: Project, shell: Any
) -> None:
    name = '-it\'s"odd"größe$x'
    with current().experiments.track(name) as tracked:
        tracked.log_metrics({"auc": 0.75})
    code = code_of([reference("experiment", name)])
    found: dict[str, Any] = {}
    exec(code["python"], found)
    assert [item.id for item in found["runs"]] == [tracked.id]
    assert [item.id for item in shell.run_cell(code["magic"]).result.items] == [tracked.id]
    words = shlex.split(code["cli"])[1:]
    assert [item.id for item in run(words, Session(json=False)).value.items] == [tracked.id]
    exec(code_of([f"run:{tracked.id}"])["python"], found)
    assert found["run"].metrics == {"auc": 0.75}


@pytest.mark.parametrize("value", [*HOSTILE, "\0\n\t\x7f\u202e\u2028", "\udcff", "😀", ""])
def test_a_literal_is_the_value_and_one_line(value: str) -> None:
    written = literal({value: [value, 1, 1.5, None, True]})
    assert written.isprintable()
    assert eval(written) == {value: [value, 1, 1.5, None, True]}
    assert eval(f"dict({arguments({value: value, 'a': 1})})") == {value: value, "a": 1}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("flights.departures", "departures"),
        ("ns.2013-data", "x_2013_data"),
        ("Größe", "gr__e"),
        ("data.class", "class_"),
        ("data.None", "none"),
        ("data.match", "match_"),
        ("x.ml", "ml_"),
        ("x.print", "print_"),
        ("x.lazy", "lazy"),
        ("", "x"),
    ],
)
def test_a_variable_is_a_name_that_the_code_does_not_need(name: str, expected: str) -> None:
    assert variable(name) == expected


def test_a_cell_of_a_heat_map_and_a_back_test_are_code() -> None:
    fields = {"name": "live", "feature": 'a "b"', "start": "2026-11-24T11:00:00Z"}
    code = call("monitors-distribution", **fields, version="v2")["python"]
    end = code.splitlines()[-1]
    assert ast.literal_eval(end.partition(".distribution(")[2].partition(", version")[0] + ",") == (
        fields["feature"],
        fields["start"],
    )
    assert end.startswith('ml.monitor("live")')
    assert end.endswith('version="v2")')
    cli = call("monitors-backtest", file="my rules.mlrules.yaml", days=7)["cli"]
    assert shlex.split(cli)[:3] == ["mlinfra", "monitors", "backtest"]
    assert {"--days=7", "my rules.mlrules.yaml"} <= {*shlex.split(cli)}


async def test_the_route_gives_the_code_of_objects_and_of_calls(ask: Callable[..., Any]) -> None:
    refs = ["dataset:flights.planes"]
    assert (await ask("workbench/code", {"refs": refs})).value == code_of(refs)
    fields = {"name": "live", "shares": {"v1": 100}}
    answer = await ask("workbench/code", {"call": "deployments-traffic", "values": fields})
    assert answer.value == call("deployments-traffic", **fields)
    assert (await ask("workbench/code", {"call": "nothing"})).code == 404
    assert (await ask("workbench/code", {"refs": ["nothing"]})).code == 400
    wrong = await ask("workbench/code", {"call": "deployments-traffic", "values": {"name": 1}})
    assert wrong.code == 400
