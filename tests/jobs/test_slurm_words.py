"""Slurm's words into ours and back, without a cluster."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import JobSpec, JobState
from jupyter_mlinfra.jobs.remote import (
    Batch,
    NotNow,
    Parcel,
    Rejected,
    Sighting,
    Stage,
    Unreachable,
)
from jupyter_mlinfra.jobs.remote.slurm.remote import SlurmRemote
from jupyter_mlinfra.jobs.remote.slurm.request import array, needs, nice, output
from jupyter_mlinfra.jobs.remote.slurm.settings import SlurmSettings
from jupyter_mlinfra.jobs.remote.slurm.sightings import recalled, sightings_of, waits


def _number(value: int | None) -> dict[str, Any]:
    return {"set": value is not None, "infinite": False, "number": value or 0}


def _job(**changes: Any) -> dict[str, Any]:
    """A job as Slurm 24.11.5 shows it, cut to what is read."""
    return {
        "job_id": 7,
        "comment": "mlinfra:abc:k1.1",
        "job_state": ["PENDING"],
        "array_job_id": _number(0),
        "array_task_id": _number(None),
        "array_task_string": "",
        "state_reason": "Priority",
        "start_time": _number(0),
        "restart_cnt": 0,
        "nodes": "",
        "nice": 0,
        "priority": _number(1),
        "exit_code": {"return_code": _number(0), "signal": {"id": _number(None)}},
        **changes,
    }


def _see(**changes: Any) -> Any:
    return sightings_of([_job(**changes)], "mlinfra:abc:")[0]


def test_jobs_of_other_projects_and_people_are_passed_over() -> None:
    jobs = [_job(comment=""), _job(comment="mlinfra:abd:k1.1"), _job(comment=None), _job()]
    assert [(found.remote, found.key) for found in sightings_of(jobs, "mlinfra:abc:")] == [
        ("7", "k1.1.0")
    ]


def test_one_record_stands_for_all_elements_that_wait() -> None:
    found = sightings_of(
        [_job(array_job_id=_number(7), array_task_string="2-4,8,10-14:2%3")], "mlinfra:abc:"
    )
    assert [one.remote for one in found] == ["7_2", "7_3", "7_4", "7_8", "7_10", "7_12", "7_14"]
    assert found[0].key == "k1.1.2"


@pytest.mark.parametrize(
    ("states", "stage"),
    [
        (["PENDING"], Stage.WAITING),
        (["RUNNING"], Stage.RUNNING),
        (["RUNNING", "COMPLETING"], Stage.RUNNING),
        (["COMPLETED", "COMPLETING"], Stage.RUNNING),
        (["COMPLETED"], Stage.ENDED),
        (["PENDING", "REQUEUED"], Stage.WAITING),
        (["RUNNING", "CONFIGURING"], Stage.RUNNING),
        (["SUSPENDED"], Stage.RUNNING),
        (["PREEMPTED"], Stage.ENDED),
        ("NODE_FAIL", Stage.ENDED),
    ],
)
def test_states_of_slurm_as_stages(states: Any, stage: Stage) -> None:
    assert _see(job_state=states).stage is stage


def test_a_node_that_fails_is_no_exit_code() -> None:
    found = _see(job_state=["NODE_FAIL"], nodes="n3")
    assert (found.code, found.asked, found.reason) == (None, None, "Node n3 failed while it ran.")


def test_ends_that_somebody_made_are_told_from_the_jobs_own() -> None:
    asked = {
        state: _see(job_state=[state]).asked
        for state in ("FAILED", "CANCELLED", "TIMEOUT", "PREEMPTED")
    }
    assert asked == {
        "FAILED": None,
        "CANCELLED": JobState.CANCELLED,
        "TIMEOUT": JobState.FAILED,
        "PREEMPTED": JobState.QUEUED,
    }


def test_a_signal_is_told_as_a_shell_does() -> None:
    assert (
        _see(
            job_state=["FAILED"],
            exit_code={"return_code": _number(0), "signal": {"id": _number(9)}},
        ).code
        == 137
    )


def test_accounting_is_read() -> None:
    found = recalled(
        [
            "7|FAILED|3:0|0|n0",
            "8_2|CANCELLED by 0|0:15|1|n0",
            "9|RUNNING|0:0|0|n0",
            "10|COMPLETED|0:0||",
            "broken",
        ]
    )
    assert {remote: (one.code, one.asked, one.restarts) for remote, one in found.items()} == {
        "7": (3, None, 0),
        "8_2": (143, JobState.CANCELLED, 1),
        "10": (0, None, 0),
    }


def test_reasons_are_sentences_that_keep_slurms_word() -> None:
    assert waits("Resources") == "Waits in Slurm: not enough is free (Resources)."
    assert waits("QOSMaxGRESPerUser").endswith("(QOSMaxGRESPerUser).")
    assert waits("SomethingNew") == "Waits in Slurm: SomethingNew."


def test_needs_become_arguments() -> None:
    spec = JobSpec(
        command=["x"],
        gpus=2,
        gpu_type="a100",
        cpus=4,
        memory_gib=1.5,
        time_limit_minutes=90,
        queue="long",
    )
    settings = SlurmSettings(
        partition="short", account="lab", qos="high", arguments=("--constraint=nvme",)
    )
    assert needs(spec, settings, grace_seconds=60) == [
        "--nodes=1",
        "--ntasks=1",
        "--cpus-per-task=4",
        "--mem=1536M",
        "--gres=gpu:a100:2",
        "--time=92",
        "--partition=long",
        "--account=lab",
        "--qos=high",
        "--constraint=nvme",
    ]
    assert needs(JobSpec(command=["x"]), SlurmSettings(), grace_seconds=1) == [
        "--nodes=1",
        "--ntasks=1",
        "--cpus-per-task=1",
    ]


def test_priorities_above_the_usual_need_an_operators_right() -> None:
    assert [nice(priority, SlurmSettings()) for priority in (0, 50, 90)] == [5000, 0, 0]
    assert nice(90, SlurmSettings(raise_priority=True)) == -4000


def test_indexes_and_paths_as_slurm_writes_them() -> None:
    assert array([0, 1, 2, 3, 7, 9, 10]) == "0-3,7,9-10"
    assert output(Path("/data/100%/x")) == "/data/100%%/x"


@pytest.mark.parametrize(
    ("words", "means"),
    [
        (
            (
                "Batch job submission failed: Requested time limit is invalid (missing or exceeds"
                " some limit)"
            ),
            Rejected,
        ),
        ("Batch job submission failed: Invalid partition name specified", Rejected),
        (
            (
                "Batch job submission failed: Invalid account or account/partition combination"
                " specified"
            ),
            Rejected,
        ),
        ("Batch job submission failed: Invalid qos specification", Rejected),
        ("Invalid generic resource (gres) specification", Rejected),
        ("Batch job submission failed: Requested node configuration is not available", Rejected),
        (
            (
                "Batch job submission failed: Job violates accounting/QOS policy (job submit limit,"
                " user's size and/or time limits)"
            ),
            NotNow,
        ),
        (
            "Batch job submission failed: Required partition not available (inactive or drain)",
            NotNow,
        ),
        (
            "Batch job submission failed: Required node not available (down, drained or reserved)",
            NotNow,
        ),
        ("Batch job submission failed: Unspecified error", NotNow),
        (
            "Batch job submission failed: Unable to contact slurm controller (connect failure)",
            Unreachable,
        ),
        ("Batch job submission failed: Socket timed out on send/recv operation", Unreachable),
        ("Batch job submission failed: Rate limit exceeded, please retry later", Unreachable),
        ("Batch job submission failed: Protocol authentication error", Unreachable),
        (
            (
                "resolve_ctls_from_dns_srv: res_nsearch error: Unknown host\nsbatch: fatal: Could"
                " not establish a configuration source"
            ),
            Unreachable,
        ),
    ],
)
def test_what_sbatch_says_is_for_good_for_now_or_no_answer(
    tmp_path: Path, words: str, means: type[Exception]
) -> None:
    """Slurm 24.11's own texts."""
    (tmp_path / "sbatch").write_text(
        f"#!/bin/sh\ncat >&2 <<'X'\nsbatch: error: {words}\nX\nexit 1\n"
    )
    (tmp_path / "sbatch").chmod(0o755)
    entry: Any = SimpleNamespace(
        job=SimpleNamespace(id="a", name="a", part_of=None, priority=50),
        spec=JobSpec(command=["x"]),
        launch=SimpleNamespace(python="python"),
    )
    batch = Batch(
        name="k",
        attempt=1,
        parcels=[Parcel(entry=entry, key="k.1.0", attempt=1, folder=tmp_path)],
        environment={},
    )
    (tmp_path / "mlinfra.toml").write_text(f'[jobs.slurm]\nbin = "{tmp_path}"\n')
    with pytest.raises(means) as caught:
        SlurmRemote(Project.open(tmp_path)).send(batch)
    assert words.rpartition(": ")[2].partition("\n")[0][:30] in str(caught.value.message)


@pytest.mark.parametrize(
    ("exit_code", "code"),
    [
        (256, 1),
        (9, 137),
        (3 * 256, 3),  # 22.05, openapi v0.0.38: the wait status itself
        # 23.02, v0.0.39
        (
            {"status": "SIGNALED", "return_code": 0, "signal": {"signal_id": 9, "name": "Killed"}},
            137,
        ),
        # the same, which tells no code of a normal end
        ({"status": "ERROR", "return_code": 0, "signal": {}}, 1),
        # 24.11, v0.0.42
        (
            {
                "status": ["ERROR"],
                "return_code": _number(7),
                "signal": {"id": _number(None), "name": ""},
            },
            7,
        ),
        (None, 1),
    ],
)
def test_exit_codes_of_all_versions_are_read(exit_code: Any, code: int) -> None:
    assert (
        _see(
            job_state="FAILED", exit_code=exit_code, array_job_id=0, array_task_id=None, nice=None
        ).code
        == code
    )


def test_a_record_that_cannot_be_read_hides_no_other() -> None:
    good, torn, nameless = (
        _job(),
        _job(job_id=8, job_state=["RUNNING"], restart_cnt="many", nodes=3),
        {"comment": "mlinfra:abc:k3.1"},
    )
    torn["start_time"], torn["job_state"] = "soon", 7
    found = sightings_of([nameless, torn, good], "mlinfra:abc:")
    assert [(one.remote, one.stage) for one in found] == [
        ("8", Stage.UNKNOWN),
        ("7", Stage.WAITING),
    ]


def test_a_configuration_tells_its_cluster_and_how_large_an_array_may_be(tmp_path: Path) -> None:
    (tmp_path / "scontrol").write_text(
        "#!/bin/sh\nprintf 'ClusterName             = north\\nMaxArraySize            = 51\\n'\n"
    )
    (tmp_path / "scontrol").chmod(0o755)
    (tmp_path / "mlinfra.toml").write_text(f'[jobs.slurm]\nbin = "{tmp_path}"\n')
    found = SlurmRemote(Project.open(tmp_path)).cluster()
    assert (found.name, found.most) == ("north", 51)


@pytest.mark.parametrize(
    ("words", "known"),
    [
        ("Slurm accounting storage is disabled", {}),
        (
            (
                "slurm_persist_conn_open_without_init: failed to open persistent connection to"
                " host:db:6819: Connection refused"
            ),
            None,
        ),
        ("Access/permission denied", None),
    ],
)
def test_only_an_accounting_that_there_is_not_knows_nothing(
    tmp_path: Path, words: str, known: Any
) -> None:
    (tmp_path / "squeue").write_text(
        "#!/bin/sh\necho 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1\n"
    )
    (tmp_path / "sacct").write_text(f"#!/bin/sh\necho 'sacct: error: {words}' >&2; exit 1\n")
    for name in ("squeue", "sacct"):
        (tmp_path / name).chmod(0o755)
    (tmp_path / "mlinfra.toml").write_text(f'[jobs.slurm]\nbin = "{tmp_path}"\n')
    remote = SlurmRemote(Project.open(tmp_path))
    if known is None:
        with pytest.raises(Unreachable):
            remote.recall(["7"])
    else:
        assert remote.recall(["7"]) == known
    (tmp_path / "sacct").unlink()
    assert remote.recall(["7"]) == {}


def test_jobs_in_hidden_partitions_are_asked_for_too(tmp_path: Path) -> None:
    (tmp_path / "squeue").write_text(
        '#!/bin/sh\ncase "$*" in *--all*) echo \'{"jobs": []}\';; *) exit 1;; esac\n'
    )
    (tmp_path / "squeue").chmod(0o755)
    (tmp_path / "mlinfra.toml").write_text(f'[jobs.slurm]\nbin = "{tmp_path}"\n')
    remote = SlurmRemote(Project.open(tmp_path))
    assert (remote.look(), remote.recall(["7"])) == ([], {})


def test_what_its_guard_does_not_end_in_time_slurm_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scancel").write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/told\n')
    (tmp_path / "scancel").chmod(0o755)
    (tmp_path / "mlinfra.toml").write_text(
        f'[jobs]\ngrace_seconds = 0.0\n[jobs.slurm]\nbin = "{tmp_path}"\n'
    )
    remote, running = (
        SlurmRemote(Project.open(tmp_path)),
        [Sighting(remote="7", key="k.1.0", stage=Stage.RUNNING)],
    )
    remote.end(running)
    assert (tmp_path / "told").read_text().splitlines() == [
        "--quiet --state=SUSPENDED 7",
        "--quiet --batch --signal=TERM --state=RUNNING 7",
    ]
    monkeypatch.setattr("jupyter_mlinfra.jobs.remote.slurm.remote.KILL_SECONDS", -1.0)
    remote.end(running)
    assert (tmp_path / "told").read_text().splitlines()[-1] == "--quiet 7"


def test_a_right_that_is_missing_is_told(tmp_path: Path) -> None:
    (tmp_path / "scancel").write_text(
        "#!/bin/sh\necho 'scancel: error: Kill job error on job id 7: Access/permission denied'"
        " >&2; exit 1\n"
    )
    (tmp_path / "scancel").chmod(0o755)
    (tmp_path / "mlinfra.toml").write_text(f'[jobs.slurm]\nbin = "{tmp_path}"\n')
    with pytest.raises(NotNow) as refused:
        SlurmRemote(Project.open(tmp_path)).end(
            [Sighting(remote="7", key="k.1.0", stage=Stage.RUNNING)]
        )
    assert "permission denied" in refused.value.message
