"""`deploy --target kubernetes`: what the settings say of the clusters, and what is refused before
anything is built.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments import DeliverySpec, Deployments, VersionState
from jupyter_mlinfra.deployments.kubernetes.plan import ManifestOptions

URI = "s3://models/flights/{version}"
SELDON = f'kind = "core2"\nmodel_uri = "{URI}"'
SHADOW = DeliverySpec(shadow=100)


def deployments(folder: Path, settings: str, *versions: str) -> Deployments:
    """Of a project with a deployment of these versions, whose traffic is 0."""
    text = f'[project]\nname = "test"\n[deployments.kubernetes]\n{settings}'
    (folder / "mlinfra.toml").write_text(text)
    found = Deployments(Project.open(folder), None)  # type: ignore[arg-type]
    for version in versions:
        number = int(version[1:])
        found._store.begin(
            "flights", version, target="local", model="flights", number=number, workers=1, user="a"
        )
    return found


def check(
    verbs: Deployments,
    number: int,
    traffic: int | None = None,
    delivery: DeliverySpec | None = None,
) -> str:
    version: Any = SimpleNamespace(model="flights", version=number)
    return verbs._check_cluster("flights", version, traffic, delivery or DeliverySpec())


def serving(verbs: Deployments, version: str, **columns: int) -> None:
    """Set what a verb would, such as the traffic."""
    for column, value in columns.items():
        with verbs._project.database.write() as connection:
            connection.execute(
                f"UPDATE deployment_version SET {column} = ? WHERE version = ?",
                (value, version),
            )


@pytest.mark.parametrize(
    ("settings", "wishes", "said"),
    [
        ("", {}, "There are seldon-v1, core2 and kserve"),
        ('kind = "kserve"', {}, "does not know where the model is"),
        ('kind = "kserve"\nmodel_uri = "file:///models"', {}, "A cluster cannot read file:"),
        (SELDON, {"traffic": 0}, "a cluster starts only versions"),
        (SELDON, {"delivery": DeliverySpec(steps=(5, 100))}, "move the traffic of this machine"),
        (SELDON, {"delivery": DeliverySpec(shadow=25)}, "It gets copies of all"),
        (f'kind = "kserve"\nmodel_uri = "{URI}"', {"delivery": SHADOW}, "KServe has no shadow"),
        (
            'kind = "core2"\nmodel_uri = "s3://models/flights"',
            {"traffic": 10},
            "One address cannot hold 2 versions",
        ),
    ],
)
def test_what_could_not_come_to_a_cluster_is_refused_before_anything_is_built(
    tmp_path: Path, settings: str, wishes: dict[str, Any], said: str
) -> None:
    verbs = deployments(tmp_path, settings, "v1")
    if wishes:
        serving(verbs, "v1", traffic=100)
    with pytest.raises(BadRequest, match=said):
        check(verbs, 2, **wishes)


def test_a_format_that_the_model_was_not_logged_in_is_refused_before_anything_is_built(
    tmp_path: Path,
) -> None:
    verbs = deployments(tmp_path, f'{SELDON}\nmodel_format = "lightgbm"')
    (tmp_path / "MLmodel").write_text("flavors: {python_function: {}, sklearn: {}}")
    registry: Any = SimpleNamespace(head=lambda _: tmp_path)  # no other file is fetched
    verbs._experiments = registry
    with pytest.raises(BadRequest, match="flights/1 cannot be read as lightgbm") as refused:
        check(verbs, 1)
    assert refused.value.fix.startswith("--format mlflow or sklearn")


def test_a_version_gets_all_while_none_has_any_as_after_a_first_one_that_failed(
    tmp_path: Path,
) -> None:
    verbs = deployments(tmp_path, SELDON, "v1")
    verbs._store.move("flights", "v1", VersionState.FAILED, deployer="")
    assert check(verbs, 1) == ""


def test_a_shadow_needs_no_traffic_and_one_that_is_there_stays(tmp_path: Path) -> None:
    verbs = deployments(tmp_path, SELDON, "v1", "v2")
    serving(verbs, "v1", traffic=100)
    assert check(verbs, 2, delivery=SHADOW) == "v2"
    serving(verbs, "v2", shadow=100)
    assert check(verbs, 3, traffic=10) == "v2"
    assert check(verbs, 2, traffic=10) == ""


def test_an_image_or_an_address_that_is_given_leaves_both_of_the_settings_out(
    tmp_path: Path,
) -> None:
    verbs = deployments(
        tmp_path,
        f'kind = "kserve"\nmodel_uri = "{URI}"\nmodel_format = "sklearn"\nnamespace = "prod"',
    )
    settings = {"model_uri": URI, "model_format": "sklearn", "namespace": "prod"}
    assert verbs._filled(None) == ManifestOptions(**settings)  # type: ignore[arg-type]
    given = ManifestOptions(image="registry/flights", namespace="test")
    assert verbs._filled(given) == given
