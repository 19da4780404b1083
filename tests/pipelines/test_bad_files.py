"""One broken pipeline file is a row with its fault, whatever is in it; every good one is beside
it.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from searches import examples

from jupyter_mlinfra.core.errors import BadRequest, MLInfraError, Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.pipelines.document import parse_document
from jupyter_mlinfra.pipelines.drafting import proposal
from jupyter_mlinfra.pipelines.editing import rename_step, set_value
from jupyter_mlinfra.pipelines.file import load_text
from jupyter_mlinfra.pipelines.schedules.spec import ScheduleSpec
from jupyter_mlinfra.workbench import Workbench

GOOD = "pipeline: good\nsteps:\n  a: {notebook: a.ipynb}\n"
NOTEBOOK = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
BITS = [
    "pipeline",
    "steps",
    "a",
    "notebook",
    ":",
    " ",
    "\n",
    "\n  ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "&x ",
    "*x",
    "!!int ",
    "!!float ",
    "!!timestamp ",
    "!!omap ",
    "!x ",
    "|\n",
    "'",
    '"',
    "#",
    "<<",
    "? ",
    "---\n",
    "%YAML 1.1\n",
    "1" * 5000,
    "\\x",
    "\t",
    "\x85",
    "\u2028",
    "\ufeff",
    "{{ date }}",
    "\0",
    "\x1b",
    "\x95",
]


@pytest.fixture
def bench(project: Project) -> Workbench:
    (project.root / "a.ipynb").write_text(NOTEBOOK)
    (project.root / "good.mlpipeline.yaml").write_text(GOOD)
    return Workbench(project)


@pytest.mark.parametrize("character", ["\0", "\x1b", "\x95", "\ud800", "\ufffe"])
@pytest.mark.parametrize("place", ["pipeline: bad@\n", "# one\n# two @\n" + GOOD])
def test_a_character_that_no_yaml_holds_is_the_fault_of_its_file_and_hides_no_other(
    bench: Workbench, project: Project, character: str, place: str
) -> None:
    (project.root / "bad.mlpipeline.yaml").write_bytes(
        place.replace("@", character).encode(errors="surrogatepass")
    )
    rows = {row.name: row.problem for row in bench.pipelines.list().items}
    assert rows["good"] == ""
    assert rows["bad"].startswith("bad.mlpipeline.yaml")
    assert {hit.name for hit in bench.search("good").items if hit.kind == "pipeline"} == {"good"}
    assert {hit.name for hit in bench.search("bad").items} == {"bad"}
    assert bench.status()["pipelines"] == {"pipelines": 2, "runs": 0}
    assert bench.pipelines.show("good").pipeline.steps == 1
    with pytest.raises(Unprocessable):
        bench.pipelines.show("bad")


def test_the_line_of_such_a_character_is_named() -> None:
    with pytest.raises(Unprocessable, match=r"line 3.*U\+001B"):
        parse_document("pipeline: x\n\n# \x1b[31m\nsteps: {}\n", "x")


@settings(
    max_examples=examples(100),
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(st.one_of(st.lists(st.sampled_from(BITS), max_size=30).map("".join), st.text(max_size=30)))
@example("!!float &x ")
@example("\t")
@example("#\x96")
@example("[" * 600 + "]" * 600)
def test_no_text_is_a_fault_of_ours(text: str) -> None:
    for work in (
        lambda: parse_document(text, "x"),
        lambda: set_value(text, ["steps", "a", "in"], ["x"]),
        lambda: rename_step(text, "a", "b"),
    ):
        with contextlib.suppress(MLInfraError):
            work()


@pytest.mark.parametrize(
    "value",
    ["\x1b[31m", "a\x95b", "\x7f", "line\nline", "tab\t", 'quote"', "ünï", {"k\x95": ["\x00"]}],
)
def test_an_edit_writes_what_yaml_cannot_hold_as_an_escape(value: Any) -> None:
    text = set_value(GOOD, ["steps", "a", "params"], {"x": value})
    assert parse_document(text, "x").data["steps"]["a"]["params"] == {"x": value}


def test_a_proposal_names_a_notebook_with_such_a_character_so_that_it_is_found(
    bench: Workbench, project: Project
) -> None:
    (project.root / "b\x95.ipynb").write_text(NOTEBOOK)
    text = bench.pipelines.propose(["b\x95.ipynb"]).text
    assert [step["notebook"] for step in parse_document(text, "x").data["steps"].values()] == [
        "b\x95.ipynb"
    ]


def _deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


def test_an_edit_that_would_nest_too_deep_is_refused() -> None:
    with pytest.raises(Unprocessable):
        set_value(GOOD, ["steps", "a", "params"], _deep(90))
    assert json.dumps(_deep(40)) in json.dumps(
        parse_document(set_value(GOOD, ["steps", "a", "params"], _deep(40)), "x").data
    )


def test_a_folder_with_the_name_of_a_pipeline_file_and_a_link_to_nowhere_hide_nothing(
    bench: Workbench, project: Project
) -> None:
    (project.root / "folder.mlpipeline.yaml").mkdir()
    Path(project.root / "link.mlpipeline.yaml").symlink_to("link.mlpipeline.yaml")
    assert {row.name: bool(row.problem) for row in bench.pipelines.list().items} == {
        "good": False,
        "link": True,
    }


@pytest.mark.parametrize(
    "step",
    [
        'a:\n    out: ["x\\ud800"]',
        'a:\n    "\\udfff": 1',
        'a:\n    params: {x: {y: "\\ud83d"}}',
    ],
)
def test_half_a_character_written_as_an_escape_is_refused_with_its_line(
    bench: Workbench, project: Project, step: str
) -> None:
    (project.root / "half.mlpipeline.yaml").write_text(f"steps:\n  {step}\n")
    with pytest.raises(Unprocessable, match=r"half.mlpipeline.yaml, line 3: .* half a character"):
        bench.pipelines.check("half.mlpipeline.yaml")


@pytest.mark.parametrize("number", ["0x" + "f" * 5000, "0o" + "7" * 5000, "1" * 5000])
@pytest.mark.parametrize("place", ["parameters: {{x: {0}}}", "defaults:\n  retries: {0}"])
def test_a_number_that_python_does_not_write_is_refused_with_its_line_and_hides_no_other(
    bench: Workbench, project: Project, number: str, place: str
) -> None:
    text = "steps:\n  a: {notebook: a.ipynb}\n" + place.format(number)
    (project.root / "bad.mlpipeline.yaml").write_text(text)
    line = text.count("\n") + 1
    rows = {row.name: row.problem for row in bench.pipelines.list().items}
    assert rows["bad"].startswith(f"bad.mlpipeline.yaml, line {line}")
    assert "at most 1000 digits" in rows["bad"]
    assert bench.pipelines.show("good").pipeline.steps == 1
    assert bench.status()["pipelines"] == {"pipelines": 2, "runs": 0}


@pytest.mark.parametrize(
    "need",
    [
        f"{name}: {value}"
        for name in ("memory_gib", "time_limit_minutes", "cpus", "gpus", "retries")
        for value in (".inf", ".nan", "99999999999999999999999", "1e300")
    ],
)
@pytest.mark.parametrize("place", ["defaults: {{{0}}}", "steps: {{a: {{notebook: a.ipynb, {0}}}}}"])
def test_a_need_that_no_machine_meets_is_refused_with_its_line(need: str, place: str) -> None:
    own = "steps" in place and not need.startswith(("time", "retries"))
    text = "pipeline: x\n" + place.format(f"resources: {{{need}}}" if own else need) + "\n"
    with pytest.raises(Unprocessable, match=r"^x, line 2: ") as refused:
        load_text(Path("/nowhere"), Path("/nowhere/x"), text)
    assert need.partition(":")[0] in refused.value.what


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ('parameters: {q: "{{ nope }}"}', "{{ nope }} has no value"),
        ("parameters: {r: 1}", "no parameter r"),
        ("parameters: {q: 1}", "cannot be 1"),
        ("grace: 500d", "500d is longer than 366d"),
    ],
)
def test_a_schedule_that_cannot_be_created_is_a_fault_of_its_file(entry: str, told: str) -> None:
    text = (
        "parameters: {q: x}\nschedule:\n  cron: 0 6 * * *\n"
        f"  {entry}\nsteps: {{a: {{notebook: a.ipynb}}}}\n"
    )
    with pytest.raises(Unprocessable, match=r"^x.*, line 4: ") as refused:
        load_text(Path("/nowhere"), Path("/nowhere/x.mlpipeline.yaml"), text)
    assert told in str(refused.value)


def test_a_grace_that_is_refused_is_told_in_days() -> None:
    with pytest.raises(BadRequest, match="500d cannot be used"):
        ScheduleSpec(name="x", cron="0 6 * * *", pipeline="x", grace_seconds=500 * 86_400)


def test_a_name_cannot_end_with_a_line_break(bench: Workbench, project: Project) -> None:
    (project.root / "nl\n.mlpipeline.yaml").write_text("steps: {a: {notebook: a.ipynb}}\n")
    problems = [row.problem for row in bench.pipelines.list().items]
    assert any("cannot be the pipeline's" in problem for problem in problems)
    with pytest.raises(BadRequest, match="cannot be the name of a pipeline"):
        proposal(project.root, ["a.ipynb"], name="nl\n")
