"""What Kubernetes does to jobs, and what jobs do then: through the official client, with pods that
really run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fake_kubernetes.server import FakeKubernetes
from fake_kubernetes.site import REPOSITORY

from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs.remote import Unreachable
from jupyter_mlinfra.jobs.remote.client import FollowerControl
from jupyter_mlinfra.jobs.remote.kubernetes import api, remote
from jupyter_mlinfra.jobs.remote.kubernetes.remote import KubernetesRemote, site_of
from jupyter_mlinfra.jobs.remote.kubernetes.settings import KubernetesSettings

SAVES = (
    'cd "$MLINFRA_PROJECT"; [ -e saved ] && exec cat saved; trap "echo at step 5 > saved; exit 75"'
    " TERM; touch begun; while :; do sleep 0.05; done"
)


def test_a_pod_that_is_evicted_saves_and_goes_on_with_the_same_id(site: Any, tools: Any) -> None:
    job = site.shell(SAVES)
    pod = site.running(job)
    tools.until((site.root / "begun").exists)
    site.fake.cluster.evict(pod)
    ended = site.end_of(job)
    assert (ended.state, ended.id, ended.attempt) == ("succeeded", job.id, 2)
    assert site.jobs.logs(job.id).text.endswith("at step 5\n")
    assert len(site.fake.created) == 1  # Kubernetes itself has started it again


def test_a_pod_that_does_not_save_in_time_is_started_again(site: Any, tools: Any) -> None:
    job = site.shell(
        "echo x >> tries; [ $(wc -l < tries) = 2 ] && exit 0; trap '' TERM; while :; do sleep 0.05;"
        " done"
    )
    pod = site.running(job)
    tools.until(lambda: tools.lines(site.root / "tries"))
    site.fake.cluster.evict(pod, "DeletionByTaintManager")
    ended = site.end_of(job)
    assert (ended.state, ended.attempt, tools.lines(site.root / "tries")) == (
        "succeeded",
        2,
        ["x", "x"],
    )


def test_kueue_lets_a_job_start_and_may_take_its_place_away(make_site: Any, tools: Any) -> None:
    site = make_site('queue = "team-a"\n')
    job = site.shell(SAVES)
    site.reason(job, "Kueue has not admitted it to queue team-a")
    name = site.jobs.show(job.id).remote
    message = {
        "type": "QuotaReserved",
        "status": "False",
        "message": "insufficient unused quota for cpu",
    }
    owner = {"uid": site.fake.cluster.jobs[name]["metadata"]["uid"]}
    site.fake.cluster.workloads.append(
        {
            "metadata": {"name": "job-x", "ownerReferences": [owner]},
            "status": {"conditions": [message]},
        }
    )
    site.reason(job, "insufficient unused quota for cpu")
    site.fake.cluster.suspend(name, False)
    site.running(job)
    tools.until((site.root / "begun").exists)
    site.fake.cluster.suspend(name, True)
    site.reason(job, "Kueue has not admitted it")
    assert site.jobs.show(job.id).state == "queued"
    site.fake.cluster.suspend(name, False)
    ended = site.end_of(job)
    assert (ended.state, ended.attempt) == ("succeeded", 2)
    assert site.jobs.logs(job.id).text.endswith("at step 5\n")
    assert len(site.fake.created) == 1  # it keeps its place in the queue


def test_a_job_that_runs_out_of_memory_says_so(site: Any) -> None:
    job = site.shell("sleep 600")
    site.fake.cluster.out_of_memory(site.running(job))
    ended = site.end_of(job)
    assert (ended.state, ended.exit_code) == ("failed", 137)
    assert "memory_gib" in ended.reason


def test_an_image_that_is_not_there_is_why_a_job_waits(make_site: Any) -> None:
    site = make_site(image="missing:1")
    job = site.shell("true")
    site.reason(job, "ImagePullBackOff")
    site.jobs.cancel(job.id)
    assert site.end_of(job).state == "cancelled"


def test_an_image_without_what_runs_jobs_says_so(make_site: Any) -> None:
    site = make_site(python="/bin/ls")
    ended = site.end_of(site.shell("true"))
    assert (ended.state, ended.exit_code, ended.attempt) == ("failed", 2, 0)
    assert "before the job began" in ended.reason
    assert "invalid option" in ended.reason


def test_a_secret_that_the_cluster_does_not_have_is_why_a_job_waits(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", "here-only")
    job = site.shell('test "$TOKEN" = there', environment={"TOKEN": "env:API_TOKEN"})
    site.reason(job, "couldn't find key API_TOKEN")
    site.fake.cluster.kubelet.secrets["mine"]["API_TOKEN"] = "there"
    assert site.end_of(job).state == "succeeded"


def test_variables_of_the_submitter_stay_there_and_those_of_the_job_arrive_as_they_are(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONLY_HERE", "x")
    job = site.shell(
        'printf "%s|" "$ONLY_HERE" "$A" "$B"', environment={"A": "$(HOME) $$ $A", "B": "ü"}
    )
    site.end_of(job)
    assert site.jobs.logs(job.id).text == "|$(HOME) $$ $A|ü|"


def test_an_array_is_one_job_of_kubernetes(site: Any) -> None:
    array = site.shell("exit $CODE", array=[{"CODE": str(code)} for code in (0, 3, 0)])
    ended = site.jobs.wait([array.id], timeout=60)
    assert [(job.state, job.exit_code) for job in ended] == [
        ("succeeded", 0),
        ("failed", 3),
        ("succeeded", 0),
    ]
    assert [
        (body["spec"]["completionMode"], body["spec"]["completions"]) for body in site.fake.created
    ] == [("Indexed", 3)]


def test_an_array_is_ended_by_one_call_and_an_element_by_its_pod(site: Any, tools: Any) -> None:
    array = site.shell("touch el-$I; sleep 600", array=[{"I": str(i)} for i in range(3)])
    tools.until(lambda: len(list(site.root.glob("el-*"))) == 3)
    site.end_of(site.jobs.cancel(f"{array.id}/1"))
    site.jobs.cancel(array.id)
    site.jobs.wait([array.id], timeout=60)
    deleted = [path.split("/")[-2] for method, path in site.fake.asked if method == "DELETE"]
    assert deleted == ["pods", "jobs"]
    tools.until(lambda: not site.fake.cluster.jobs)


def test_what_has_ended_and_is_written_down_is_not_listed_at_every_look(
    site: Any, tools: Any
) -> None:
    array = site.shell("exit $CODE", array=[{"CODE": str(code)} for code in (0, 3)])
    assert [job.exit_code for job in site.jobs.wait([array.id], timeout=60)] == [0, 3]
    tools.until(lambda: not site.fake.cluster.jobs and not site.fake.cluster.pods)


def test_a_quota_is_why_a_job_waits(site: Any) -> None:
    site.fake.cluster.quota = 'pods "train-0-" is forbidden: exceeded quota: gpus'
    job = site.shell("true")
    site.reason(job, "exceeded quota: gpus")
    site.fake.cluster.quota = ""
    assert site.end_of(job).state == "succeeded"


def test_a_drained_node_refuses_nothing(site: Any, tools: Any) -> None:
    site.fake.cluster.nodes[0]["spec"] = {"unschedulable": True}
    assert site.shell("true").state == "queued"
    with pytest.raises(BadRequest, match="No node"):
        site.shell("true", gpus=3)


def test_not_being_able_to_look_is_nothing_to_a_job(site: Any, tools: Any) -> None:
    job = site.shell("echo x >> runs; until [ -e go ]; do sleep 0.05; done")
    pod = site.running(job)
    before = len(site.fake.asked)
    site.fake.outage = 500
    site.reason(job, "Last seen")
    site.fake.outage = 503
    tools.until(lambda: len(site.fake.asked) >= before + 3)
    assert site.jobs.show(job.id).state == "running"
    site.fake.outage = 0
    (site.root / "go").touch()
    ended = site.end_of(job)
    assert (ended.state, ended.attempt, tools.lines(site.root / "runs")) == ("succeeded", 1, ["x"])
    assert [name for name in site.fake.cluster.pods if name != pod] == []


@pytest.mark.parametrize("outage", [401, 403, 404, 408, 429, 500, 503, 504, 200, -1])
def test_a_list_that_did_not_come_is_not_taken_for_an_empty_one(site: Any, outage: int) -> None:
    there = KubernetesRemote(Project.open(site.root))
    assert there.look() == []
    site.fake.outage = outage
    with pytest.raises(Unreachable):
        there.look()


def test_a_job_that_the_server_will_never_take_fails_with_its_words(make_site: Any) -> None:
    site = make_site('service_account = "No Such Name"\n')
    ended = site.end_of(site.shell("true"))
    assert (ended.state, ended.attempt) == ("failed", 0)
    assert "serviceAccountName" in ended.reason


def test_a_job_that_a_policy_refuses_waits_alone(site: Any) -> None:
    site.fake.forbidden['"bad-'] = "admission webhook denied the request: you must provide labels"
    bad, good = site.shell("true", name="bad"), site.shell("true", name="good")
    assert site.end_of(good).state == "succeeded"
    site.reason(bad, "you must provide labels")
    assert site.jobs.show(bad.id).state == "queued"
    site.jobs.cancel(bad.id)
    assert site.end_of(bad).state == "cancelled"


def test_a_delete_that_is_forbidden_hides_no_end(site: Any) -> None:
    site.fake.forbidden["DELETE"] = (
        'jobs.batch is forbidden: User "ana" cannot delete resource "jobs"'
    )
    kept = site.shell("until [ -e go ]; do sleep 0.05; done")
    site.running(kept)
    site.jobs.cancel(kept.id)
    assert site.end_of(site.shell("true")).state == "succeeded"
    site.reason(kept, "cannot delete resource")
    site.fake.forbidden.clear()
    (site.root / "go").touch()
    assert site.end_of(kept).state == "cancelled"


def test_a_namespace_that_is_not_there_is_why_a_job_waits(make_site: Any) -> None:
    site = make_site('namespace = "elsewhere"\n')
    job = site.shell("true")
    site.reason(job, 'namespaces "elsewhere" not found')
    assert site.jobs.show(job.id).state == "queued"


def test_what_no_node_has_is_refused_with_what_they_have(make_site: Any) -> None:
    site = make_site()
    with pytest.raises(BadRequest) as refused:
        site.shell("true", gpus=3)
    assert "2 nvidia.com/gpu" in refused.value.why
    assert "autoscaled" in refused.value.fix


def test_nodes_that_come_when_they_are_asked_for_refuse_nothing(make_site: Any) -> None:
    site = make_site("autoscaled = true\n")
    job = site.shell("true", gpus=3)
    site.reason(job, "Insufficient nvidia.com/gpu")
    site.jobs.cancel(job.id)
    assert site.end_of(job).state == "cancelled"


def test_a_job_that_is_held_while_it_waits_there_is_taken_back_and_sent_anew(
    site: Any, tools: Any
) -> None:
    blocker = site.shell("until [ -e go ]; do sleep 0.05; done", gpus=2)
    site.running(blocker)
    job = site.shell("echo x >> ran", gpus=2)
    site.reason(job, "Unschedulable")
    site.jobs.hold(job.id)
    tools.until(lambda: len(site.fake.cluster.jobs) == 1)
    (site.root / "go").touch()
    site.end_of(blocker)
    assert not (site.root / "ran").exists()
    site.jobs.release(job.id)
    ended = site.end_of(job)
    assert (ended.state, ended.attempt, tools.lines(site.root / "ran")) == ("succeeded", 1, ["x"])


@pytest.mark.parametrize("may_read", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_another_cluster_that_does_not_know_a_job_says_nothing_of_it(
    site: Any, tmp_path: Path, may_read: bool
) -> None:
    """`kubectl config use-context`, and back."""
    (tmp_path / "other").mkdir()
    other = FakeKubernetes.start(tmp_path / "other", REPOSITORY)
    for cluster in (site.fake, other):
        if not may_read:
            cluster.forbidden["GET /api/v1/namespaces/kube-system"] = "namespaces is forbidden"
    control = FollowerControl(Project.open(site.root), "kubernetes")
    try:
        job = site.shell("echo x >> runs; until [ -e go ]; do sleep 0.05; done", gpus=2)
        pod = site.running(job)
        waits = site.shell("true", gpus=1)
        site.reason(waits, "Unschedulable")
        control.stop()
        other.kubeconfig(tmp_path / "kubeconfig")
        control.start()
        for one in (job, waits):
            site.reason(one, "Last seen elsewhere: it was sent to cluster")
        assert [site.jobs.show(one.id).state for one in (job, waits)] == ["running", "queued"]
        assert other.created == []
        control.stop()
        site.fake.kubeconfig(tmp_path / "kubeconfig")
        (site.root / "go").touch()
        control.start()
        assert [(site.end_of(one).state, site.end_of(one).attempt) for one in (job, waits)] == [
            ("succeeded", 1)
        ] * 2
        assert (len(site.fake.created), pod in site.fake.cluster.pods) == (2, True)
    finally:
        control.stop()
        other.close()


def test_a_list_is_whole_or_none(site: Any, tools: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [site.shell("until [ -e go ]; do sleep 0.05; done") for _ in range(5)]
    for job in jobs:
        site.running(job)
    monkeypatch.setattr(api, "PAGE", 2)
    there = KubernetesRemote(Project.open(site.root))
    assert len(there.look()) == 5
    site.fake.stale = 1  # the list has changed too much meanwhile: it is read once more
    assert len(there.look()) == 5
    site.fake.stale = 2
    with pytest.raises(Unreachable, match="too old"):
        there.look()
    (site.root / "go").touch()
    for job in jobs:
        site.end_of(job)


def test_a_poll_asks_twice_however_many_jobs_there_are(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [site.shell("until [ -e go ]; do sleep 0.05; done") for _ in range(5)]
    for job in jobs:
        site.running(job)
    asked, call = [], api.Api._call
    monkeypatch.setattr(
        api.Api,
        "_call",
        lambda self, ask, *words, **options: (
            asked.append(ask.__name__) or call(self, ask, *words, **options)
        ),
    )
    KubernetesRemote(Project.open(site.root)).look()
    assert asked == ["list_namespaced_job", "list_namespaced_pod"]
    (site.root / "go").touch()
    for job in jobs:
        site.end_of(job)


def test_the_files_of_what_has_ended_are_not_read_for_ever(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.fake.forbidden["DELETE"] = "no"  # so that they stay
    for _ in range(2):
        site.end_of(site.shell("exit 3"))
    read = []
    monkeypatch.setattr(remote, "has_order", lambda attempt, key: read.append(key) or True)
    there = KubernetesRemote(Project.open(site.root))
    first = there.look()
    assert len(there.look()) == 2
    monkeypatch.setattr(remote, "SETTLED_SECONDS", -1.0)
    assert there.look() == first
    assert len(read) == 4


def test_projects_at_the_same_path_on_a_hub_do_not_end_each_others_jobs(
    site: Any, tools: Any
) -> None:
    job = site.shell("until [ -e go ]; do sleep 0.05; done")
    site.running(job)
    project = Project.open(site.root)
    own = site_of(project).project
    assert site_of(project).project == own
    (site.root / ".mlinfra" / "jobs" / "kubernetes.id").unlink()
    assert site_of(project).project != own
    (site.root / "go").touch()
    site.end_of(job)


def test_a_job_that_is_sent_twice_is_there_once(site: Any, tools: Any) -> None:
    """The answer to a create may be lost: the name says that it has arrived."""
    job = site.shell("until [ -e go ]; do sleep 0.05; done")
    site.running(job)
    [body] = site.fake.created
    there = api.Api(Project.open(site.root).settings.of(KubernetesSettings))
    with pytest.raises(api.KubernetesRefused) as refused:
        there.create(body)
    assert refused.value.status == 409
    (site.root / "go").touch()
    assert site.end_of(job).state == "succeeded"
