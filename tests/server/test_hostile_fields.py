"""Hostile texts in every field of the catalog and the features, through REST, the command line and
a magic: kept and shown as they are, or refused with a reason. Never a fault, a file outside the
project's own folder, or a change of another dataset.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import polars as pl
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from jupyter_mlinfra.cli import Session
from jupyter_mlinfra.cli import run as carry_out
from jupyter_mlinfra.core.errors import MLInfraError
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs.local.client import Control
from jupyter_mlinfra.magics import load
from jupyter_mlinfra.workbench import current

EVERYTHING = "'; DROP TABLE iceberg_tables; --\"`\\ 100%_$(touch outside) {{7*7}} {1+1} 🛫e\u0301é"
FEW = [EVERYTHING, "\ud800", "../../outside", "nul\x00\none\u202e<script>alert(1)</script>"]
MORE = [
    "x" * 10_000,
    "é" * 300,
    " ",
    "--reveal",
    "-1",
    "/etc/passwd",
    "CON",
    "nul.txt",
    "SELECT",
    "one\ntwo\r\nthree",
    "\u202egnirts\u2066",
    "\x1b[31mred\x07",
    "\x00",
    "%2e%2e%2f",
    "%",
    "_",
    "a:b@c#d?e=f&g",
    "👩\u200d👩\u200d👧",
]
SLOW = [pytest.mark.slow, pytest.mark.timeout(1800)]
TEXTS = pytest.mark.parametrize("texts", [FEW, pytest.param(MORE, marks=SLOW)], ids=["few", "more"])
DATASET, OTHER = "t.a", "t.other"
Shown = Callable[[str], bool]


def _dataset() -> Any:
    return current().catalog.show(DATASET).dataset


def _column() -> Any:
    return next(column for column in current().catalog.show(DATASET).schema if column.name == "n")


def _refs() -> list[str]:
    return [name for item in current().catalog.snapshots(DATASET).items for name in item.refs]


def _rules() -> list[str]:
    return [state.rule.text for state in current().catalog.rules(DATASET).rules]


# What takes a text: the route and its body, the words of the command line, and where it is shown.
TAKES: list[tuple[str, dict[str, Any], list[str], Shown]] = [
    (
        "catalog/datasets/t.a/description",
        {"owner": "{}"},
        ["catalog", "describe", DATASET, "--owner={}"],
        lambda text: _dataset().owner == text,
    ),
    (
        "catalog/datasets/t.a/description",
        {"description": "{}"},
        ["catalog", "describe", DATASET, "--description={}"],
        lambda text: _dataset().description == text,
    ),
    (
        "catalog/datasets/t.a/tags",
        {"add": ["{}"]},
        ["catalog", "tag", DATASET, "--", "{}"],
        lambda text: text in _dataset().tags,
    ),
    (
        "catalog/datasets/t.a/columns/n",
        {"description": "{}"},
        ["catalog", "describe", "column:t.a.n", "--description={}"],
        lambda text: _column().doc == text,
    ),
    (
        "catalog/datasets/t.a/columns/n",
        {"tags": ["{}"]},
        ["catalog", "tag", "column:t.a.n", "--", "{}"],
        lambda text: text in _column().tags,
    ),
    (
        "catalog/datasets/t.a/refs",
        {"snapshot": "{snapshot}", "add": ["{}"]},
        ["catalog", "tag", "t.a@{snapshot}", "--", "{}"],
        lambda text: text in _refs(),
    ),
    (
        "catalog/datasets/t.a/rules",
        {"add": ["{}"]},
        ["catalog", "quality", DATASET, "--add={}"],
        lambda text: text in _rules(),
    ),
]
# What looks for a text, or names by it what is to be read or made.
PATHS = [
    "catalog/datasets?namespace={}",
    "catalog/datasets?cursor={}",
    "catalog/datasets/{}",
    "catalog/datasets/t.{}",
    "catalog/datasets/{}.a/rows",
    "catalog/datasets/t.a/rows?columns={}",
    "catalog/datasets/t.a/rows?snapshot={}",
    "catalog/datasets/t.a/profile?tier={}",
    "catalog/datasets/{}/snapshots",
    "catalog/datasets/t.a/diff?before={}&after={}",
    "catalog/datasets/t.a/expiry?older_than={}",
    "catalog/datasets/t.a/quality/results?rule={}",
    "catalog/datasets/t.a/lineage?column={}",
    "catalog/audit?name={}",
    "workbench/search?q={}",
    "features/views?query={}&owner={}&tag={}&kind={}",
    "features/views/{}",
    "features/features?view={}",
    "features/services/{}",
    "features/saved/{}",
    "features/entities/{}",
    "features/views/{}/lineage",
    "features/views/{}/statistics",
    "features/views/{}/compare?other={}",
]
BODIES: list[tuple[str, Any]] = [
    ("catalog/datasets/t.a/grid", {"filters": [{"column": "{}", "op": "=", "value": "{}"}]}),
    ("catalog/datasets/t.a/grid", {"filters": [{"column": "x", "op": "=", "value": "{}"}]}),
    ("catalog/datasets/t.a/grid", {"sort": [{"column": "{}"}], "columns": ["{}"]}),
    ("catalog/datasets/t.a/grid", {"by": ["{}"], "snapshot": "{}"}),
    ("catalog/datasets/t.a/shape", {"column": "{}"}),
    ("catalog/datasets/t.a/restore", {"snapshot": "{}"}),
    ("catalog/datasets/t.a/move", {"tier": "{}"}),
    ("catalog/datasets/{}/delete", {}),
    ("catalog/trash/{}/restore", {"into": "{}"}),
    ("catalog/inspect", {"files": ["{}"], "into": "{}"}),
    ("catalog/inspect", {"files": ["in.csv"], "sheet": "{}", "encoding": "{}"}),
    ("catalog/inspect", {"files": ["in.csv"], "types": {"{}": "{}"}, "null_values": ["{}"]}),
    ("catalog/register", {"path": "in.csv", "name": "{}"}),
    ("catalog/sql", {"query": "{}"}),
    ("catalog/sql", {"query": 'SELECT "{}" FROM t.a'}),
    ("catalog/sql", {"query": "SELECT $x AS x", "parameters": {"{}": "{}"}}),
    ("features/views/{}/tags/preview", {"add": {"{}": "{}"}}),
    ("features/push", {"name": "{}", "rows": [{"{}": "{}"}]}),
    ("features/online", {"features": ["{}"], "entities": [{"{}": "{}"}]}),
    ("features/views/{}/explain", {"entity": {"{}": "{}"}, "at": "{}"}),
]
WORDS = [
    ["catalog", "show", "--", "{}"],
    ["catalog", "search", "--", "{}"],
    ["catalog", "ingest", "in.csv", "--into={}"],
    ["catalog", "ingest", "in.csv", "--into={}.b"],
    ["catalog", "ingest", "in.csv", "--into=t.{}"],
    ["catalog", "ingest", "--into=t.new", "--", "{}"],
    ["catalog", "ingest", "in.csv", "--into=t.a", "--key={}"],
    ["catalog", "ingest", "in.csv", "--into=t.new", "--schema={}=int"],
    ["catalog", "move", DATASET, "--tier={}"],
    ["catalog", "restore", DATASET, "--", "{}"],
    ["catalog", "delete", "--", "{}"],
    ["catalog", "trash", "restore", "--", "{}"],
    ["catalog", "contract", DATASET, "import", "--", "{}"],
    ["catalog", "mend", DATASET, "--", "{}"],
    ["catalog", "sql", "--", "{}"],
    ["features", "show", "--", "{}"],
    ["features", "online", "--key={}={}", "--", "{}"],
    ["features", "check", "--", "{}"],
]


def filled(template: Any, text: str, snapshot: str = "") -> Any:
    """The template, with the text wherever `{}` is."""
    if isinstance(template, str):
        return template.replace("{snapshot}", snapshot).replace("{}", text)
    if isinstance(template, list):
        return [filled(item, text, snapshot) for item in template]
    return {
        filled(key, text, snapshot): filled(item, text, snapshot) for key, item in template.items()
    }


def escaped(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


def shown_as(text: str) -> str:
    """A value in an answer; a long one is cut, and says so."""
    return text if len(text) <= 1000 else f"{text[:1000]}… ({len(text):,} characters)"


@pytest.fixture
def guarded(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The snapshot of a dataset; at the end no file is outside the project's own folder that was
    not there, and another dataset is as it was. What is done as a job waits for ever.
    """
    for verb in ("wake_with_present_settings", "start", "heal"):
        monkeypatch.setattr(Control, verb, lambda _: None)
    catalog = current().catalog
    for name in (DATASET, OTHER):
        catalog.write(pl.DataFrame({"n": [1, 2], "x": ["a", "b"]}), into=name)
    (project.root / "in.csv").write_text("n,x\n3,c\n")

    def seen() -> tuple[set[str], str]:
        files = {str(path) for path in project.root.rglob("*") if project.home not in path.parents}
        files |= {str(path) for path in project.root.parent.glob("*")}
        return files, f"{catalog.show(OTHER).dataset} {catalog.preview(OTHER).data}"

    before = seen()
    yield str(catalog.snapshots(DATASET).items[0].id)
    assert seen() == before


def fault_of(answer: Any) -> str:
    """What is wrong with an answer of the server; empty if nothing is."""
    if answer.code < 400:
        return ""
    is_told = isinstance(answer.value, dict) and answer.value.get("message")
    return "" if answer.code < 500 and is_told else f"{answer.code}: {str(answer.value)[:300]}"


@TEXTS
async def test_by_rest_a_text_is_kept_as_it_is_or_refused(
    ask: Any, guarded: str, texts: list[str]
) -> None:
    wrong = []
    for path, body, _, shown in TAKES:
        for text in texts:
            answer = await ask(path, filled(body, text, guarded))
            fault = fault_of(answer)
            if answer.code < 400 and not shown(text):
                fault = "it was taken, and is not shown"
            if fault:
                wrong.append((path, text[:20], fault))
    for text in texts:
        paths = [(filled(path, escaped(text)), None) for path in PATHS]
        bodies = [(filled(path, escaped(text)), filled(body, text)) for path, body in BODIES]
        for path, body in [*paths, *bodies]:
            if fault := fault_of(await ask(path, body)):
                wrong.append((path[:60], str(body)[:60], fault))
        answer = await ask("catalog/sql", {"query": "SELECT $x AS x", "parameters": {"x": text}})
        if answer.code < 400 and answer.value["rows"] != [[shown_as(text)]]:
            wrong.append(("a parameter of SQL", text[:20], str(answer.value)[:300]))
    assert wrong == []


@TEXTS
def test_by_the_command_line_a_text_is_kept_as_it_is_or_refused(
    guarded: str, texts: list[str]
) -> None:
    wrong = []
    asked = [*((words, shown) for _, _, words, shown in TAKES), *((words, None) for words in WORDS)]
    for words, shown in asked:
        for text in texts:
            try:
                carry_out(filled(words, text, guarded), Session(json=True))
            except MLInfraError as error:
                if not error.what or error.status >= 500:
                    wrong.append((words, text[:20], str(error)[:300]))
            except Exception as error:  # noqa: BLE001 - it is told
                wrong.append((words, text[:20], repr(error)[:300]))
            else:
                if shown is not None and not shown(text):
                    wrong.append((words, text[:20], "it was taken, and is not shown"))
    assert wrong == []


@TEXTS
def test_by_a_magic_a_text_is_kept_as_it_is_or_refused(
    project: Project,
    guarded: str,
    texts: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(project.home / "ipython"))
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    load(shell)
    wrong = []
    for text in texts:
        line = f"describe {DATASET} {shlex.quote(f'--owner={text}')}"
        done = shell.run_cell(f"get_ipython().run_line_magic('catalog', {line!r})")
        told = "".join(capsys.readouterr())
        if done.success and _dataset().owner != text:
            wrong.append((text[:20], _dataset().owner))
        if "Traceback" in told:
            wrong.append((text[:20], told))
    InteractiveShell.clear_instance()
    assert wrong == []


def test_names_that_differ_in_case_or_in_their_normal_form_are_two(project: Project) -> None:
    catalog = current().catalog
    columns = {"é": 1, "e\u0301": 2, "N": 3, "n": 4}
    catalog.write(pl.DataFrame([columns]), into=DATASET)
    catalog.write(pl.DataFrame({"n": [5]}), into="t.A")
    assert catalog.dataset(DATASET).scan().collect().to_dicts() == [columns]
    assert catalog.dataset("t.A").scan().collect().rows() == [(5,)]
    tags = ["é", "e\u0301", "Tag", "tag"]
    catalog.tag(DATASET, add=tags)
    assert set(_dataset().tags) == set(tags)
