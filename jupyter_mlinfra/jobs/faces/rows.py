"""One row of a list, for each record."""

from __future__ import annotations

from pathlib import Path

from ...core.records import Number
from ...faces.rows import Row, row
from ...faces.words import NONE, beginning, moment, plain, share, size, span
from ...notebooks.spec import JobParameter, Parameter
from ..spec import AttemptRecord, Backend, Device, Job, LeftOut, LogHit, QueuedJob, ResourcePoint


@row(Backend)
def backend(item: Backend) -> Row:
    return {"backend": item.name, "usual": "yes" if item.usual else NONE}


@row(Device)
def device(item: Device) -> Row:
    return {
        "device": item.id,
        "name": item.name,
        "holder": plain(item.holder),
        "load": share(item.load),
        "memory": share(item.memory),
    }


@row(AttemptRecord)
def attempt(item: AttemptRecord) -> Row:
    return {
        "attempt": plain(item.number),
        "began": moment(item.began_at, seconds=True),
        "ended": moment(item.ended_at, seconds=True),
        "exit code": plain(item.exit_code),
        "reason": beginning(item.reason),
    }


@row(Job)
def job(item: Job) -> Row:
    progress = share(item.progress) if item.progress is not None and item.state == "running" else ""
    program = item.command[0] if item.command else None
    return {
        "job": item.id,
        "name": f"{item.name} ({item.array.size})" if item.array is not None else item.name,
        "state": " ".join(filter(None, [item.state, progress])),
        "took": span(item.elapsed_seconds),
        "submitted": moment(item.submitted_at),
        "reason": beginning(item.reason),
        "runs": beginning(Path(item.notebook).name if item.notebook else program),
        "cpus": plain(item.cpus),
        "gpus": plain(item.gpus),
    }


@row(JobParameter)
def job_parameter(item: JobParameter) -> Row:
    return {
        "parameter": item.name,
        "type": plain(item.type),
        "value": beginning(repr(item.value)),
        "given": "yes" if item.given else "default",
    }


@row(LeftOut)
def left_out(item: LeftOut) -> Row:
    return {"file": item.path, "size": size(item.size), "why": item.why}


@row(LogHit)
def log_hit(item: LogHit) -> Row:
    return {"line": plain(item.line), "text": item.text}


@row(QueuedJob, noun="job")
def queued_job(item: QueuedJob) -> Row:
    waits = item.job
    return {
        "#": plain(item.position),
        "job": waits.id,
        "name": waits.name,
        "user": waits.user,
        "gpus": plain(waits.gpus),
        "priority": plain(waits.priority),
        "waits for": beginning(waits.reason),
        "starts (est.)": moment(item.starts_at),
    }


@row(ResourcePoint, noun="point")
def resource_point(item: ResourcePoint) -> Row:
    return {
        "at": moment(item.at),
        "cpu": share(Number(value=item.cpu)),
        "memory (GiB)": plain(item.memory_gib),
        "gpus": plain([f"{gpu.id} {share(Number(value=gpu.load))}" for gpu in item.gpus]),
    }


@row(Parameter)
def parameter(item: Parameter) -> Row:
    return {
        "parameter": item.name,
        "type": plain(item.type),
        "default": beginning(repr(item.default)),
    }
