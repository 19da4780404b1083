"""Pipeline files before they are saved: a text gives its graph or its fault, and notebooks give a
first text.
"""

from __future__ import annotations

import pytest

from jupyter_mlinfra.core.errors import BadRequest, Conflict, NotFound
from jupyter_mlinfra.pipelines.notebook import read_notebook
from jupyter_mlinfra.pipelines.touched import touched

TEXT = """
steps:
  make: {notebook: a.ipynb, out: data/x.parquet}
  use: {notebook: b.ipynb, in: data/x.parquet}
"""


@pytest.fixture
def two(workshop):
    workshop.notebook("a", "1", parameters="depth = 6")
    workshop.notebook("b", "1")


def test_a_draft_gives_the_graph_of_a_text_that_is_nowhere_saved(project, pipelines, two):
    found = pipelines.draft("new.mlpipeline.yaml", f"parameters: {{day: x}}\n{TEXT}")
    assert (found.name, found.path, found.fault) == ("new", "new.mlpipeline.yaml", None)
    assert [(step.name, list(step.after)) for step in found.graph] == [
        ("make", []),
        ("use", ["make"]),
    ]
    assert found.parameters == {"day": "x"}
    assert not (project.root / "new.mlpipeline.yaml").exists()


def test_the_page_of_a_pipeline_knows_its_parameters_and_its_date(pipelines, workshop, two):
    steps = TEXT.replace("notebook: a.ipynb", "notebook: a.ipynb, params: {depth: '{{ date }}'}")
    workshop.pipeline(f"parameters: {{depth: 4}}\n{steps}")
    found = pipelines.show("p")
    assert (found.parameters, found.date) == ({"depth": 4}, "date")


def test_the_elements_of_a_foreach_are_in_the_graph(pipelines, two):
    text = "steps:\n  make: {notebook: a.ipynb, foreach: {depth: [4, 6]}}\n"
    assert list(pipelines.draft("new.mlpipeline.yaml", text).graph[0].elements) == [
        "make[depth=4]",
        "make[depth=6]",
    ]


@pytest.mark.parametrize(
    ("old", "new", "line", "what", "fix"),
    [
        ("in: data", "inn: data", 4, "Unknown key inn.", "Did you mean in?"),
        ("b.ipynb", "c.ipynb", 4, "Notebook c.ipynb does not exist.", "Did you mean"),
        ("use: {", "use: {{", 5, "This is not valid YAML.", ""),
        (
            "in: data",
            "out: data",
            4,
            "data/x.parquet is made by two steps.",
            "Let one step make it",
        ),
        (
            TEXT,
            "",
            None,
            "new.mlpipeline.yaml is empty.",
            "Write at least `steps:` with one notebook.",
        ),
    ],
)
def test_a_fault_says_its_line_and_what_to_do(
    pipelines, two, old: str, new: str, line: int | None, what: str, fix: str
):
    found = pipelines.draft("new.mlpipeline.yaml", TEXT.replace(old, new))
    assert found.fault is not None
    assert (found.fault.line, found.fault.what) == (line, what)
    assert fix in found.fault.fix
    assert not found.graph


def test_a_draft_stays_in_the_project(pipelines):
    with pytest.raises(BadRequest):
        pipelines.draft("../elsewhere.mlpipeline.yaml", TEXT)


def test_code_tells_what_it_takes_and_makes(workshop):
    path = workshop.notebook(
        "n",
        "from pathlib import Path\nimport polars as pl, joblib\nOUT = Path('data')\nname = 'EWR'",
        "%%time\nframe = pl.read_csv('raw/flights.csv')\n!ls data/none.csv",
        "frame.write_parquet(OUT / f'{name}.parquet')\nother = pl.scan_parquet(OUT /"
        " 'EWR.parquet')",
        "with open('notes.txt', 'w') as file: file.write('written.md')\nweather ="
        " open('weather.csv').read()",
        "joblib.dump(model, 'model.joblib')\n(OUT / 'done.json').write_text('{}')\nopen(unknown)",
        "ml.dataset('flights.departures').scan()\nml.features(['delays:mean',"
        " 'delays:max'])\nml.model('churn@champion')",
        "catalog.write(frame, into='flights.clean',"
        " inputs=['dataset:flights.raw'])\nexperiments.register(run.id, model='late')",
        "pl.read_csv('https://example.org/a.csv')\nprint('x/y')",
    )
    found = touched(read_notebook(path, "n"))
    assert set(found.inputs) == {
        "raw/flights.csv",
        "weather.csv",
        "dataset:flights.departures",
        "view:delays",
        "version:churn@champion",
        "dataset:flights.raw",
    }
    assert set(found.outputs) == {
        "data/EWR.parquet",
        "notes.txt",
        "model.joblib",
        "data/done.json",
        "dataset:flights.clean",
        "model:late",
    }


def test_code_of_handles_tells_what_it_takes_and_makes(workshop):
    path = workshop.notebook(
        "n",
        "ml.ingest('raw.csv', into='shop.orders',"
        " header=True)\nml.dataset('shop.items').ingest(['a.csv',"
        " 'b.csv'])\nml.dataset('shop.late').write(frame)",
        "ml.write(frame,"
        " into='shop.clean')\nml.run(run.id).register('churn')\nml.model('churn/3').deploy('live')",
        "ml.deployment('live').watch()\nml.deployment('live').watch(name='night')\nml.dataset('shop.people').scan()",
    )
    found = touched(read_notebook(path, "n"))
    assert set(found.inputs) == {"raw.csv", "a.csv", "b.csv", "dataset:shop.people"}
    assert set(found.outputs) == {
        "dataset:shop.orders",
        "dataset:shop.items",
        "dataset:shop.late",
        "dataset:shop.clean",
        "model:churn",
        "deployment:live",
        "monitor:live",
        "monitor:night",
    }


def test_notebooks_give_a_file_with_edges_in_an_order_that_fits(project, pipelines, workshop):
    workshop.notebook(
        "flights/02_train",
        "frame = pl.read_parquet('data/clean.parquet')\njoblib.dump(fit(frame), 'model.bin')",
    )
    workshop.notebook(
        "flights/03 évaluer",
        "model = joblib.load('model.bin')\nframe = pl.read_parquet('data/clean.parquet')",
    )
    workshop.notebook(
        "flights/01_clean", "pl.read_csv('../raw.csv').write_parquet('data/clean.parquet')"
    )
    found = pipelines.propose(
        ["flights/02_train.ipynb", "flights/03 évaluer.ipynb", "flights/01_clean.ipynb"]
    )
    assert found.path == "flights/flights.mlpipeline.yaml"
    draft = pipelines.draft(found.path, found.text)
    assert draft.fault is None
    assert {step.name: sorted(step.after) for step in draft.graph} == {
        "clean": [],
        "train": ["clean"],
        "valuer": ["clean", "train"],
    }
    assert list(draft.graph[0].inputs) == ["raw.csv"], "above the file's folder, inside the project"
    assert draft.graph[2].notebook == "flights/03 évaluer.ipynb"


def test_two_that_make_the_same_and_names_that_are_numbers_still_give_a_file_that_is_read(
    pipelines, workshop
):
    workshop.notebook("1", "open('out.txt', 'w')")
    workshop.notebook("true", "open('out.txt', 'w')")
    found = pipelines.propose(["1.ipynb", "true.ipynb"])
    draft = pipelines.draft(found.path, found.text)
    assert draft.fault is None
    assert [(step.name, list(step.outputs)) for step in draft.graph] == [
        ("1", ["out.txt"]),
        ("true", []),
    ]


def test_a_second_proposal_does_not_take_the_name_of_the_first(pipelines, workshop):
    workshop.notebook("a", "1")
    workshop.pipeline("steps: {a: {notebook: a.ipynb}}", name="pipeline.mlpipeline.yaml")
    assert pipelines.propose(["a.ipynb"]).path == "pipeline-2.mlpipeline.yaml"
    with pytest.raises(NotFound):
        pipelines.propose(["none.ipynb"])


def test_a_proposal_with_a_name_is_saved_once(project, pipelines, workshop):
    workshop.notebook("a", "1")
    found = pipelines.propose(["a.ipynb"], name="night", save=True)
    assert (found.path, found.saved) == ("night.mlpipeline.yaml", True)
    assert (project.root / found.path).read_text() == found.text
    assert [step.name for step in pipelines.show("night").graph] == ["a"]
    with pytest.raises(Conflict, match="already"):
        pipelines.propose(["a.ipynb"], name="night", save=True)
    with pytest.raises(BadRequest):
        pipelines.propose(["a.ipynb"], name="../night")
    assert not pipelines.propose(["a.ipynb"], name="other").saved
    assert not (project.root / "other.mlpipeline.yaml").exists()
