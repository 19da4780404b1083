"""What a manifest may be: our models against planted faults and against other libraries."""

from __future__ import annotations

import copy
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.utils.quantity import parse_quantity
from manifest_corpus import FAULTS, PLANS, Fault, documents
from pydantic import ValidationError

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments import environment
from jupyter_mlinfra.deployments.kubernetes.fields import quantity
from jupyter_mlinfra.deployments.kubernetes.kinds import KINDS, faults
from jupyter_mlinfra.deployments.kubernetes.pods import Metadata
from jupyter_mlinfra.deployments.kubernetes.seldon_v1 import SeldonDeployment
from jupyter_mlinfra.deployments.kubernetes.written import to_yaml


@pytest.mark.parametrize("name", PLANS)
def test_what_we_write_is_accepted_when_it_is_read_again(name: str) -> None:
    for document in documents(name):
        assert faults(document) == []
        model = KINDS[document["apiVersion"], document["kind"]]
        assert model.of(document).document() == document


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_planted_fault_is_refused(fault: Fault) -> None:
    document = fault.planted()
    assert document not in documents(fault.base)
    assert faults(document)


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("spec/predictors/0/traffic", 80, "the traffic of the predictors is 90 %, not 100"),
        ("spec/predictors/0/graph/name", "other", "node other has no container of that name"),
        ("spec/predictors/0/trafic", 90, "spec.predictors.0.trafic: Extra inputs"),
        (
            "spec/predictors/0/componentSpecs/0/spec/containers/0/image",
            "registry/flights:latest",
            "has no tag of its own",
        ),
        (
            "spec/predictors/0/componentSpecs/0/spec/containers/0/env",
            [{"name": "API_TOKEN", "value": "x"}],
            "API_TOKEN looks like a secret",
        ),
    ],
)
def test_the_sentence_says_where_and_why(place: str, value: Any, words: str) -> None:
    fault = Fault("seldon-v1 everything", "SeldonDeployment", place, value)
    assert any(words in sentence for sentence in faults(fault.planted()))


def test_a_predictor_without_traffic_beside_others_is_refused() -> None:
    document = documents("seldon-v1 image canary")[0]
    first, second = document["spec"]["predictors"]
    first["traffic"], second["traffic"] = 100, 0
    assert any("v2 has no traffic" in sentence for sentence in faults(document))
    document["spec"]["predictors"] = [first]
    assert faults(document) == []


def test_names_that_the_operator_would_replace_by_a_hash_are_refused() -> None:
    document = documents("seldon-v1 image one")[0]
    longest = 63 - len("-v1-svc-orch")
    document["metadata"]["name"] = "f" * longest
    assert faults(document) == []
    document["metadata"]["name"] += "f"
    assert any("64 characters" in sentence for sentence in faults(document))


def test_another_kind_is_none_of_ours() -> None:
    assert "none of our kinds" in faults({"apiVersion": "v1", "kind": "Pod"})[0]


def _pods() -> list[dict[str, Any]]:
    """All pod specs in what we write, as pods of their own."""
    found = []
    for name in PLANS:
        for document in documents(name):
            spec = document["spec"]
            for predictor in spec.get("predictors", ()):
                found += [component["spec"] for component in predictor["componentSpecs"]]
            for part in (spec, *spec.get("canary", ())):
                predictor = part.get("predictor") or {}
                if "containers" in predictor:
                    keys = ("containers", "serviceAccountName", "imagePullSecrets")
                    found.append({key: predictor[key] for key in keys if key in predictor})
            if "podSpec" in spec:
                found.append(spec["podSpec"])
    return found


@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_kubernetes_own_schemas_accept_our_pods(version: str) -> None:
    pods = _pods()
    assert len(pods) > 30
    for spec in pods:
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
        kubernetes_validate.validate(pod, version, strict=True)


@pytest.mark.skipif(
    "MLINFRA_TEST_MLSERVER" not in os.environ, reason="needs KServe's package; run `make mlserver`"
)
def test_kserves_own_models_know_every_field_that_we_write(project: Project) -> None:
    services = [
        document
        for name in PLANS
        for document in documents(name)
        if document["kind"] == "InferenceService"
    ]
    wrong = copy.deepcopy(services[0])
    wrong["spec"]["predictor"]["minReplica"] = wrong["spec"]["predictor"].pop("minReplicas", 1)
    python = environment.ensure(
        ["kserve==0.21.0"],
        environment.cache_folder(project.settings),
        recipe=environment.Recipe("environment of kserve", packages=(), overrides=()),
    )
    script = Path(__file__).parents[2] / "support" / "kserve_models.py"
    done = subprocess.run(
        [python, script], input=json.dumps([*services, wrong]), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(services) >= 12
    assert found["fields"] > 20 * len(services)
    assert found["faults"] == [
        f"{len(services)}.spec.predictor.minReplica: V1beta1PredictorSpec has no such field"
    ]


_UNITS = ("", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


@given(st.decimals(0, 10**6, places=3), st.sampled_from(_UNITS))
def test_quantities_are_those_of_the_official_client(number: Any, unit: str) -> None:
    assert quantity(f"{number:f}{unit}") == parse_quantity(f"{number:f}{unit}")


@pytest.mark.parametrize("text", ["", "1GB", "1 Gi", "-1", "+1", "Gi", "1e", "0x1", "1_000"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        quantity(text)


@given(st.text(max_size=40).filter(lambda text: "\r" not in text))
def test_every_text_comes_out_of_the_yaml_as_it_went_in(text: str) -> None:
    document = documents("seldon-v1 image one")[0]
    document["metadata"]["annotations"] = {"note": text}
    written = to_yaml([SeldonDeployment.of(document)])
    assert yaml.safe_load(written) == document


@pytest.mark.parametrize(
    "text", ["y", "No", "on", "1e3", "0o7", "1_000", "12:30", "~", ".5", "null"]
)
def test_texts_that_some_parsers_take_for_something_else_are_quoted(text: str) -> None:
    document = documents("seldon-v1 image one")[0]
    document["metadata"]["annotations"] = {"note": text}
    assert f'note: "{text}"' in to_yaml([SeldonDeployment.of(document)])


def test_a_model_takes_nothing_that_it_would_have_to_convert() -> None:
    with pytest.raises(ValidationError):
        Metadata.of({"name": "flights", "namespace": "prod", "labels": {"a": 1}})
