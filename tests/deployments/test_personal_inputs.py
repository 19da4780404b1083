"""Inputs that come from columns tagged `pii` are masked as those that the settings name."""

from __future__ import annotations

import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.errors import Unavailable
from jupyter_mlinfra.core.lineage import UNTRACED
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments import masked_inputs
from jupyter_mlinfra.deployments import personal as personal_module
from jupyter_mlinfra.deployments.bodies import shown_sample
from jupyter_mlinfra.deployments.personal import hidden_inputs

MASK = "•••"
INPUTS = ["age", "email", "mail", "e[m]ail"]


@pytest.fixture
def catalog(project: Project) -> Catalog:
    """A model was made from `hr.train`, that from `hr.people`, and nothing from `hr.other`."""
    catalog = Catalog(project)
    for name in ("hr.people", "hr.train", "hr.other"):
        columns = ["age", "mail"] if name == "hr.train" else ["age", "email", "e[m]ail"]
        catalog.write(pl.DataFrame({column: ["x"] for column in columns}), into=name)
    project.lineage.record(
        "sql",
        inputs=["dataset:hr.people@1"],
        outputs=["dataset:hr.train"],
        columns={"mail": [("dataset:hr.people@1", "email")]},
    )
    project.lineage.record("train", inputs=["dataset:hr.train@2"], outputs=["run:1"])
    return catalog


def test_a_tag_masks_what_models_are_made_from_as_soon_as_it_is_there(
    project: Project, catalog: Catalog
) -> None:
    assert masked_inputs(project, INPUTS) == set()
    catalog.tag("column:hr.other.age", add=["pii"])
    assert masked_inputs(project, INPUTS) == set()
    catalog.tag("column:hr.people.email", add=["PII"])
    assert masked_inputs(project, [*INPUTS, "input.email"]) == {"email", "mail", "input.email"}
    catalog.tag("column:hr.people.email", remove=["PII"])
    catalog.tag("column:hr.people.e[m]ail", add=["pii"])
    assert masked_inputs(project, INPUTS) == {"e[m]ail"}  # not a pattern
    assert not hidden_inputs(project).any  # no deployment takes it


def test_a_column_that_its_dataset_has_no_more_is_masked_still(
    project: Project, catalog: Catalog
) -> None:
    catalog.tag("column:hr.people.email", add=["pii"])
    catalog.write(pl.DataFrame({"age": ["x"]}), into="hr.people", mode="replace")
    assert masked_inputs(project, INPUTS) == {"email", "mail"}


def test_what_is_not_traced_may_be_personal_and_a_deleted_dataset_masks_still(
    project: Project, catalog: Catalog
) -> None:
    project.lineage.record(
        "sql",
        inputs=["dataset:hr.people@1"],
        outputs=["dataset:hr.train"],
        facts={UNTRACED: ["e[m]ail"]},
        columns={"age": [("dataset:hr.people@1", "age")]},
    )
    assert masked_inputs(project, INPUTS) == set()
    catalog.tag("column:hr.people.email", add=["pii"])
    hidden = {"email", "mail", "e[m]ail"}
    assert masked_inputs(project, INPUTS) == hidden
    catalog.delete("hr.people", force=True)
    assert masked_inputs(project, INPUTS) == hidden
    (entry,) = catalog.audit("hr.people").items
    assert (entry.verb, entry.columns) == ("delete", ["email"])


def test_where_the_tags_cannot_be_read_no_value_is_shown(
    project: Project, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise Unavailable("The warehouse does not answer.")

    monkeypatch.setattr(personal_module, "_names", fails)
    assert masked_inputs(project, INPUTS) == {*INPUTS}


def test_a_sample_is_shown_without_the_values_of_masked_inputs() -> None:
    rows = {"names": ["age", "email"], "ndarray": [[1, "a"], [2, "b"]]}
    assert shown_sample(rows, ["em*"])["ndarray"] == [[1, MASK], [2, MASK]]
    assert shown_sample(rows, ["other"]) is rows
    tensors = {"names": ["age", "email"], "jsonData": {"age": [[1]], "email": [["a"]]}}
    assert shown_sample(tensors, ["email"])["jsonData"] == {"age": [[1]], "email": MASK}
