"""The queue in `state.db`: the only module that writes a job, each change with its event in one transaction."""

from __future__ import annotations

import contextlib
import json
import math
import re
import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from ..core import events
from ..core.database import Database
from ..core.errors import BadRequest, NotFound
from ..core.processes import Identity
from ..core.records import PAGE_LIMIT, Number, Page, now, parse_cursor
from .attempt import encodable
from .spec import Job, JobSpec, JobState
from .state import FINAL, advance

ACTIVE = (JobState.STARTING, JobState.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How to start a job on this machine. folder: absolute. command: with the script replaced by its frozen twin.

    python: interpreter of the notebook runner. environment: file with the submitter's environment, see `environment`.
    """

    folder: str
    command: Sequence[str]
    python: str
    environment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A job as its backend sees it. process: of the present attempt, None before it is known. failures: those that count."""

    number: int
    job: Job
    spec: JobSpec
    launch: Launch
    token: str
    process: Identity | None
    failures: int
    requeues: int
    cancelled_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A job in the queue, as far as it takes to decide whether it starts. memory_gib: 0 when it reserves none."""

    id: str
    cpus: int
    gpus: int
    memory_gib: float
    reason: str


class JobStore:
    """The jobs of one project; safe to share between threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # What is known

    def entry(self, name: str) -> Entry:
        """The job with this id, or with the only id that starts so; `job:ID` works too.

        Raises NotFound when there is none, BadRequest when there are several.
        """
        prefix = name.removeprefix("job:").lower()
        if not re.fullmatch(r"[0-9a-f]{1,32}", prefix):
            raise NotFound(f"There is no job {name!r}.", "A job id is a short hexadecimal number.", "mlinfra jobs list")
        with self._database.read() as connection:
            rows = connection.execute("SELECT * FROM job WHERE id >= ? AND id < ? ORDER BY id LIMIT 3", (prefix, prefix + "g")).fetchall()
        exact = [row for row in rows if row["id"] == prefix]
        if not exact and len(rows) > 1:
            raise BadRequest(f"Job {prefix} is not one job.", f"Several ids start so: {', '.join(row['id'] for row in rows)} …", "Write more of the id.")
        if not rows:
            raise NotFound(f"There is no job {prefix}.", fix="mlinfra jobs list")
        return _entry((exact or rows)[0])

    def by_key(self, key: str) -> Job | None:
        """The job that was submitted with this key."""
        with self._database.read() as connection:
            row = connection.execute("SELECT * FROM job WHERE key = ?", (key,)).fetchone()
        return _entry(row).job if row else None

    def page(self, *, state: JobState | None, label: tuple[str, str] | None, limit: int, cursor: str | None) -> Page[Job]:
        """Jobs, newest first; the cursor is the number of the last one shown."""
        if not 1 <= limit <= PAGE_LIMIT:
            raise BadRequest(f"limit={limit} is out of range.", f"A page has 1 to {PAGE_LIMIT} items.", "Ask for less and follow `cursor`.")
        below = parse_cursor(cursor) or 2**62
        where, values = ["1"], list[Any]()
        if state is not None:
            where.append("state = ?")
            values.append(str(state))
        if label is not None:
            where.append("number IN (SELECT job FROM job_label WHERE key = ? AND value = ?)")
            values += label
        condition = " AND ".join(where)
        with self._database.read() as connection:
            total = int(connection.execute(f"SELECT count(*) FROM job WHERE {condition}", values).fetchone()[0])  # noqa: S608 - fixed words, bound values
            rows = connection.execute(
                f"SELECT * FROM job WHERE {condition} AND number < ? ORDER BY number DESC LIMIT ?",  # noqa: S608
                [*values, below, limit + 1],
            ).fetchall()
        more, rows = len(rows) > limit, rows[:limit]
        return Page(items=[_entry(row).job for row in rows], shown=len(rows), total=total, cursor=str(rows[-1]["number"]) if more else None)

    def counts(self) -> dict[str, int]:
        """How many jobs are in each state; every state is named."""
        with self._database.read() as connection:
            found = dict(connection.execute("SELECT state, count(*) FROM job GROUP BY state").fetchall())
        return {str(state): int(found.get(str(state), 0)) for state in JobState}

    def waiting(self, *, at: float, limit: int) -> list[Waiting]:
        """The head of the queue in its order, without those that may not start yet: what takes no slot, then by priority and age.

        at: seconds since 1970.
        """
        query = (
            "SELECT id, cpus, gpus, memory_gib, reason FROM job WHERE state = 'queued' AND not_before <= ?"
            " ORDER BY cpus + gpus + memory_gib > 0, priority DESC, number LIMIT ?"
        )
        with self._database.read() as connection:
            rows = connection.execute(query, (at, limit)).fetchall()
        return [Waiting(**row) for row in rows]

    def next_start(self, *, at: float) -> float | None:
        """When the next job that was told to wait a while may start, in seconds since 1970; None when there is none."""
        with self._database.read() as connection:
            row = connection.execute("SELECT min(not_before) FROM job WHERE state = 'queued' AND not_before > ?", (at,)).fetchone()
        return None if row[0] is None else float(row[0])

    def active(self) -> list[Entry]:
        """Jobs that have been started and are not known to have ended."""
        return self._select("state IN ('starting', 'running') ORDER BY number")

    def to_cancel(self) -> dict[str, str]:
        """Active jobs that somebody asked to end, and who did."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT id, cancelled_by FROM job WHERE state IN ('starting', 'running') AND cancelled_by != ''").fetchall()
        return {row["id"]: row["cancelled_by"] for row in rows}

    def ended(self, *, limit: int) -> list[tuple[str, str | None]]:
        """Ids and code snapshots of jobs in a final state, newest first."""
        final = "SELECT id, snapshot FROM job WHERE state IN ('succeeded', 'failed', 'cancelled', 'lost') ORDER BY number DESC LIMIT ?"
        with self._database.read() as connection:
            rows = connection.execute(final, (limit,)).fetchall()
        return [(row["id"], row["snapshot"]) for row in rows]

    def unfinished(self) -> list[Entry]:
        """Every job that is not in a final state."""
        return self._select("state IN ('queued', 'starting', 'running') ORDER BY number")

    def busy(self) -> bool:
        """Whether any job has not ended."""
        with self._database.read() as connection:
            return connection.execute("SELECT 1 FROM job WHERE state IN ('queued', 'starting', 'running') LIMIT 1").fetchone() is not None

    def needs(self, environment: str) -> bool:
        """Whether a job that has not ended has this environment (the path of its file)."""
        query = "SELECT 1 FROM job WHERE state IN ('queued', 'starting', 'running') AND json_extract(launch, '$.environment') = ? LIMIT 1"
        with self._database.read() as connection:
            return connection.execute(query, (environment,)).fetchone() is not None

    def fingerprint(self) -> str:
        """Changes whenever a job does, its progress aside: by the event that each change adds, for a clock may be set back."""
        newest = "SELECT id FROM event WHERE topic = 'job' AND json_extract(data, '$.progress') IS NULL ORDER BY id DESC LIMIT 1"
        with self._database.read() as connection:
            row = connection.execute(f"SELECT (SELECT count(*) FROM job), ({newest})").fetchone()  # noqa: S608 - fixed words
        return f"{row[0]}/{row[1]}"

    def data_version(self) -> int:
        """Changes when another connection commits."""
        return self._database.data_version()

    # What changes

    def insert(self, spec: JobSpec, *, name: str, launch: Launch, snapshot: str | None, backend: str, user: str) -> Job:
        """Accept a job; with a key that is known, the job accepted before."""
        at = now().timestamp()
        with self._database.write() as connection:
            if spec.key is not None:
                known = connection.execute("SELECT * FROM job WHERE key = ?", (spec.key,)).fetchone()
                if known:
                    return _entry(known).job
            values = {
                "id": _new_id(connection), "key": spec.key, "name": name, "state": str(JobState.QUEUED), "reason": "Waits for its turn.",
                "backend": backend, "user": user, "spec": json.dumps(asdict(spec)), "launch": json.dumps(asdict(launch)), "snapshot": snapshot,
                "priority": spec.priority, "cpus": spec.cpus, "gpus": spec.gpus, "memory_gib": spec.memory_gib or 0.0, "submitted_at": at, "changed_at": at,
            }  # fmt: skip
            number = connection.execute(f"INSERT INTO job ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})", list(values.values())).lastrowid  # noqa: S608
            connection.executemany("INSERT INTO job_label VALUES (?, ?, ?)", [(number, key, value) for key, value in spec.labels.items()])
            job = _read(connection, str(values["id"])).job
            _tell(connection, job)
        return job

    def starting(self, job: str, *, token: str, gpu_ids: Sequence[str]) -> Entry:
        """Before the process is started: the attempt and the token that it will carry. Raises Conflict when the job no longer waits.

        Survives the death of every process. It is not forced to the disk, which would double the time until the start: should
        the machine lose its power before `running` is there, the job is found waiting.
        """
        gpus = json.dumps(list(gpu_ids))
        with self._unforced():
            return self._move(job, JobState.STARTING, gpu_ids=gpus, token=token, boot=None, pid=None, start=None, progress=None, progress_text="")

    def running(self, job: str, process: Identity) -> Entry:
        """After the process was started: who it is."""
        return self._move(job, JobState.RUNNING, boot=process.boot, pid=process.pid, start=process.start)

    def again(self, job: str, *, reason: str, exit_code: int | None, counted: bool, delay: float) -> Entry:
        """Back into the queue, not to be started for `delay` seconds; into its end when somebody asked for that meanwhile."""
        return self._move(
            job, JobState.QUEUED, reason=reason, exit_code=exit_code,
            counted=counted, asked=exit_code is not None and not counted, not_before=now().timestamp() + delay, gpu_ids="[]",
        )  # fmt: skip

    def end(
        self, job: str, to: JobState, *, reason: str, exit_code: int | None, started_at: float | None = None, progress: tuple[float | None, str] = (None, "")
    ) -> Entry:
        """Into a final state. started_at: when it began, if nobody had the time to write that down before."""
        columns: dict[str, Any] = {} if started_at is None else {"started_at": started_at}
        return self._move(job, to, reason=reason, exit_code=exit_code, progress=progress[0], progress_text=progress[1], **columns)

    def request_cancel(self, job: str, *, user: str) -> Job:
        """End a waiting job at once; leave word for the supervisor otherwise. A job that has ended stays as it is."""
        with self._database.write() as connection:
            entry = _read(connection, job)
            if entry.job.state is JobState.QUEUED:
                return _write(connection, entry, JobState.CANCELLED, reason=f"Cancelled by {user} before it started.").job
            if entry.job.state not in FINAL and not entry.cancelled_by:
                reason = f"Is being cancelled by {user}."
                connection.execute("UPDATE job SET cancelled_by = ?, reason = ?, changed_at = ? WHERE id = ?", (user, reason, now().timestamp(), job))
                entry = replace(entry, job=replace(entry.job, reason=reason))
                _tell(connection, entry.job)
            return entry.job

    def explain(self, reasons: Mapping[str, str]) -> None:
        """Say why jobs wait, or why they cannot be watched; their state stays."""
        with self._database.write() as connection:
            for job, words in reasons.items():
                reason = encodable(words)
                entry = _read(connection, job)
                if entry.job.state in FINAL or entry.job.reason == reason:
                    continue
                connection.execute("UPDATE job SET reason = ?, changed_at = ? WHERE id = ?", (reason, now().timestamp(), job))
                _tell(connection, replace(entry.job, reason=reason))

    def told_progress(self, job: str, fraction: float | None) -> None:
        """Tell followers that a running job got on; its progress itself is in the attempt's files."""
        with self._database.write() as connection:
            entry = _read(connection, job)
            if entry.job.state in ACTIVE:
                _tell(connection, entry.job, fraction)

    def _move(
        self, job: str, to: JobState, *, reason: str = "", exit_code: int | None = None, counted: bool = False, asked: bool = False, **columns: Any
    ) -> Entry:
        with self._database.write() as connection:
            entry = _read(connection, job)
            if to is JobState.QUEUED and entry.cancelled_by:
                return _write(connection, entry, JobState.CANCELLED, reason=f"Cancelled by {entry.cancelled_by}.", exit_code=exit_code)
            columns["failures"] = entry.failures + counted
            columns["requeues"] = entry.requeues + asked
            return _write(connection, entry, to, reason=reason, exit_code=exit_code, **columns)

    @contextlib.contextmanager
    def _unforced(self) -> Iterator[None]:
        with self._database.read() as connection:
            connection.execute("PRAGMA synchronous=NORMAL")
        try:
            yield
        finally:
            with self._database.read() as connection:
                connection.execute("PRAGMA synchronous=FULL")

    def _select(self, tail: str, *values: Any) -> list[Entry]:
        with self._database.read() as connection:
            rows = connection.execute(f"SELECT * FROM job WHERE {tail}", values).fetchall()  # noqa: S608 - fixed words, bound values
        return [_entry(row) for row in rows]


def _write(connection: sqlite3.Connection, entry: Entry, to: JobState, *, reason: str, exit_code: int | None = None, **columns: Any) -> Entry:
    job = advance(entry.job, to, at=now(), reason=encodable(reason), exit_code=exit_code)
    values = {
        "state": str(job.state), "reason": job.reason, "exit_code": job.exit_code, "attempt": job.attempt,
        "started_at": _seconds(job.started_at), "ended_at": _seconds(job.ended_at), "changed_at": now().timestamp(), **columns,
    }  # fmt: skip
    connection.execute(f"UPDATE job SET {', '.join(f'{name} = ?' for name in values)} WHERE id = ?", [*values.values(), job.id])  # noqa: S608 - our own names
    moved = _read(connection, job.id)
    _tell(connection, moved.job)
    return moved


def _tell(connection: sqlite3.Connection, job: Job, progress: float | None = None) -> None:
    events.append(connection, "job", job.ref, {"state": job.state, "name": job.name, "reason": job.reason, "progress": progress})


def _new_id(connection: sqlite3.Connection) -> str:
    while True:
        fresh = secrets.token_hex(4)
        if connection.execute("SELECT 1 FROM job WHERE id = ?", (fresh,)).fetchone() is None:
            return fresh


def _read(connection: sqlite3.Connection, job: str) -> Entry:
    row = connection.execute("SELECT * FROM job WHERE id = ?", (job,)).fetchone()
    if row is None:
        raise NotFound(f"There is no job {job}.", fix="mlinfra jobs list")
    return _entry(row)


def _entry(row: sqlite3.Row) -> Entry:
    spec = _spec(row["spec"])
    process = Identity(row["boot"], row["pid"], row["start"]) if row["pid"] is not None else None
    return Entry(
        number=row["number"], job=_job(row, spec), spec=spec, launch=Launch(**json.loads(row["launch"])), token=row["token"] or "", process=process,
        failures=row["failures"], requeues=row["requeues"], cancelled_by=row["cancelled_by"],
    )  # fmt: skip


def _spec(text: str) -> JobSpec:
    values = json.loads(text)
    for name in ("memory_gib", "time_limit_minutes"):
        if not math.isfinite(values.get(name) or 0):  # earlier versions took NaN and infinity
            values[name] = None
    return JobSpec(**values)


def _job(row: sqlite3.Row, spec: JobSpec) -> Job:
    started, ended, ident = _moment(row["started_at"]), _moment(row["ended_at"]), str(row["id"])
    elapsed = max(0.0, ((ended or now()) - started).total_seconds()) if started else None
    progress = Number(value=row["progress"], basis="est") if row["progress"] is not None else None
    return Job(
        id=ident, ref=f"job:{ident}", name=row["name"], state=JobState(row["state"]), reason=row["reason"], exit_code=row["exit_code"], backend=row["backend"],
        user=row["user"], notebook=spec.notebook, command=spec.command, parameters=spec.parameters, gpus=spec.gpus, cpus=spec.cpus,
        gpu_ids=json.loads(row["gpu_ids"]), priority=row["priority"], attempt=row["attempt"], retries=spec.retries,
        submitted_at=datetime.fromtimestamp(row["submitted_at"], UTC), started_at=started, ended_at=ended, elapsed_seconds=elapsed,
        progress=progress, progress_text=row["progress_text"], output=spec.output, snapshot=row["snapshot"], labels=spec.labels,
        code={
            "python": f'import jupyter_mlinfra as ml\n\nml.job("{ident}")', "magic": f"%job {ident}", "cli": f"mlinfra jobs show {ident}",
        },
    )  # fmt: skip


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
