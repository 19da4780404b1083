"""`deploy --target kubernetes`: what the settings say of the clusters, and what is refused before
anything is built.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments import DeliverySpec, Deployments
from jupyter_mlinfra.deployments.kubernetes.plan import ManifestOptions

URI = "s3://models/flights/{version}"


def deployments(folder: Path, settings: str) -> Deployments:
    text = f'[project]\nname = "test"\n[deployments.kubernetes]\n{settings}'
    (folder / "mlinfra.toml").write_text(text)
    return Deployments(Project.open(folder), None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "wishes", "said"),
    [
        ("", {}, "There are seldon-v1, core2 and kserve"),
        ('kind = "kserve"', {}, "does not know where the model is"),
        ('kind = "kserve"\nmodel_uri = "file:///models"', {}, "A cluster cannot read file:"),
        (f'kind = "core2"\nmodel_uri = "{URI}"', {"traffic": 0}, "a cluster starts only versions"),
        (
            f'kind = "core2"\nmodel_uri = "{URI}"',
            {"delivery": DeliverySpec(steps=(5, 100))},
            "The steps of a plan move the traffic of this machine alone",
        ),
    ],
)
def test_what_could_not_come_to_a_cluster_is_refused_before_anything_is_built(
    tmp_path: Path, settings: str, wishes: dict[str, Any], said: str
) -> None:
    found: dict[str, Any] = {"traffic": None, "delivery": DeliverySpec()} | wishes
    with pytest.raises(BadRequest, match=said):
        deployments(tmp_path, settings)._check_cluster(None, "v1", **found)


def test_a_shadow_needs_no_traffic_to_come_to_a_cluster(tmp_path: Path) -> None:
    verbs = deployments(tmp_path, f'kind = "core2"\nmodel_uri = "{URI}"')
    verbs._check_cluster(None, "v2", 0, DeliverySpec(shadow=100))


def test_an_image_or_an_address_that_is_given_leaves_both_of_the_settings_out(
    tmp_path: Path,
) -> None:
    verbs = deployments(
        tmp_path,
        f'kind = "kserve"\nmodel_uri = "{URI}"\nmodel_format = "sklearn"\nnamespace = "prod"\n',
    )
    settings = {"model_uri": URI, "model_format": "sklearn", "namespace": "prod"}
    assert verbs._filled(None) == ManifestOptions(**settings)  # type: ignore[arg-type]
    given = ManifestOptions(image="registry/flights", namespace="test")
    assert verbs._filled(given) == given
