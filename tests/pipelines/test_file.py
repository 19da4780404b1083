"""The pipeline file: what it means, and what a broken one gets. Every error names file and line,
and says what to do.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from jupyter_mlinfra.core.errors import (
    BadRequest,
    Conflict,
    MLInfraError,
    NotFound,
    TooLarge,
    Unprocessable,
)
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import to_json
from jupyter_mlinfra.pipelines import Pipelines
from jupyter_mlinfra.pipelines.binding import bind
from jupyter_mlinfra.pipelines.definition import render
from jupyter_mlinfra.pipelines.document import parse_document, read_document
from jupyter_mlinfra.pipelines.file import load, load_text
from jupyter_mlinfra.pipelines.schema import schema

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def load_pipeline(project: Project, workshop):
    workshop.notebook("a", "1", parameters="depth = 6\nday = 'x'")
    workshop.notebook("b", "1")

    def parse(text: str):
        return load(project.root, workshop.pipeline(text))

    return parse


def refused(parse, text: str) -> MLInfraError:
    with pytest.raises(MLInfraError) as caught:
        parse(text)
    return caught.value


def test_a_file_gives_steps_with_defaults_filled_in_and_edges_reckoned(load_pipeline):
    found = load_pipeline("""
        pipeline: churn
        description: Who leaves
        defaults: {retries: 2, cpus: 2, cache: true}
        parameters: {day: 2013-11-01, depth: 4}
        steps:
          make: {notebook: a.ipynb, params: {day: "{{ day }}", depth: 5},
                 out: [dataset:raw.events, data/x.parquet]}
          use:
            notebook: b.ipynb
            in: data/x.parquet
            resources: {gpus: 1, memory_gib: 2}
            retries: 0
            time_limit_minutes: 1.5
            cache: false
        """)
    assert (found.name, found.description, found.path) == (
        "churn",
        "Who leaves",
        "p.mlpipeline.yaml",
    )
    make, use = found.steps
    assert (make.retries, make.cpus, make.gpus, make.cache, make.after) == (2, 2, 0, True, ())
    assert (
        use.retries,
        use.cpus,
        use.gpus,
        use.memory_gib,
        use.time_limit_minutes,
        use.cache,
        use.after,
    ) == (0, 2, 1, 2, 1.5, False, ("make",))
    assert found.parameters == {
        "day": "2013-11-01",
        "depth": 4,
    }, "a date stays the text that was written"
    assert [reference for _, reference in found.external_inputs()] == []


def test_paths_begin_at_the_folder_of_the_file(project: Project, workshop):
    workshop.notebook("deep/notebooks/a", "1")
    path = workshop.pipeline(
        "steps: {a: {notebook: notebooks/a.ipynb, in: [../raw.csv, /etc/hostname, 'file:odd:name'],"
        " out: ./x/../y.csv}}",
        "deep/q.mlpipeline.yaml",
    )
    found = load(project.root, path)
    assert found.name == "q", "without `pipeline:` the file's name is the pipeline's"
    assert found.steps[0].notebook == "deep/notebooks/a.ipynb"
    assert found.steps[0].inputs == ("raw.csv", "/etc/hostname", "deep/odd:name")
    assert found.steps[0].outputs == ("deep/y.csv",)


def test_a_cycle_is_named_step_by_step_with_its_line(load_pipeline):
    error = refused(
        load_pipeline,
        """
        steps:
          a: {notebook: a.ipynb, in: c.txt, out: a.txt}
          b: {notebook: b.ipynb, in: a.txt, out: b.txt}
          c: {notebook: b.ipynb, in: b.txt, out: c.txt}
        """,
    )
    assert isinstance(error, Unprocessable)
    assert "line 2" in error.what
    assert "a → b → c → a" in error.what
    assert "a on line 2, b on line 3, c on line 4" in error.why
    assert error.fix


CASES = {
    "a step that takes what it makes": (
        "steps:\n  a: {notebook: a.ipynb, in: x, out: x}",
        "line 2",
        "a → a",
        "from `in` or `out`",
    ),
    "an unknown notebook, with the nearest one": (
        "steps:\n  one:\n    notebook: aa.ipynb",
        "line 3",
        "Notebook aa.ipynb does not exist",
        "Did you mean a.ipynb?",
    ),
    "two makers of one thing": (
        (
            "steps:\n  a: {notebook: a.ipynb, out: [x, model:m]}\n  b:\n    notebook: b.ipynb\n   "
            " out:\n      - y\n      - model:m"
        ),
        "line 7",
        "model:m is made by two steps",
        "Let one step make it",
    ),
    "two makers, one within the other": (
        "steps:\n  a: {notebook: a.ipynb, out: data}\n  b: {notebook: b.ipynb, out: data/x}",
        "line 3",
        "data/x (within or around data)",
        "one step",
    ),
    "an unknown key of a step": (
        "steps:\n  a:\n    notebok: a.ipynb",
        "line 3",
        "unknown key notebok",
        "Did you mean notebook?",
    ),
    "an unknown key at the top": (
        "step: {}\nsteps: {a: {notebook: a.ipynb}}",
        "line 1",
        "unknown key step",
        "Did you mean steps?",
    ),
    "an unknown resource": (
        "steps:\n  a:\n    notebook: a.ipynb\n    resources:\n      gpu: 1",
        "line 5",
        "unknown key gpu",
        "Did you mean gpus?",
    ),
    "a key of other tools": (
        "steps:\n  a: {notebook: a.ipynb, timeout: 5}",
        "line 2",
        "unknown key timeout",
        "Did you mean time_limit_minutes?",
    ),
    "the Python name of a key": (
        "steps:\n  a: {notebook: a.ipynb, outputs: [x]}",
        "line 2",
        "unknown key outputs",
        "Did you mean out?",
    ),
    "a step without a notebook": (
        "steps:\n  a: {out: x}",
        "line 2",
        "step a has no notebook",
        "Add `notebook: …`",
    ),
    "no steps": ("pipeline: x\nsteps: {}", "line 2", "steps cannot be used", ""),
    "a list instead of a mapping": (
        "- a\n- b",
        "line 1",
        "a pipeline file is a mapping",
        "Begin with",
    ),
    "a number below its least": (
        "steps:\n  a:\n    notebook: a.ipynb\n    resources: {cpus: 0}",
        "line 4",
        "resources.cpus",
        "",
    ),
    "a text where a number belongs": (
        "steps:\n  a: {notebook: a.ipynb, retries: '3'}",
        "line 2",
        "steps.a.retries cannot be used",
        "",
    ),
    "an unknown kind of reference": (
        "steps:\n  a:\n    notebook: a.ipynb\n    in: [datset:x.y]",
        "line 4",
        "'datset' is not a kind of thing",
        "Did you mean dataset:x.y?",
    ),
    "a reference without a name": (
        "steps:\n  a: {notebook: a.ipynb, in: ['model:']}",
        "line 2",
        "names nothing",
        "model:NAME",
    ),
    "a path out of the project": (
        "steps:\n  a: {notebook: a.ipynb, in: ../../secret}",
        "line 2",
        "outside the project",
        "",
    ),
    "a notebook out of the project": (
        "steps:\n  a: {notebook: /tmp/a.ipynb}",
        "line 2",
        "absolute path",
        "",
    ),
    "an input given twice": (
        "steps:\n  a: {notebook: a.ipynb, in: [x, ./x]}",
        "line 2",
        "given twice",
        "Keep one",
    ),
    "a step given twice": (
        "steps:\n  a: {notebook: a.ipynb}\n  a: {notebook: b.ipynb}",
        "line 3",
        "a is given twice",
        "Keep one",
    ),
    "a bad name of a step": (
        "steps:\n  'a b': {notebook: a.ipynb}",
        "line 2",
        "'a b' cannot be a name",
        "Choose another",
    ),
    "a bad name of a pipeline": (
        "pipeline: ../x\nsteps: {a: {notebook: a.ipynb}}",
        "line 1",
        "cannot be a name",
        "",
    ),
    "a parameter that the notebook has not": (
        "steps:\n  a:\n    notebook: a.ipynb\n    params:\n      dept: 3",
        "line 5",
        "a.ipynb has no parameter dept",
        "Did you mean depth?",
    ),
    "parameters for a notebook without a `parameters` cell": (
        "steps:\n  b:\n    notebook: b.ipynb\n    params: {depth: 3}",
        "line 4",
        "b.ipynb takes no parameters",
        "Tag the cell",
    ),
    "a placeholder that the pipeline has not": (
        "parameters: {day: 1}\nsteps:\n  a: {notebook: a.ipynb, params: {depth: ['{{ dya }}']}}",
        "line 3",
        "there is no parameter dya",
        "Did you mean {{ day }}?",
    ),
    "infinity as a parameter": (
        "steps:\n  a: {notebook: a.ipynb, params: {depth: .inf}}",
        "line 2",
        "cannot be used",
        "",
    ),
    "broken YAML": ("steps:\n  a: {notebook: a.ipynb\n  b: x", "line 3", "not valid YAML", ""),
    "an unquoted placeholder": (
        "steps:\n  a:\n    notebook: a.ipynb\n    params: {day: {{ day }}}",
        "line 4",
        "not valid YAML",
        "quotes",
    ),
    "tabs": ("steps:\n\ta: {notebook: a.ipynb}", "line 2", "not valid YAML", "spaces, not tabs"),
    "a value that contains itself": (
        "steps: &s\n  a: *s",
        "line 1",
        "contains itself",
        "Write the value out",
    ),
    "a Python object": (
        "steps: !!python/object/apply:os.system ['touch pwned']",
        "line 1",
        "not valid YAML",
        "",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_broken_file_is_refused_with_its_line_and_a_fix(case, load_pipeline, project: Project):
    text, line, what, fix = CASES[case]
    (project.root / "p.mlpipeline.yaml").write_text(text)
    with pytest.raises(Unprocessable) as caught:
        load(project.root, project.root / "p.mlpipeline.yaml")
    error = caught.value
    assert line in error.what
    assert what in f"{error.what} {error.why}"
    assert fix in error.fix
    assert error.fix
    assert error.what.startswith("p.mlpipeline.yaml")
    assert not (project.root / "pwned").exists()


BOMB = b"a: &a [x,x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 10)) for n in range(8)
)
"""One kB that stands for 10^9 values."""


@pytest.mark.parametrize(
    ("data", "expected", "words"),
    [
        (b"", Unprocessable, "empty"),
        (b"# only a comment\n", Unprocessable, "empty"),
        (b"steps: \xff\xfe", Unprocessable, "UTF-8"),
        (BOMB, TooLarge, "100,000"),
        (b"#" * 1_000_001, TooLarge, "1,000,000"),
        (b"a: !!timestamp x", Unprocessable, "tagged"),
        (b"a: !!bool x", Unprocessable, "tagged"),
        (b"a: !!int x", Unprocessable, "tagged"),
        (b"a: " + b"[" * 5000, Unprocessable, "nested too deep"),
        (
            b"steps: {a: {notebook: x, params: {v: " + b"[" * 60 + b"]" * 60 + b"}}}",
            Unprocessable,
            "line 1: values are nested too deep",
        ),
    ],
    ids=[
        "empty",
        "comment",
        "not text",
        "alias bomb",
        "too large",
        "no time",
        "no truth",
        "no number",
        "deep beyond the stack",
        "deep",
    ],
)
def test_a_file_that_is_no_pipeline_at_all_is_refused(data, expected, words, project: Project):
    (project.root / "p.mlpipeline.yaml").write_bytes(data)
    with pytest.raises(expected, match=words):
        load(project.root, project.root / "p.mlpipeline.yaml")


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"cells": 3}', '{"worksheets": []}'],
    ids=["cut in half", "a list", "no cells", "format 3"],
)
def test_a_broken_notebook_is_refused_with_the_line_of_the_step(
    content, load_pipeline, project: Project
):
    (project.root / "a.ipynb").write_text(content)
    error = refused(load_pipeline, "steps:\n  a: {notebook: a.ipynb}")
    assert isinstance(error, Unprocessable)
    assert "line 2: a.ipynb is not a notebook" in error.what
    assert error.fix


def test_a_text_in_an_editor_is_checked_before_it_is_saved(project: Project, load_pipeline):
    with pytest.raises(Unprocessable, match=r"new\.mlpipeline\.yaml, line 1"):
        load_text(project.root, project.root / "new.mlpipeline.yaml", "stepz: {}")


def test_a_missing_input_is_found_by_check_and_before_a_run(
    pipelines: Pipelines, workshop, fingerprints
):
    workshop.notebook("a", "1")
    workshop.pipeline("""
        pipeline: p
        steps:
          a:
            notebook: a.ipynb
            in:
              - dataset:raw.events
              - raw.csv
        """)
    fingerprints["dataset"] = {"raw.events": None}.get
    pipelines.show("p")  # the graph can be drawn all the same
    for verb in (pipelines.check, pipelines.run):
        with pytest.raises(Unprocessable) as caught:
            verb("p.mlpipeline.yaml")
        assert (
            "p.mlpipeline.yaml, line 6: step a takes dataset:raw.events, which does not exist"
            in caught.value.what
        )
        assert (
            caught.value.why
            == "No step of this pipeline makes it. Missing too: line 7: step a takes raw.csv."
        )
        assert caught.value.fix
    fingerprints["dataset"] = {"raw.events": "s1"}.get
    with pytest.raises(
        Unprocessable,
        match=(
            r"line 7: step a takes raw\.csv, which does not exist\. No step of this pipeline makes"
            r" it\. Correct"
        ),
    ):
        pipelines.check("p")
    (workshop.root / "raw.csv").write_text("x\n")
    assert pipelines.check("p").graph[0].inputs == ("dataset:raw.events", "raw.csv")
    assert pipelines.count_runs() == 0


def test_a_reference_to_a_domain_that_is_not_there_is_refused(pipelines: Pipelines, workshop):
    workshop.notebook("a", "1")
    workshop.pipeline("steps: {a: {notebook: a.ipynb, in: 'monitor:m'}}")
    with pytest.raises(BadRequest, match="monitor:m cannot be looked up"):
        pipelines.check("p")


def test_a_name_with_signs_is_one_thing_however_it_is_written(
    pipelines: Pipelines, workshop, fingerprints
):
    workshop.notebook("a", "1")
    workshop.pipeline(
        "steps: {a: {notebook: a.ipynb, in: ['model:größe@champion', 'experiment:my%20exp']}}"
    )
    asked = []
    fingerprints["model"] = lambda name: asked.append(name) or "v1"
    fingerprints["experiment"] = lambda name: asked.append(name) or "v1"
    pipelines.check("p")
    assert sorted(set(asked)) == ["größe@champion", "my exp"]
    assert list(pipelines.show("p").graph[0].inputs) == [
        "model:gr%C3%B6%C3%9Fe@champion",
        "experiment:my%20exp",
    ]


def test_a_version_is_looked_up_in_its_model(pipelines: Pipelines, workshop, fingerprints):
    workshop.notebook("a", "1")
    workshop.pipeline("steps: {a: {notebook: a.ipynb, in: 'version:m@champion'}}")
    fingerprints["model"] = {"m@champion": "v3"}.get
    assert pipelines.check("p").pipeline.steps == 1


def test_unknown_parameters_of_a_run_are_refused(pipelines: Pipelines, workshop):
    workshop.notebook("a", "1", parameters="day = 1")
    workshop.pipeline(
        "pipeline: p\nparameters: {day: 1}\nsteps: {a: {notebook: a.ipynb, params: {day: '{{ day"
        " }}'}}}"
    )
    with pytest.raises(BadRequest, match="Did you mean day"):
        pipelines.run("p", parameters={"dya": 2})
    with pytest.raises(BadRequest, match="not finite"):
        pipelines.run("p", parameters={"day": float("nan")})
    with pytest.raises(BadRequest, match="no JSON form"):
        pipelines.run("p", parameters={"day": object()})


KINDS = """
pipeline: p
parameters: {fail: false, n: 4, name: six, depths: [4, 6], of: {a: 1}, any: null}
steps:
  a: {notebook: a.ipynb,
      params: {x: "{{ fail }}{{ n }}{{ name }}{{ depths }}{{ of }}{{ any }}"}}
"""


@pytest.mark.parametrize(
    ("name", "value", "said", "fix"),
    [
        ("fail", "no", 'cannot be "no"', "-p fail=false"),
        ("fail", 0, "cannot be 0", "true or false"),
        ("n", "six", 'cannot be "six"', "-p n=4"),
        ("n", True, "cannot be true", "a number"),
        ("name", 6, "cannot be 6", "-p name=six"),
        ("depths", 4, "cannot be 4", "-p depths=[4, 6]"),
        ("depths", "4, 6", 'cannot be "4, 6"', "a list"),
        ("of", [1], "cannot be [1]", "a mapping"),
    ],
)
def test_a_value_of_another_kind_than_the_default_is_refused(
    pipelines: Pipelines, workshop, name: str, value: object, said: str, fix: str
):
    workshop.notebook("a", "1", parameters="x = 1")
    workshop.pipeline(KINDS)
    with pytest.raises(BadRequest) as refused:
        pipelines.run("p", parameters={name: value})
    assert f"Parameter {name} of pipeline p {said}." in refused.value.what
    assert "p.mlpipeline.yaml" in refused.value.why
    assert fix in refused.value.fix


def test_a_value_of_the_kind_of_its_default_is_taken(workshop, project: Project):
    workshop.notebook("a", "1", parameters="x = 1")
    found = load(project.root, workshop.pipeline(KINDS))
    given = {"fail": True, "n": 0.5, "name": "6", "depths": [], "of": {}, "any": [1]}
    assert found.values(given) == given
    assert found.values({"n": None})["n"] is None


def test_placeholders_keep_their_type_alone_and_become_text_within_a_text():
    values = {"n": 3, "day": "2013-11-01", "deep": {"a": [1]}}
    assert render("{{ n }}", values) == 3
    assert render(" {{deep}} ", values) == {"a": [1]}
    assert render(["data/{{ day }}-{{ n }}.csv", {"k": "{{ n }}"}, 7], values) == [
        "data/2013-11-01-3.csv",
        {"k": 3},
        7,
    ]
    assert render("{ n }", values) == "{ n }"


def test_names_lead_to_one_file_and_a_wrong_one_says_which_there_are(
    pipelines: Pipelines, workshop
):
    workshop.notebook("a", "1")
    workshop.pipeline("pipeline: churn\nsteps: {a: {notebook: a.ipynb}}", "x.mlpipeline.yaml")
    workshop.pipeline("steps: [", "broken.mlpipeline.yaml")
    workshop.pipeline("steps: {a: {notebook: a.ipynb}}", ".hidden/h.mlpipeline.yaml")
    assert pipelines.show("churn").pipeline.path == "x.mlpipeline.yaml"
    assert pipelines.show("pipeline:churn").pipeline.path == "x.mlpipeline.yaml"
    with pytest.raises(NotFound, match="Did you mean churn"):
        pipelines.show("chrun")
    with pytest.raises(Unprocessable, match=r"broken\.mlpipeline\.yaml, line"):
        pipelines.show("broken")
    with pytest.raises(NotFound):
        pipelines.show("h")
    with pytest.raises(BadRequest, match="outside"):
        pipelines.show("/etc/x.yaml")
    workshop.pipeline("pipeline: churn\nsteps: {a: {notebook: a.ipynb}}", "y.mlpipeline.yaml")
    with pytest.raises(Conflict, match=r"x\.mlpipeline\.yaml and y\.mlpipeline\.yaml"):
        pipelines.show("churn")


def test_lists_show_broken_files_with_their_problem(pipelines: Pipelines, workshop):
    workshop.notebook("a", "1")
    workshop.pipeline(
        "pipeline: good\ndescription: d\nsteps: {a: {notebook: a.ipynb}}", "good.mlpipeline.yaml"
    )
    workshop.pipeline("steps: {a: {notebook: missing.ipynb}}", "sub/bad.mlpipeline.yaml")
    page = pipelines.list()
    assert [(item.name, item.path, item.steps, bool(item.problem)) for item in page.items] == [
        ("good", "good.mlpipeline.yaml", 1, False),
        ("bad", "sub/bad.mlpipeline.yaml", 0, True),
    ]
    assert "line 1" in page.items[1].problem
    assert pipelines.list(limit=1).cursor == "1"


def test_no_broken_file_keeps_the_others_from_view(
    pipelines: Pipelines, workshop, project: Project
):
    workshop.notebook("a", "1")
    workshop.pipeline("pipeline: good\nsteps: {a: {notebook: a.ipynb}}", "good.mlpipeline.yaml")
    workshop.pipeline(f"a: {'[' * 5000}", "deep.mlpipeline.yaml")
    (project.root / os.fsdecode(b"\xff.mlpipeline.yaml")).write_text(
        "steps: {a: {notebook: a.ipynb}}"
    )
    (project.root / "folder.mlpipeline.yaml").mkdir()
    (project.root / "dangling.mlpipeline.yaml").symlink_to("nowhere")
    os.mkfifo(project.root / "fifo.mlpipeline.yaml")
    items = {item.name: item.problem for item in pipelines.list().items}
    assert [name for name, problem in items.items() if not problem] == ["good"]
    assert set(items) == {"good", "deep", "dangling", "fifo", "\N{REPLACEMENT CHARACTER}"}
    assert json.dumps(to_json(pipelines.list()), ensure_ascii=False).encode()
    assert pipelines.show("good").pipeline.name == "good"
    project.index.refresh("pipelines", pipelines.search_fingerprint(), pipelines.search_documents)
    assert [hit.ref for hit in project.index.search("good").items if hit.kind == "pipeline"] == [
        "pipeline:good"
    ]


def test_search_finds_pipelines_and_steps_by_what_they_use(
    pipelines: Pipelines, workshop, project: Project
):
    workshop.notebook("a", "1")
    workshop.pipeline(
        "pipeline: churn\nsteps: {prepare: {notebook: a.ipynb, out: 'dataset:raw.events'}}"
    )
    project.index.refresh("pipelines", pipelines.search_fingerprint(), pipelines.search_documents)
    assert [hit.ref for hit in project.index.search("raw.events").items] == ["step:churn/prepare"]
    assert {hit.kind for hit in project.index.search("churn").items} == {"pipeline", "step"}
    before = pipelines.search_fingerprint()
    workshop.pipeline("pipeline: other\nsteps: {prepare: {notebook: a.ipynb}}")
    assert pipelines.search_fingerprint() != before


def test_the_published_schema_is_that_of_the_code():
    published = REPOSITORY / "docs" / "mlpipeline.schema.json"
    assert published.read_text() == schema(), (
        "write it anew: python -m jupyter_mlinfra.pipelines.schema > docs/mlpipeline.schema.json"
    )
    assert json.loads(schema())["properties"]["steps"]


CORE = {
    "1e-3": 0.001,
    "1e5": 100000.0,
    "1E+2": 100.0,
    ".5": 0.5,
    "5.": 5.0,
    "-1.5e-05": -1.5e-05,
    "+7": 7,
    "0123": 123,
    "0o17": 15,
    "0x1F": 31,
    "1_000": "1_000",
    "12:30": "12:30",
    "190:20:30": "190:20:30",
    "no": "no",
    "Yes": "Yes",
    "on": "on",
    "OFF": "OFF",
    "y": "y",
    "0b11": "0b11",
    "true": True,
    "FALSE": False,
    "~": None,
    "Null": None,
    "": None,
    "2013-11-01": "2013-11-01",
    "1.2.3": "1.2.3",
    "'1e3'": "1e3",
    "=": "=",
    "1e": "1e",
    "e3": "e3",
}
"""Plain values and what they are by the core schema of YAML 1.2 (chapter 10.3.2)."""


@pytest.mark.parametrize("text", CORE)
def test_a_plain_value_is_what_yaml_1_2_says(text: str):
    found = parse_document(f"x: {text}\n{text or 'k'}: 1", "f").data
    assert (found["x"], type(found["x"])) == (CORE[text], type(CORE[text]))
    assert set(found) == {"x", CORE[text] if text else "k"}


def test_parameters_reach_a_notebook_as_they_are_written(project: Project, workshop):
    workshop.notebook("a", "1", parameters="lr = 0\nat = ''\ncountry = ''\ncode = 0\nswitch = {}")
    workshop.pipeline("""
        pipeline: p
        parameters: {lr: 1e-3}
        steps:
          a: {notebook: a.ipynb,
              params: {lr: "{{ lr }}", at: 12:30, country: no, code: 0o123, switch: {on: off}}}
        """)
    found = load(project.root, project.root / "p.mlpipeline.yaml")
    (step,) = bind(
        found, found.values({}), read_document(project.root / found.path, found.path).error
    ).steps
    assert step.parameters == {
        "lr": 0.001,
        "at": "12:30",
        "country": "no",
        "code": 83,
        "switch": {"on": "off"},
    }


def test_a_notebook_that_is_named_from_the_projects_root_is_told_how_to_write_it(
    pipelines: Pipelines, workshop
):
    workshop.notebook("nc/report", "pass")
    workshop.pipeline(
        "pipeline: p\nsteps:\n  report: {notebook: nc/report.ipynb}\n", "nc/p.mlpipeline.yaml"
    )
    with pytest.raises(Unprocessable) as caught:
        pipelines.check("nc/p.mlpipeline.yaml")
    assert caught.value.why == "Its path begins at this file's folder."
    assert caught.value.fix == "nc/report.ipynb exists below the project: write report.ipynb"


def test_a_path_with_a_placeholder_is_shown_below_the_project_as_the_others_are(
    pipelines: Pipelines, workshop
):
    workshop.notebook("nc/fit", "pass")
    (workshop.root / "nc" / "rows.txt").touch()
    out = '["model-{{ date }}.txt", "fit.txt", "dataset:a.{{ date }}"]'
    workshop.pipeline(
        f"pipeline: p\nsteps:\n  fit: {{notebook: fit.ipynb, in: rows.txt, out: {out}}}\n",
        "nc/p.mlpipeline.yaml",
    )
    (step,) = pipelines.check("p").graph
    assert (list(step.inputs), list(step.outputs)) == (
        ["nc/rows.txt"],
        ["nc/model-{{ date }}.txt", "nc/fit.txt", "dataset:a.{{ date }}"],
    )
