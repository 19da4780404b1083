"""The verbs of deployments in clusters: settings, messages, what is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_serving import FakeServing, kubeconfig
from manifest_corpus import IMAGE, ONE, TWO, plan

from jupyter_mlinfra.core.errors import Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments.kubernetes.clusters import Clusters
from jupyter_mlinfra.deployments.kubernetes.records import Manifests
from jupyter_mlinfra.deployments.kubernetes.render import manifests

EU, US = "arn:aws:eks:eu-west-1:1:cluster/ml", "kind-us"


@pytest.fixture
def fakes(tmp_path: Path) -> Iterator[dict[str, FakeServing]]:
    found = {US: FakeServing(), EU: FakeServing()}
    yield found
    for fake in found.values():
        fake.stop()


def clusters(folder: Path, fakes: dict[str, FakeServing], *contexts: str) -> Clusters:
    config = kubeconfig(folder / "config", fakes)
    listed = ", ".join(f'"{context}"' for context in contexts)
    (folder / "mlinfra.toml").write_text(
        f'[project]\nname = "test"\n[deployments]\nkubeconfig = "{config}"\ncontexts = [{listed}]\n'
    )
    return Clusters(Project.open(folder))


def made(traffic: dict[str, int]) -> Manifests:
    documents = [item.document() for item in manifests(plan(traffic, image=IMAGE), "seldon-v1")]
    return Manifests(
        deployment="flights", kind="seldon-v1", namespace="prod", manifests=documents, yaml=""
    )


def test_regions_are_those_of_the_settings_in_their_order(
    tmp_path: Path, fakes: dict[str, FakeServing]
) -> None:
    verbs, said = clusters(tmp_path, fakes, EU, US), list[str]()
    for traffic in (ONE, TWO):
        found = verbs.apply(made(traffic), contexts=(), timeout_seconds=10, on_progress=said.append)
        assert [(item.context, item.outcome) for item in found] == [(EU, "ready"), (US, "ready")]
    assert [line.partition(": applying")[0] for line in said if "applying" in line][:2] == [EU, US]
    (back,) = verbs.revert("flights", contexts=[EU], timeout_seconds=10, on_progress=said.append)
    assert (back.context, back.outcome, back.kinds) == (EU, "ready", ["SeldonDeployment"])
    spec = {name: fake.objects["seldondeployments/flights"]["spec"] for name, fake in fakes.items()}
    assert [len(spec[name]["predictors"]) for name in (EU, US)] == [1, 2]


def test_without_settings_it_is_the_current_context(
    tmp_path: Path, fakes: dict[str, FakeServing]
) -> None:
    verbs = clusters(tmp_path, fakes)
    (found,) = verbs.apply(made(ONE), contexts=(), timeout_seconds=10, on_progress=lambda _: None)
    assert (found.context, found.outcome) == ("", "ready")
    assert fakes[US].objects
    assert not fakes[EU].objects
    assert verbs.regions("flights") == [found]
    assert verbs.regions("other") == []


def test_a_failed_rollout_says_where_why_and_what_is_left(
    tmp_path: Path, fakes: dict[str, FakeServing]
) -> None:
    verbs = clusters(tmp_path, fakes, US, EU)
    fakes[US].broken = ":v2-"
    with pytest.raises(Unprocessable) as refused:
        verbs.apply(made(TWO), contexts=(), timeout_seconds=10, on_progress=lambda _: None)
    text = str(refused.value)
    assert "did not become ready in kind-us, which has its former state again" in text
    assert "ImagePullBackOff" in text
    assert f"Not touched: {EU}" in text
    assert [item.outcome for item in verbs.regions("flights")] == ["rolled back"]
