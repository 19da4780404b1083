"""From a deployment to its manifests."""

from __future__ import annotations

from typing import Any

import pytest
from manifest_corpus import BUNDLES, IMAGE, MODELS, ONE, PLANS, THREE, TWO, URI, documents, plan

from jupyter_mlinfra.core.errors import BadRequest, MLInfraError, Unprocessable
from jupyter_mlinfra.deployments.kubernetes.plan import ManifestOptions, plan_of
from jupyter_mlinfra.deployments.kubernetes.render import manifests
from jupyter_mlinfra.deployments.kubernetes.written import to_yaml


def written(kind: Any, traffic: Any, **options: Any) -> list[dict[str, Any]]:
    return [manifest.document() for manifest in manifests(plan(traffic, **options), kind)]


def test_a_canary_of_seldon_has_one_predictor_for_each_version_with_its_share() -> None:
    (document,) = written("seldon-v1", {"v1": 10, "v2": 90, "v3": 0}, image=IMAGE)
    predictors = document["spec"]["predictors"]
    assert [(item["name"], item["traffic"]) for item in predictors] == [("v2", 90), ("v1", 10)]
    images = [item["componentSpecs"][0]["spec"]["containers"][0]["image"] for item in predictors]
    assert images == [f"{IMAGE}:v2-{BUNDLES['v2']}", f"{IMAGE}:v1-{BUNDLES['v1']}"]
    assert document["spec"]["protocol"] == "seldon"


def test_a_shadow_of_seldon_gets_copies_of_everything() -> None:
    (document,) = written("seldon-v1", TWO, image=IMAGE, shadow="v3")
    *live, shadow = document["spec"]["predictors"]
    assert (shadow["name"], shadow["shadow"], shadow["traffic"]) == ("v3", True, 100)
    assert not any("shadow" in item for item in live)


def test_prepackaged_servers_are_mlserver() -> None:
    (document,) = written("seldon-v1", TWO, model_uri=URI, model_format="xgboost", secret="s3")
    assert document["spec"]["protocol"] == "v2"
    graph = document["spec"]["predictors"][0]["graph"]
    assert (graph["implementation"], graph["modelUri"]) == (
        "XGBOOST_SERVER",
        "s3://models/flights/v1",
    )
    assert graph["envSecretRefName"] == "s3"


def test_core_2_gets_its_models_before_the_experiment_that_names_them() -> None:
    found = written("core2", TWO, model_uri=URI, shadow="v3", image="seldonio/mlserver:1.7.1")
    assert [item["kind"] for item in found] == ["Server", "Model", "Model", "Model", "Experiment"]
    spec = found[-1]["spec"]
    assert spec["candidates"] == [
        {"name": "flights-v1", "weight": 90},
        {"name": "flights-v2", "weight": 10},
    ]
    assert spec["mirror"] == {"name": "flights-v3", "percent": 100}
    server = found[0]
    for model in found[1:-1]:
        assert server["spec"]["extraCapabilities"][0] in model["spec"]["requirements"]


def test_kserve_gets_the_version_with_most_traffic_as_the_stable_one() -> None:
    (document,) = written("kserve", {"v1": 30, "v2": 60, "v3": 10}, model_uri=URI)
    assert document["spec"]["predictor"]["name"] == "v2"
    canaries = [
        (item["predictor"]["name"], item["trafficPercent"]) for item in document["spec"]["canary"]
    ]
    assert canaries == [("v1", 30), ("v3", 10)]
    assert document["metadata"]["annotations"]["serving.kserve.io/deploymentMode"] == "Standard"


def test_an_autoscaler_takes_the_place_of_a_number_of_replicas() -> None:
    (fixed,) = written("seldon-v1", ONE, image=IMAGE, replicas=3)
    (scaled,) = written("seldon-v1", ONE, image=IMAGE, replicas=3, max_replicas=9)
    assert fixed["spec"]["predictors"][0]["replicas"] == 3
    predictor = scaled["spec"]["predictors"][0]
    assert "replicas" not in predictor
    hpa = predictor["componentSpecs"][0]["hpaSpec"]
    assert (hpa["minReplicas"], hpa["maxReplicas"]) == (3, 9)


@pytest.mark.parametrize("name", PLANS)
def test_the_same_deployment_gives_the_same_text(name: str) -> None:
    kind, chosen = PLANS[name]
    first = to_yaml(manifests(chosen, kind))
    assert first == to_yaml(manifests(chosen, kind))
    assert first.count("apiVersion:") == len(documents(name))


@pytest.mark.parametrize(
    ("kind", "traffic", "options", "words"),
    [
        ("seldon-v1", ONE, {}, "does not know where the model is"),
        ("seldon-v1", ONE, {"image": IMAGE, "model_uri": URI}, "two sources"),
        ("seldon-v1", TWO, {"image": "r/flights:v1"}, "One image cannot hold 2 versions"),
        ("seldon-v1", TWO, {"model_uri": "s3://m/flights"}, "One address cannot hold 2 versions"),
        ("seldon-v1", ONE, {"model_uri": "models:/flights/1"}, "A cluster cannot read"),
        ("seldon-v1", ONE, {"model_uri": "file:///m"}, "A cluster cannot read"),
        ("seldon-v1", ONE, {"model_uri": "/srv/m"}, "A cluster cannot read"),
        (
            "seldon-v1",
            ONE,
            {"model_uri": URI, "model_format": "lightgbm"},
            "no server for lightgbm",
        ),
        ("seldon-v1", ONE, {"model_uri": URI, "model_format": "onnx"}, "no format 'onnx'"),
        ("seldon-v1", TWO, {"image": IMAGE, "shadow": "v2"}, "v2 of flights answers 10 %"),
        ("seldon-v1", {"v1": 0}, {"image": IMAGE}, "No traffic of flights"),
        ("core2", ONE, {"image": IMAGE}, "loads models from an object store"),
        ("core2", TWO, {"image": IMAGE, "model_uri": URI}, "one image for all versions"),
        ("core2", ONE, {"model_uri": URI, "logger_url": "http://l"}, "Kafka"),
        ("core2", ONE, {"model_uri": URI, "service_account": "a"}, "names a Secret"),
        ("kserve", TWO, {"image": IMAGE, "shadow": "v3"}, "KServe has no shadow"),
        ("kserve", ONE, {"model_uri": URI, "secret": "s"}, "service account"),
        ("helm", ONE, {"image": IMAGE}, "no kind 'helm'"),
    ],
)
def test_options_that_do_not_fit_are_refused_with_the_way_out(
    kind: str, traffic: Any, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadRequest) as refused:
        written(kind, traffic, **options)
    assert words in str(refused.value)
    assert refused.value.fix


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("seldon-v1", {"image": "Registry/Flights"}, "is not an image"),
        ("seldon-v1", {"image": IMAGE, "memory": "lots"}, "is not a quantity"),
        ("seldon-v1", {"image": IMAGE, "namespace": "Prod"}, "is not a name"),
        ("seldon-v1", {"image": IMAGE, "replicas": 9, "max_replicas": 3}, "9 is above 3"),
        ("seldon-v1", {"image": IMAGE, "logger_url": "logger"}, "is not an address"),
        ("seldon-v1", {"model_uri": "s3://key:pw@m/1"}, "is a secret"),
        ("core2", {"model_uri": "pvc://m/1"}, "the agent reads"),
        ("kserve", {"model_uri": "azureblob://m/1"}, "the storage initializer reads"),
        ("kserve", {"image": IMAGE, "name": "2026-flights"}, "must begin with a letter"),
        ("seldon-v1", {"image": IMAGE, "name": "2026-flights"}, "must begin with a letter"),
        ("seldon-v1", {"model_uri": URI, "name": "9"}, "must begin with a letter"),
        ("core2", {"image": IMAGE, "model_uri": URI, "name": "9"}, "must begin with a letter"),
        ("seldon-v1", {"image": IMAGE, "cpu": "0", "max_replicas": 3}, "requests none"),
        ("kserve", {"image": IMAGE, "cpu": "0m", "max_replicas": 3}, "requests none"),
        ("kserve", {"model_uri": URI, "cpu": "0.0", "max_replicas": 3}, "requests none"),
        ("kserve", {"image": IMAGE, "namespace": "n" * 60}, "characters"),
        ("seldon-v1", {"image": IMAGE, "name": "f" * 60}, "use a shorter name"),
    ],
)
def test_what_a_cluster_would_refuse_is_not_written(
    kind: Any, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(Unprocessable) as refused:
        written(kind, ONE, **options)
    assert words in str(refused.value)


def test_no_secret_comes_into_a_message() -> None:
    with pytest.raises(MLInfraError) as refused:
        written("seldon-v1", ONE, model_uri="s3://key:tr0ub4dor@models/1")
    assert "tr0ub4dor" not in str(refused.value)


def test_versions_of_equal_share_are_in_the_order_of_their_numbers() -> None:
    traffic = {"v10": 25, "v9": 25, "v2": 50}
    models = {version: f"flights/{version[1:]}" for version in traffic}
    found = plan_of("flights", "prod", traffic, models, ManifestOptions(image=IMAGE))
    assert [item.version for item in found.versions] == ["v2", "v9", "v10"]


def test_an_image_may_say_itself_where_the_version_is() -> None:
    (document,) = written("kserve", THREE, image="registry/flights-{version}:2026.11")
    containers = document["spec"]["predictor"]["containers"]
    assert containers[0]["image"] == "registry/flights-v1:2026.11"
    assert MODELS["v1"] == document["spec"]["predictor"]["annotations"]["jupyter-mlinfra/model"]
