"""Rollouts to clusters, over HTTP by the official client, against a fake of their API."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_serving import FakeServing, kubeconfig
from manifest_corpus import IMAGE, ONE, TWO, URI, plan

from jupyter_mlinfra.core.errors import Conflict, NotFound, Unavailable, Unprocessable
from jupyter_mlinfra.deployments.kubernetes.cluster import Cluster, condition_of
from jupyter_mlinfra.deployments.kubernetes.regions import Region, Regions
from jupyter_mlinfra.deployments.kubernetes.render import manifests

NAME = "seldondeployments/flights"


def written(kind: Any, traffic: Any, **options: Any) -> list[dict[str, Any]]:
    return [manifest.document() for manifest in manifests(plan(traffic, **options), kind)]


OLD, NEW = written("seldon-v1", ONE, image=IMAGE), written("seldon-v1", TWO, image=IMAGE)


class World:
    """Clusters by context, and the regions of one deployment in them."""

    def __init__(self, folder: Path) -> None:
        self.fakes = {name: FakeServing() for name in ("eu", "us", "asia")}
        self.config = str(kubeconfig(folder / "config", self.fakes))
        self.folder, self.clock = folder / "states", itertools.count(1.0)
        self.regions = self.new()

    def new(self) -> Regions:
        """As another process has them."""
        return Regions(
            self.folder,
            cluster=lambda context: Cluster(context, kubeconfig=self.config),
            user="ana",
            now=lambda: next(self.clock),
            poll_seconds=0.01,
        )

    def out(self, *contexts: str, to: Any = None, seconds: float = 5.0) -> dict[str, str]:
        """Roll out; outcomes by context."""
        done = self.regions.roll_out(contexts, NEW if to is None else to, timeout_seconds=seconds)
        return {region.context: region.outcome for region in done}

    def shares(self, context: str) -> list[Any]:
        """The traffic that the cluster has."""
        found = self.fakes[context].objects[NAME]
        return [item["traffic"] for item in found["spec"]["predictors"]]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = World(tmp_path)
    yield found
    for fake in found.fakes.values():
        fake.stop()


def test_regions_get_it_in_order_and_each_is_ready_before_the_next(world: World) -> None:
    said: list[str] = []
    done = world.regions.roll_out(["us", "eu"], NEW, timeout_seconds=5, on_progress=said.append)
    assert [(region.context, region.outcome) for region in done] == [
        ("us", "ready"),
        ("eu", "ready"),
    ]
    assert world.shares("us") == world.shares("eu") == [90, 10]
    assert not world.fakes["asia"].objects
    first = said.index("eu: applying 1 manifests")
    assert any(line.startswith("Cluster us: SeldonDeployment flights") for line in said[:first])
    assert not any(line.startswith(("us:", "Cluster us")) for line in said[first:])


@pytest.mark.parametrize("fault", ["broken", "stuck"])
def test_a_region_that_does_not_become_ready_gets_back_what_it_had(
    world: World, fault: str
) -> None:
    assert set(world.out("eu", "us", "asia", to=OLD).values()) == {"ready"}
    setattr(world.fakes["us"], fault, ":v2-")
    seconds = 5.0 if fault == "broken" else 0.3
    assert world.out("eu", "us", "asia", seconds=seconds) == {
        "eu": "ready",
        "us": "rolled back",
        "asia": "not reached",
    }
    assert [world.shares(name) for name in ("eu", "us", "asia")] == [[90, 10], [100], [100]]
    outcomes = [state.outcome for state in world.regions.states("us")]
    assert outcomes == ["ready", "rolled back", "ready"]
    reason = world.regions.states("us")[1].reason
    assert ("ImagePullBackOff" if fault == "broken" else "not ready after 0 s") in reason


def test_a_first_rollout_that_fails_leaves_nothing(world: World) -> None:
    world.fakes["eu"].broken = ":v2-"
    assert world.out("eu") == {"eu": "rolled back"}
    assert not world.fakes["eu"].objects


def test_a_rollback_is_of_one_region_and_goes_further_back_each_time(world: World) -> None:
    third = written("seldon-v1", {"v1": 50, "v2": 50}, image=IMAGE)
    for state in (OLD, NEW, third):
        world.out("eu", "us", to=state)
    back = world.new().roll_back("us", timeout_seconds=5)
    assert back == Region(context="us", outcome="ready")
    assert (world.shares("us"), world.shares("eu")) == ([90, 10], [50, 50])
    with pytest.raises(NotFound):
        world.regions.roll_back("asia", timeout_seconds=5)


def test_there_is_nothing_before_the_first_state(world: World) -> None:
    world.out("eu")
    with pytest.raises(Conflict, match="nothing to go back to"):
        world.regions.roll_back("eu", timeout_seconds=5)


def test_a_rollout_that_was_killed_can_be_rolled_back_by_the_next(world: World) -> None:
    world.out("eu", to=OLD)

    class Killed(BaseException):
        pass

    def kill(line: str) -> None:
        if line.startswith("Cluster eu"):
            raise Killed

    with pytest.raises(Killed):
        world.regions.roll_out(["eu"], NEW, timeout_seconds=5, on_progress=kill)
    assert world.shares("eu") == [90, 10]
    assert world.new().states("eu")[-1].outcome == "applying"
    assert world.new().roll_back("eu", timeout_seconds=5).outcome == "ready"
    assert world.shares("eu") == [100]


def test_core_2_objects_that_are_no_longer_wanted_go_after_those_that_are_ready(
    world: World,
) -> None:
    world.out("eu", to=written("core2", TWO, model_uri=URI))
    fake = world.fakes["eu"]
    fake.changes.clear()
    assert world.out("eu", to=written("core2", {"v2": 100}, model_uri=URI)) == {"eu": "ready"}
    assert fake.changes == [
        "apply models/flights-v2",
        "apply experiments/flights",
        "delete models/flights-v1",
    ]
    world.regions.roll_back("eu", timeout_seconds=5)
    assert {*fake.objects} == {"models/flights-v1", "models/flights-v2", "experiments/flights"}


def test_the_kinds_of_kserve_and_core_2_are_followed_by_their_conditions(world: World) -> None:
    for kind, name in (("kserve", "inferenceservices/flights"), ("core2", "experiments/flights")):
        world.fakes["us"].looks = 3
        assert world.out("us", to=written(kind, TWO, model_uri=URI)) == {"us": "ready"}
        assert name in world.fakes["us"].objects


def test_what_somebody_else_manages_is_left_alone(world: World) -> None:
    fake = world.fakes["eu"]
    fake.objects[NAME] = {**OLD[0], "metadata": {**OLD[0]["metadata"], "generation": 4}}
    fake.managers[NAME] = "argocd"
    with pytest.raises(Conflict, match="somebody else manages it") as refused:
        Cluster("eu", kubeconfig=world.config).apply(NEW[0])
    assert "argocd" in refused.value.why
    assert fake.changes == []


def test_a_cluster_without_the_kind_and_a_manifest_with_a_fault_are_refused(world: World) -> None:
    cluster = Cluster("eu", kubeconfig=world.config)
    broken = json.loads(json.dumps(NEW[0]))
    broken["spec"]["predictors"][0]["trafic"] = 90
    with pytest.raises(Unprocessable, match="trafic"):
        cluster.apply(broken)
    world.fakes["eu"].without = ("seldondeployments",)
    with pytest.raises(Unprocessable, match="does not know SeldonDeployment"):
        cluster.apply(NEW[0])


def test_a_cluster_that_is_away_and_a_context_that_is_not_there(world: World) -> None:
    world.fakes["eu"].outage = 503
    with pytest.raises(Unavailable, match="cannot be reached"):
        Cluster("eu", kubeconfig=world.config).apply(NEW[0])
    with pytest.raises(Unavailable, match=r"\[deployments\] kubeconfig"):
        Cluster("mars", kubeconfig=world.config).apply(NEW[0])
    assert world.out("eu") == {"eu": "failed"}
    assert (
        "the way back failed too"
        in world.regions.roll_out(["eu"], NEW, timeout_seconds=1)[0].reason
    )


def test_an_outage_while_a_region_starts_is_waited_through(world: World) -> None:
    fake = world.fakes["eu"]
    fake.looks = 3
    cluster = Cluster("eu", kubeconfig=world.config)
    cluster.apply(NEW[0])
    fake.outage = 503
    threading.Timer(0.3, lambda: setattr(fake, "outage", 0)).start()
    started = time.monotonic()
    assert cluster.follow(NEW, timeout_seconds=10, poll_seconds=0.02) == ""
    assert time.monotonic() - started > 0.25


def test_two_rollouts_to_one_region_do_not_meet(world: World) -> None:
    def again(line: str) -> None:
        if line.startswith("Cluster eu"):
            with pytest.raises(Conflict):
                world.new().roll_out(["eu"], OLD, timeout_seconds=1)
            raised.append(line)

    raised: list[str] = []
    world.regions.roll_out(["eu"], NEW, timeout_seconds=5, on_progress=again)
    assert raised
    assert world.shares("eu") == [90, 10]


@pytest.mark.parametrize(
    ("status", "ready", "failed"),
    [
        ({}, False, False),
        ({"conditions": []}, False, False),
        (
            {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]},
            False,
            False,
        ),
        (
            {"observedGeneration": 2, "conditions": [{"type": "Ready", "status": "True"}]},
            True,
            False,
        ),
        (
            {
                "conditions": [
                    {"type": "Ready", "status": "True"},
                    {"type": "CanaryReady", "status": "False", "message": "v2 is starting"},
                ]
            },
            False,
            False,
        ),
        (
            {"conditions": [{"type": "Ready", "status": "False", "reason": "ModelFailed"}]},
            False,
            True,
        ),
    ],
)
def test_what_a_controller_says(status: Any, ready: bool, failed: bool) -> None:
    found = condition_of(
        {"kind": "InferenceService", "metadata": {"generation": 2}, "status": status}
    )
    assert (found.ready, found.failed) == (ready, failed)
