"""Manifests: every one of ours is taken by the schemas of two versions and by the server's rules;
and both refuse what they should.
"""

from __future__ import annotations

import copy
import json
from types import SimpleNamespace
from typing import Any

import kubernetes_validate
import pytest
from fake_kubernetes import VERSIONS, Answer, refuse
from fake_kubernetes.objects import expand
from hypothesis import given, settings
from hypothesis import strategies as st
from searches import examples

from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.jobs import JobSpec
from jupyter_mlinfra.jobs.remote import Batch, Parcel
from jupyter_mlinfra.jobs.remote.kubernetes.manifest import Site, check, manifest, plain
from jupyter_mlinfra.jobs.remote.kubernetes.settings import KubernetesSettings

SITE = Site(
    project="0123456789abcdef",
    root="/home/ana/a project",
    home="/home/ana/a project/.mlinfra",
    user=1000,
    group=100,
    grace_seconds=10.0,
)
SETTINGS = KubernetesSettings(image="registry.local/team/mlinfra:1", claim="work", secret="team")


def batch(*specs: JobSpec, name: str = "train.ipynb", priority: int = 50) -> Batch:
    """Specs as they are sent together."""
    array = "a1" if len(specs) > 1 else None
    parcels = []
    for index, spec in enumerate(specs):
        job = SimpleNamespace(
            id=f"{index:08x}",
            name=f"{name}/{index}" if array else name,
            priority=priority,
            part_of=array,
        )
        entry: Any = SimpleNamespace(job=job, spec=spec)
        parcels.append(Parcel(entry=entry, key=f"{'ab' * 8}.1.{index}", attempt=1, folder=None))  # type: ignore[arg-type]
    return Batch(
        name="ab" * 8, attempt=1, parcels=parcels, environment={"DB_PASSWORD": "tr0ub4dor-and-3"}
    )


def made(*specs: JobSpec, configured: KubernetesSettings = SETTINGS, **how: Any) -> dict[str, Any]:
    """The manifest, taken by a server."""
    body = manifest(batch(*specs, **how), SITE, configured)
    refuse(body)
    return body


def command(**needs: Any) -> JobSpec:
    return JobSpec(command=["python", "train.py"], **needs)


def container(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body["spec"]["template"]["spec"]["containers"][0]
    return found


def test_a_job_is_an_array_of_one_whose_pod_is_replaced_only_when_it_lost_its_place() -> None:
    spec = made(command())["spec"]
    assert (
        spec["completionMode"],
        spec["completions"],
        spec["backoffLimitPerIndex"],
        spec["podReplacementPolicy"],
    ) == ("Indexed", 1, 0, "Failed")
    ignored, final = spec["podFailurePolicy"]["rules"]
    assert (ignored["action"], ignored["onPodConditions"]) == (
        "Ignore",
        [{"type": "DisruptionTarget", "status": "True"}],
    )
    assert (final["action"], final["onExitCodes"]["values"]) == ("FailJob", [113])
    assert (spec["suspend"], spec["template"]["spec"]["restartPolicy"]) == (False, "Never")


def test_an_array_has_an_index_for_each_element_and_one_that_fails_ends_no_other() -> None:
    spec = made(*[command()] * 3)["spec"]
    assert (
        spec["completions"],
        spec["parallelism"],
        spec["podFailurePolicy"]["rules"][1]["action"],
    ) == (3, 3, "FailIndex")
    made(*[command()] * 1000)


def test_what_a_job_needs_is_what_its_container_asks_for() -> None:
    assert container(made(command(cpus=4, memory_gib=1.5, gpus=2)))["resources"] == {
        "requests": {"cpu": "4", "memory": "1536Mi", "nvidia.com/gpu": "2"},
        "limits": {"memory": "1536Mi", "nvidia.com/gpu": "2"},
    }
    assert container(made(command(cpus=0)))["resources"] == {"requests": {"cpu": "10m"}}


def test_a_part_of_a_gpu_is_refused_unless_the_cluster_has_such_parts() -> None:
    with pytest.raises(BadRequest) as refused:
        check(command(gpus=0.5), SETTINGS)
    assert "gpu_parts" in refused.value.fix
    with_parts = SETTINGS.model_copy(update={"gpu_parts": {"0.5": "nvidia.com/mig-3g.20gb"}})
    check(command(gpus=0.5), with_parts)
    assert container(made(command(gpus=0.5), configured=with_parts))["resources"]["limits"] == {
        "nvidia.com/mig-3g.20gb": "1"
    }


def test_a_type_of_gpu_selects_nodes() -> None:
    configured = SETTINGS.model_copy(
        update={"gpu_types": {"a100": "NVIDIA-A100-SXM4-80GB"}, "node_selector": {"pool": "gpu"}}
    )
    pod = made(command(gpus=1, gpu_type="a100"), configured=configured)["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"pool": "gpu", "nvidia.com/gpu.product": "NVIDIA-A100-SXM4-80GB"}
    with pytest.raises(BadRequest, match="cannot be a label's value"):
        check(command(gpus=1, gpu_type="A100 80 GB!"), SETTINGS)


def test_a_queue_leaves_the_start_to_kueue() -> None:
    configured = SETTINGS.model_copy(
        update={"priority_classes": {0: "low", 50: "usual", 80: "urgent"}}
    )
    body = made(command(queue="team-a"), configured=configured, priority=79)
    assert body["spec"]["suspend"] is True
    assert (
        body["metadata"]["labels"].items()
        >= {
            "kueue.x-k8s.io/queue-name": "team-a",
            "kueue.x-k8s.io/priority-class": "usual",
        }.items()
    )
    assert "kueue.x-k8s.io/queue-name" not in made(command())["metadata"]["labels"]


def test_a_job_has_time_to_save_and_its_deadline_does_not_run_while_it_waits() -> None:
    job = made(
        command(time_limit_minutes=60),
        configured=SETTINGS.model_copy(update={"notice_seconds": 120}),
    )["spec"]
    pod = job["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] > 120
    assert pod["activeDeadlineSeconds"] > 3600
    assert "activeDeadlineSeconds" not in job
    slow = Site(
        **{**{name: getattr(SITE, name) for name in Site.__slots__}, "grace_seconds": 300.0}
    )
    assert (
        manifest(batch(command()), slow, SETTINGS)["spec"]["template"]["spec"][
            "terminationGracePeriodSeconds"
        ]
        > 300
    )
    assert (
        made(command(), configured=SETTINGS.model_copy(update={"keep_minutes": 2.0}))["spec"][
            "ttlSecondsAfterFinished"
        ]
        == 120
    )


def test_secrets_are_references_and_nothing_of_the_submitters_environment_is_sent() -> None:
    spec = command(environment={"PASSWORD": "env:DB_PASSWORD", "MODE": "fast"})
    body = made(spec)
    assert "tr0ub4dor-and-3" not in json.dumps(body)
    sources = {
        one["name"]: one.get("valueFrom", {}).get("secretKeyRef") for one in container(body)["env"]
    }
    assert sources["PASSWORD"] == sources["DB_PASSWORD"] == {"name": "team", "key": "DB_PASSWORD"}
    assert {"name": "MODE", "value": "fast"} in container(body)["env"]
    for parameters in (
        {"token": "env:API_TOKEN"},
        {"conn": {"hosts": ["a"], "token": ["env:API_TOKEN"]}},
    ):
        notebook = JobSpec(notebook="a.ipynb", parameters=parameters)
        assert {
            "name": "API_TOKEN",
            "valueFrom": {"secretKeyRef": {"name": "team", "key": "API_TOKEN"}},
        } in container(made(notebook))["env"]


@pytest.mark.parametrize(
    ("spec", "update", "words"),
    [
        (command(), {"image": ""}, "image"),
        (command(), {"claim": ""}, "claim"),
        (command(), {"host_path": "/nfs"}, "claim"),
        (command(environment={"P": "keyring:db/ana"}), {}, "keyring"),
        (command(array=[{"P": "a"}, {"P": "keyring:db/ana"}]), {}, "keyring"),
        (command(array=[{"P": "env:DB"}]), {"secret": ""}, "secret is empty"),
        (command(environment={"P": "env:DB"}), {"secret": ""}, "secret is empty"),
        (command(queue="no such queue"), {}, "queue"),
        (command(environment={"P": "env:GRÖSSE"}), {}, "variable"),
    ],
)
def test_what_no_cluster_would_take_is_refused_at_submit(
    spec: JobSpec, update: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadRequest, match=words):
        check(spec, SETTINGS.model_copy(update=update))


def test_settings_reach_the_pod() -> None:
    update = {
        "claim": "",
        "host_path": "/nfs/home",
        "sub_path": "ana",
        "mount_path": "/home/ana",
        "service_account": "trainer",
        "tolerations": ({"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},),
        "namespace": "team-a",
    }
    body = made(command(), configured=SETTINGS.model_copy(update=update))
    pod = body["spec"]["template"]["spec"]
    assert body["metadata"]["namespace"] == "team-a"
    assert pod["volumes"][0] == {
        "name": "project",
        "hostPath": {"path": "/nfs/home", "type": "Directory"},
    }
    assert container(body)["volumeMounts"][0] == {
        "name": "project",
        "mountPath": "/home/ana",
        "subPath": "ana",
    }
    assert (
        pod["serviceAccountName"],
        pod["automountServiceAccountToken"],
        pod["tolerations"][0]["operator"],
    ) == ("trainer", True, "Exists")
    assert made(command())["spec"]["template"]["spec"]["automountServiceAccountToken"] is False


_names = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=80)
_values = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=40
)


@settings(max_examples=examples(25), deadline=None)
@given(
    name=_names,
    value=_values,
    cpus=st.integers(0, 256),
    memory=st.none() | st.floats(0.001, 4096),
    gpus=st.integers(0, 16),
    size=st.integers(1, 3),
    minutes=st.none() | st.floats(0.01, 1e9),
    priority=st.integers(0, 100),
)
def test_whatever_a_job_is_called_and_needs_a_server_takes_it(
    name: str,
    value: str,
    cpus: int,
    memory: float | None,
    gpus: int,
    size: int,
    minutes: float | None,
    priority: int,
) -> None:
    if value.startswith(("env:", "keyring:")):
        value = "x" + value
    spec = command(
        cpus=cpus,
        memory_gib=memory,
        gpus=gpus,
        time_limit_minutes=minutes,
        environment={"VALUE": value},
    )
    body = made(*[spec] * size, name=name, priority=priority)
    given_value = next(
        (one["value"] for one in container(body)["env"] if one["name"] == "VALUE"), None
    )
    assert (
        given_value is None if size > 1 else expand(given_value or "", {"HOME": "/root"}) == value
    )


@given(_values)
def test_kubernetes_expands_nothing_in_a_value(value: str) -> None:
    assert expand(plain(value), {"HOME": "/root"}) == value


def _broken(path: str, value: Any) -> dict[str, Any]:
    body = copy.deepcopy(made(command(gpus=1, memory_gib=1)))
    place: Any = body
    *steps, last = path.split(".")
    for step in steps:
        place = place[int(step)] if step.isdecimal() else place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return body


_POD = "spec.template.spec"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.completionMod", "Indexed"),
        ("spec.completions", "1"),
        (f"{_POD}.containers.0.comand", ["x"]),
        ("spec.podFailurePolicy.rules.0.onPodConditions", [{"type": "DisruptionTarget"}]),
        ("spec.suspend", "yes"),
    ],
)
def test_the_schemas_refuse_what_they_know(path: str, value: Any) -> None:
    with pytest.raises(Answer) as refused:
        refuse(_broken(path, value))
    assert refused.value.args[0] == 400


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (f"{_POD}.restartPolicy", None),
        (f"{_POD}.restartPolicy", "Always"),
        (f"{_POD}.containers.0.resources.limits", {"memory": "1Gi", "nvidia.com/gpu": "0.5"}),
        (f"{_POD}.containers.0.resources.requests", {"memory": "8 GB"}),
        (f"{_POD}.containers.0.resources.requests", {"gpu": "1"}),
        (f"{_POD}.containers.0.resources.limits", {"memory": "1Gi"}),
        ("metadata.name", "Train.ipynb"),
        ("metadata.name", "a" * 62),
        ("spec.completionMode", "Indexd"),
        ("spec.podReplacementPolicy", "Never"),
        ("spec.podFailurePolicy.rules.0.action", "Ignored"),
        ("spec.podFailurePolicy.rules.1.onExitCodes.values", [113, 42]),
        ("spec.podFailurePolicy.rules.1.onExitCodes.containerName", "main"),
        ("metadata.labels.team", "my team"),
        ("metadata.labels.bad key!", "x"),
        (f"{_POD}.nodeSelector", {"gpu": "A100 80GB"}),
        (f"{_POD}.containers.0.name", "Job"),
        (f"{_POD}.containers.0.volumeMounts.0.name", "elsewhere"),
        (f"{_POD}.activeDeadlineSeconds", 0),
    ],
)
def test_the_rules_refuse_what_the_schemas_let_pass(path: str, value: Any) -> None:
    body = _broken(path, value)
    for version in VERSIONS:
        kubernetes_validate.validate(body, version, strict=True)
    with pytest.raises(Answer) as refused:
        refuse(body)
    assert refused.value.args[0] == 422
