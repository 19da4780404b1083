"""What can be deployed is told from `MLmodel` alone, in the same words at registration and at deploy, with a fix that fits the model."""

from __future__ import annotations

import pytest

from jupyter_mlinfra.deployments.servable import fix_of, unservable

XGBOOST = {"xgboost": {"data": "model.ubj"}, "python_function": {}}


@pytest.mark.parametrize(
    ("flavors", "why", "fix"),
    [
        (XGBOOST, "", ""),
        ({"xgboost": {"data": "model.pkl"}}, "model.pkl is neither UBJ nor JSON", 'Log it with model_format="ubj".'),
        ({"sklearn": {}, "python_function": {}}, "of flavor sklearn;", "in a notebook or a job"),
        ({"python_function": {}}, "of flavor python_function;", "in a notebook or a job"),
        (None, "names no flavor", "in a notebook or a job"),
        ("text", "names no flavor", "in a notebook or a job"),
    ],
)
def test_why_a_model_cannot_be_deployed_and_what_to_do(flavors, why, fix):
    document = {} if flavors is None else {"flavors": flavors}
    assert why in unservable(document)
    assert bool(why) == bool(unservable(document))
    assert fix in fix_of(document)
    assert "mlflow.xgboost" not in fix_of(document)
