"""Changes of a pipeline file's text: what was asked for is there, and every other sign is where it
was.
"""

from __future__ import annotations

import difflib
import random

import pytest
import yaml

from jupyter_mlinfra.core.errors import Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.pipelines.editing import (
    parameters_text,
    read_parameters,
    rename_step,
    set_parameters,
    set_value,
)
from jupyter_mlinfra.workbench import Workbench

TEXT = """\
# who leaves, and why
pipeline: churn   # short

steps:
  features:  # slow
    notebook: 'features.ipynb'
    in: [dataset:sales.orders, data/x.csv]   # raw
    out: data/features.parquet

  # the costly one
  train:
    notebook: train.ipynb
    in:
      - data/features.parquet  # all of them
      - step:features
    out: [model:churn]
    resources: {gpus: 1}
    params:
      note: |
        two
        lines

  evaluate: {notebook: evaluate.ipynb, in: [model:churn]}
# the end
"""


def moved(new: str, old: str = TEXT) -> tuple[list[str], list[str]]:
    """Lines that went, lines that came."""
    found = list(difflib.ndiff(old.splitlines(), new.splitlines()))
    return [line[2:] for line in found if line.startswith("- ")], [
        line[2:] for line in found if line.startswith("+ ")
    ]


@pytest.mark.parametrize(
    ("path", "value", "gone", "come"),
    [
        ("pipeline", "churn-2", ["pipeline: churn   # short"], ["pipeline: churn-2   # short"]),
        ("description", "Who leaves: a study", [], ['description: "Who leaves: a study"']),
        (
            "steps features notebook",
            "f.ipynb",
            ["    notebook: 'features.ipynb'"],
            ["    notebook: f.ipynb"],
        ),
        (
            "steps features in",
            ["dataset:sales.orders", "data/x.csv", "b.csv"],
            ["    in: [dataset:sales.orders, data/x.csv]   # raw"],
            ["    in: [dataset:sales.orders, data/x.csv, b.csv]   # raw"],
        ),
        ("steps features out", ["a", "b"], ["    out: data/features.parquet"], ["    out: [a, b]"]),
        (
            "steps train in",
            ["data/features.parquet", "step:features", "b.csv"],
            [],
            ["      - b.csv"],
        ),
        (
            "steps train in",
            ["b.csv"],
            ["    in:", "      - data/features.parquet  # all of them", "      - step:features"],
            ["    in: [b.csv]"],
        ),
        (
            "steps train in",
            None,
            ["    in:", "      - data/features.parquet  # all of them", "      - step:features"],
            [],
        ),
        (
            "steps train resources gpus",
            0.5,
            ["    resources: {gpus: 1}"],
            ["    resources: {gpus: 0.5}"],
        ),
        (
            "steps train resources cpus",
            2,
            ["    resources: {gpus: 1}"],
            ["    resources: {gpus: 1, cpus: 2}"],
        ),
        ("steps features resources cpus", 2, [], ["    resources: {cpus: 2}"]),
        ("steps train params depth", 6, [], ["      depth: 6"]),
        (
            "steps evaluate retries",
            2,
            ["  evaluate: {notebook: evaluate.ipynb, in: [model:churn]}"],
            ["  evaluate: {notebook: evaluate.ipynb, in: [model:churn], retries: 2}"],
        ),
        (
            "steps evaluate in",
            None,
            ["  evaluate: {notebook: evaluate.ipynb, in: [model:churn]}"],
            ["  evaluate: {notebook: evaluate.ipynb}"],
        ),
        (
            "steps evaluate notebook",
            None,
            ["  evaluate: {notebook: evaluate.ipynb, in: [model:churn]}"],
            ["  evaluate: {in: [model:churn]}"],
        ),
        ("steps evaluate", None, ["  evaluate: {notebook: evaluate.ipynb, in: [model:churn]}"], []),
        (
            "steps report",
            {"notebook": "a b.ipynb", "in": ["model:churn"]},
            [],
            ["  report:", '    notebook: "a b.ipynb"', "    in: [model:churn]"],
        ),
        ("steps train params rate", 1e-05, [], ["      rate: 1e-05"]),
        ("steps features params day", "2026-11-24", [], ['    params: {day: "2026-11-24"}']),
    ],
)
def test_one_value_changes_and_nothing_else(
    path: str, value: object, gone: list[str], come: list[str]
):
    new = set_value(TEXT, path.split(), value)
    assert moved(new) == (gone, come)


LIST = """\
steps:
  a:
    in:
      # raw
      - one.csv  # of the shop

      - 'two.csv'
      # made
      - three.csv  # by hand
    out: x  # all
"""


@pytest.mark.parametrize(
    ("value", "gone", "come"),
    [
        (["two.csv", "three.csv"], ["      - one.csv  # of the shop"], []),
        (["one.csv", "three.csv"], ["      - 'two.csv'"], []),
        (["one.csv", "two.csv"], ["      - three.csv  # by hand"], []),
        (["two.csv"], ["      - one.csv  # of the shop", "      - three.csv  # by hand"], []),
        (["one.csv", "three.csv", "new.csv"], ["      - 'two.csv'"], ["      - new.csv"]),
        (["one.csv", "two.csv", "three.csv"], [], []),
    ],
)
def test_an_item_of_a_list_goes_with_its_line_only(
    value: list[str], gone: list[str], come: list[str]
):
    new = set_value(LIST, ["steps", "a", "in"], value)
    assert moved(new, LIST) == (gone, come)
    assert yaml.safe_load(new)["steps"]["a"]["in"] == value


def test_an_item_of_the_last_line_and_of_a_list_without_indent_goes():
    text = "steps:\n  a:\n    in:\n    - one\n    - two  # !"
    assert set_value(text, ["steps", "a", "in"], ["two"]) == "steps:\n  a:\n    in:\n    - two  # !"
    assert (
        set_value(text, ["steps", "a", "in"], ["one"]).rstrip("\n")
        == "steps:\n  a:\n    in:\n    - one"
    )


def test_a_step_between_comments_goes_and_its_neighbours_stay():
    new = set_value(TEXT, ["steps", "train"], None)
    assert list(yaml.safe_load(new)["steps"]) == ["features", "evaluate"]
    assert "# the end" in new
    assert "# slow" in new


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only words\n",
        "pipeline: p\n",
        "pipeline: p\nsteps:\n",
        "steps: {}\n",
        "{pipeline: p}",
        "pipeline: p\nsteps:",
    ],
)
def test_the_first_step_of_any_beginning(text: str):
    new = set_value(text, ["steps", "a"], {"notebook": "a.ipynb"})
    assert yaml.safe_load(new)["steps"] == {"a": {"notebook": "a.ipynb"}}
    again = yaml.safe_load(set_value(new, ["steps", "b"], {"notebook": "b.ipynb", "in": ["x"]}))[
        "steps"
    ]
    assert again == {"a": {"notebook": "a.ipynb"}, "b": {"notebook": "b.ipynb", "in": ["x"]}}


def test_a_step_is_renamed_with_all_that_names_it():
    assert moved(rename_step(TEXT, "features", "prepare")) == (
        ["  features:  # slow", "      - step:features"],
        ["  prepare:  # slow", "      - step:prepare"],
    )
    with pytest.raises(Unprocessable, match="another has that name"):
        rename_step(TEXT, "features", "train")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a: &x {notebook: a.ipynb}\nsteps: {s: *x}\n", ["steps", "s"]),
        ("base: &x {notebook: a.ipynb}\nsteps:\n  s: *x\n", ["steps", "s", "notebook"]),
        ("steps: [1, 2]\n", ["steps", "s", "notebook"]),
        ("steps:\n\t- x", ["steps", "s"]),
    ],
)
def test_what_can_only_be_changed_in_the_text_is_refused(text: str, path: list[str]):
    with pytest.raises(Unprocessable):
        set_value(text, path, "b.ipynb")


def test_any_value_comes_back_as_it_was_given():
    """Words that YAML takes for something else, signs that it gives a meaning: PyYAML is the
    oracle.
    """
    chance = random.Random(7)
    words = [
        "yes",
        "n",
        "1e3",
        "0x1f",
        "1:30",
        "2026-01-01",
        "~",
        "",
        "a: b",
        "#x",
        "a #b",
        "- x",
        "{{ day }}",
        "'",
        '"',
        "é\n",
        "*x",
        "&y",
        "a,b",
        "[",
        "ok",
        "None",
    ]
    for _ in range(300):
        word = chance.choice(words)
        value = chance.choice(
            [
                word,
                [word, chance.choice(words)],
                {word or "k": [1, None, True]},
                chance.random(),
                -3,
            ]
        )
        new = set_value(
            TEXT, ["steps", chance.choice(["features", "train", "evaluate"]), "params", "x"], value
        )
        found = [step.get("params", {}).get("x") for step in yaml.safe_load(new)["steps"].values()]
        assert value in found


@pytest.mark.parametrize(
    "text", [TEXT, "steps:\n  train:\n", "steps:\n  train: {notebook: gone.ipynb, in: [nothing]}\n"]
)
def test_what_is_to_be_new_replaces_nothing(text: str, project: Project) -> None:
    service = Workbench(project).pipelines
    once = service.edit(text, ["steps", "train"], {"notebook": "other.ipynb"}, new=True)
    twice = service.edit(once.text, ["steps", "train"], {"notebook": "other.ipynb"}, new=True)
    assert (once.name, twice.name) == ("train-2", "train-3")
    news = {name: {"notebook": "other.ipynb"} for name in ("train-2", "train-3")}
    assert yaml.safe_load(twice.text)["steps"] == {**yaml.safe_load(text)["steps"], **news}
    assert (
        service.edit(text, ["steps", "more"], {"notebook": "other.ipynb"}, new=True).name == "more"
    )


PARAMETERS = """\
steps:
  train:
    notebook: train.ipynb
    params:
      k: 5         # neighbours
      # tried 0.1, too fast
      rate: '0.05'
      word: plane
"""


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ("k: 5", {"k": 5}),
        ("k: 5\nname: two words\nflag: false\n", {"k": 5, "name": "two words", "flag": False}),
        ("sizes: [1, 2]\nnested: {a: 1e-3}", {"sizes": [1, 2], "nested": {"a": 0.001}}),
        ('{"k": 5, "on": true}', {"k": 5, "on": True}),
        ("big: 12345678901234567890", {"big": 12345678901234567890}),
        ("day: 2013-12-01", {"day": "2013-12-01"}),
        ("answer: no", {"answer": "no"}),
        ("", {}),
    ],
)
def test_parameters_are_read_as_the_file_reads_them_and_written_so_that_they_read_the_same(
    written: str, values: dict[str, object]
) -> None:
    assert read_parameters(written) == values
    assert read_parameters(parameters_text(values)) == values


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("k:5", "one text"),
        ("- 5", "a list"),
        ("5", "one value"),
        ("k: 5\nk: 6", "given twice"),
        ("k: [1", "line 1"),
    ],
)
def test_what_is_no_mapping_is_refused_with_how_it_reads(written: str, says: str) -> None:
    with pytest.raises(Unprocessable, match=says):
        read_parameters(written)


def test_a_parameter_that_changes_leaves_the_others_with_their_comments_and_quotes() -> None:
    path = ("steps", "train", "params")
    assert moved(
        set_parameters(PARAMETERS, path, {"k": 7, "rate": "0.05", "seed": 1}), PARAMETERS
    ) == (
        ["      k: 5         # neighbours", "      word: plane"],
        ["      k: 7         # neighbours", "      seed: 1"],
    )
    assert moved(
        set_parameters(PARAMETERS, path, {"k": True, "rate": 0.05, "word": "plane"}), PARAMETERS
    )[1] == [
        "      k: true         # neighbours",
        "      rate: 0.05",
    ]
    assert "params" not in set_parameters(PARAMETERS, path, {})
    assert set_parameters("", path, {"k": 5}) == "steps:\n  train: {params: {k: 5}}\n"


def test_the_draft_of_a_file_has_the_parameters_as_they_can_be_written(project: Project) -> None:
    (project.root / "train.ipynb").write_text(
        '{"cells": [{"cell_type": "code", "source": "k = 1\\nrate = 1\\nword = 1", "metadata":'
        ' {"tags": ["parameters"]}, "outputs": []}], "metadata": {}, "nbformat": 4,'
        ' "nbformat_minor": 5}'
    )
    pipelines = Workbench(project).pipelines
    draft = pipelines.draft("a.mlpipeline.yaml", PARAMETERS)
    assert draft.fault is None
    assert draft.written == {"train": 'k: 5\nrate: "0.05"\nword: plane'}
    refused = pipelines.edit(PARAMETERS, ["steps", "train", "params"], parameters="k: [1")
    assert refused.text == PARAMETERS
    assert refused.fault is not None
    assert (refused.fault.line, refused.fault.what) == (1, "This is not valid YAML.")
    edited = pipelines.edit(
        PARAMETERS, ["steps", "train", "params"], parameters='k: 6\nrate: "0.05"\nword: plane'
    )
    assert pipelines.draft("a.mlpipeline.yaml", edited.text).graph[0].parameters == {
        "k": 6,
        "rate": "0.05",
        "word": "plane",
    }
