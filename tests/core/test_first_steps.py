"""The way in: what `mlinfra init` makes and names, and the notebook that the launcher opens."""

from __future__ import annotations

import json

import nbformat
import pytest
from ipykernel.ipkernel import IPythonKernel
from IPython.core.inputtransformer2 import TransformerManager

from jupyter_mlinfra.cli.app import VERBS, groups
from jupyter_mlinfra.core.card import ProjectCard
from jupyter_mlinfra.core.domains import section_of, settings_of_ours
from jupyter_mlinfra.core.first_steps import NEXT, NOTEBOOK, begin, first_notebook
from jupyter_mlinfra.core.settings import FILE, load_settings
from jupyter_mlinfra.jobs import JobSettings
from tests.conftest import REPOSITORY


def test_a_new_project_has_settings_that_are_the_defaults_and_nothing_is_overwritten(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / FILE).touch()
    assert begin(tmp_path)
    made, empty = load_settings(tmp_path), load_settings(tmp_path / "empty")
    assert made.home == empty.home
    sections = [section_of(table) for table in ("project", *settings_of_ours())]
    assert ProjectCard in sections
    assert JobSettings in sections
    for section in filter(None, sections):
        assert made.of(section) == empty.of(section)
    (tmp_path / FILE).write_text("[project]\nname = 'kept'\n")
    assert not begin(tmp_path)
    assert load_settings(tmp_path).project.name == "kept"


def test_the_lines_of_the_card_work_when_their_marks_are_taken_away(tmp_path):
    begin(tmp_path)
    path = tmp_path / FILE
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line.removeprefix("# ") for line in lines[1:]))
    assert load_settings(tmp_path).project.targets.datasets == ("shop.orders",)


def test_each_next_step_that_is_a_command_is_one(tmp_path):
    named = [step.split()[1] for step in NEXT if step.startswith("mlinfra ")]
    assert named
    assert set(named) <= {*groups(), *VERBS}


def test_the_notebook_is_valid_its_cells_are_code_and_it_is_made_once(tmp_path):
    path = first_notebook(tmp_path)
    assert path.name == NOTEBOOK
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            compile(TransformerManager().transform_cell(cell.source), "cell", "exec")
    path.write_text("mine")
    assert first_notebook(tmp_path).read_text() == "mine"


@pytest.mark.parametrize(
    "word", ["%load_ext jupyter_mlinfra", "%catalog ingest", "ml.track", "ml.runs", "%jobs submit"]
)
def test_the_notebook_goes_through_a_dataset_a_run_and_a_job(tmp_path, word):
    assert any(word in cell.source for cell in nbformat.read(first_notebook(tmp_path), 4).cells)


def test_the_notebook_says_of_its_language_what_its_kernel_says_so_opening_it_changes_nothing(
    tmp_path,
):
    metadata = json.loads(first_notebook(tmp_path).read_bytes())["metadata"]
    assert metadata["language_info"] == IPythonKernel.language_info


@pytest.mark.parametrize(
    "path", sorted((REPOSITORY / "notebooks").glob("*.ipynb")), ids=lambda path: path.name
)
def test_the_notebooks_of_the_flights_project_say_the_same_of_their_language(path):
    language = json.loads(path.read_bytes())["metadata"]["language_info"]
    # JupyterLab still marks it as changed where the kernel's Python has another version.
    assert language | {"version": ""} == IPythonKernel.language_info | {"version": ""}
