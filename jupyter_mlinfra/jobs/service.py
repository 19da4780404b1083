"""The verbs of jobs: the only room that a face calls."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest, MLInfraError, NotFound, Unavailable, raise_all, tried
from ..core.processes import failpoint, tree
from ..core.records import Number, Page, check_limit, now, page_of, to_json
from ..core.search import Document
from .alarms import read_alarms
from .attempt import Attempt, attempt_record, checkpoint_folder
from .backends import Attaching, JobBackend, load_backend, recent_compute
from .backends.attaching import Attachment
from .backends.control import Control
from .backends.following.control import FollowerControl, followers
from .backends.wishes import Wishes
from .environment import forget, handing_over, keep, release, runtime_folder, submitters_environment
from .intake import examine, inside, name_of, script_of, working_folder
from .logs import read_log, search_log
from .parameters import EXPECTED, kernel_of, parameters_of, read_notebook, tags_of, written_at
from .queries import Named
from .resources import read as read_resources
from .rows import Entry, Launch
from .snapshot import Snapshots
from .spec import (
    AttemptRecord,
    CodeDiff,
    CodePreview,
    CodeSnapshot,
    Compute,
    Estimate,
    ExecutedNotebook,
    Job,
    JobSpec,
    JobState,
    LogChunk,
    LogHits,
    Parameter,
    QueuedJob,
    Resources,
    Supervisor,
)
from .state import FINAL
from .store import ACTIVE, Accepted, JobStore

if TYPE_CHECKING:
    from ..core.project import Project

NAME_LENGTH = 200
EXPLAINED = 100
"""Waiting jobs that are told of a stop."""
STOP_SECONDS = 30.0
"""How long past the grace a job may take to end before the supervisor is stopped all the same."""
SEARCHED = 1000
"""Newest jobs that search finds."""
QUEUE_LIMIT = 500
"""Waiting jobs of a backend that the queue shows."""
EXECUTED = ("jobs", "runs")
"""Folders of the project's state with notebooks that were run."""
_WAIT_SECONDS = (0.005, 0.1)
"""First and longest pause between two looks at the queue while somebody waits."""


class Jobs:
    """Jobs of one project: a request for compute that outlives whoever made it.

    tracked: gives the id of the newest tracked run that a job made, None when it made none.
    """

    def __init__(self, project: Project, *, tracked: Callable[[str], str | None] | None = None) -> None:
        self._project = project
        self._tracked = tracked
        self._store = JobStore(project.database)
        self._control = Control(project)
        self._wishes = Wishes(project.home)
        self._backends: dict[str, JobBackend] = {}

    def submit(self, spec: JobSpec) -> Job:
        """Accept a job; once this returns, it is run even if this process dies or the power is cut.

        Raises BadRequest, NotFound or Unprocessable for what can never run, Unavailable when the state cannot be written.
        """
        if spec.key is not None and (known := self._store.by_key(spec.key)) is not None:  # whatever has become of its notebook since
            self._store.sync()  # whoever submitted it may have died before that
            return self._complete(known)
        spec = examine(spec, self._project.root)
        self.check(spec)
        return self._accept(spec, self._freeze(spec), code=self._project.root)

    def check(self, spec: JobSpec) -> None:
        """Raise BadRequest when the backend of such a job could never start it; one that does not answer refuses nothing."""
        self._backend(spec.backend or self._project.settings.jobs.backend).check(spec)

    def clone(self, job: str, *, same_code: bool = False, **changes: Any) -> Job:
        """Submit another job like an earlier one, with the code as it is now or, with `same_code`, as it was then.

        changes: fields of JobSpec that differ. Raises NotFound when the code of then is no longer kept.
        """
        entry = self._store.entry(job)
        spec = replace(entry.spec, **{"key": None, "after": (), **changes})
        if not same_code or entry.job.snapshot is None:
            return self.submit(spec)
        code = self._snapshots().tree(entry.job.snapshot)
        spec = examine(spec, self._project.root, code=code)
        self.check(spec)
        if tuple(spec.command) != tuple(entry.spec.command):
            raise BadRequest("The command of a job with the same code cannot be another.", "Its words say what is run.", "Clone it with the present code.")
        return self._accept(spec, (entry.launch.folder, entry.launch.command, entry.job.snapshot), code=code)

    def _accept(self, spec: JobSpec, frozen: tuple[str, Sequence[str], str | None], *, code: Path) -> Job:
        folder, command, snapshot = frozen
        place, backend = runtime_folder(self._project.home), spec.backend or self._project.settings.jobs.backend
        with handing_over(place):
            environment = keep(submitters_environment(), place)
            launch = Launch(folder=folder, command=command, python=sys.executable, environment=environment, kernel=self._kernel(spec, code))
            name = (spec.name or name_of(spec))[:NAME_LENGTH]
            job = self._store.insert(spec, Accepted(name=name, launch=launch, snapshot=snapshot, backend=backend, user=self._project.user))
        failpoint("submitted")
        if job.state is JobState.QUEUED:
            self._tell_backend(job)
        self._store.sync()  # while it starts: the disk takes longer than that, and nobody was told yet that it is accepted
        return self._complete(job)

    def show(self, job: str) -> Job:
        """A job by its id, the beginning of its id, or `job:ID`. Raises NotFound, or BadRequest when several begin so."""
        self._heal()
        found = self._complete(self._store.job(job))
        if self._tracked is not None and found.attempt and found.array is None:
            with contextlib.suppress(MLInfraError):  # a tracking store that cannot be asked keeps nobody from the job
                return replace(found, run=self._tracked(found.id))
        return found

    def list(
        self,
        *,
        state: JobState | str | None = None,
        label: tuple[str, str] | None = None,
        array: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Job]:
        """Jobs, newest first, an array as one; with `array` (its id) its elements in their order."""
        self._heal()
        if array is not None:
            array = self._store.named(array).array
            if array is None:
                raise BadRequest("That is a job of its own.", "Only an array has elements.", "Leave array out.")
        page = self._store.page(state=None if state is None else JobState.parse(state), label=label, array=array, limit=limit, cursor=cursor)
        return replace(page, items=[self._complete(job) for job in page.items])

    def logs(self, job: str, *, offset: int = 0, limit: int = 1_000_000, tail: int | None = None, until: int | None = None) -> LogChunk:
        """A part of what a job wrote, all attempts one after the other; go on from `next`.

        offset, limit: bytes. tail: lines from the end, or from byte `until`, instead of an offset.
        """
        found = self._store.entry(job).job  # before the log is read: what an ended job wrote is all there
        return read_log(self._project.home, found.id, found.attempt, offset=offset, limit=limit, tail=tail, until=until, ended=found.state in FINAL)

    def search_logs(self, job: str, text: str, *, limit: int = 50, cursor: str | None = None) -> LogHits:
        """The lines of a job's log that hold `text`, in any case, all attempts one after the other."""
        check_limit(limit)
        if not text:
            raise BadRequest("What is to be looked for?", "The text is empty.", "Give a word of the log.")
        found = self._store.entry(job).job
        return search_log(self._project.home, found.id, found.attempt, text=text, limit=limit, cursor=cursor)

    def cancel(self, job: str) -> Job:
        """End a job (of an array all of them) and all its processes: at once while it waits, else it is under way when this returns. Twice is once.

        A running job is ended on a full disk too; that it was cancelled is written down when there is room.
        """
        named, user = self._store.named(job), self._project.user
        entries = [self._store.entry(ident) for ident in named.jobs] if named.array is None else []
        try:
            found = self._store.request_cancel(named.jobs, user=user)
        except Unavailable:
            if not entries or entries[0].job.state not in ACTIVE:
                raise
            self._wishes.leave(entries[0].job.id, user)
            found = [replace(entries[0].job, reason=f"Is being cancelled by {user}; that cannot be written down yet.")]
        self._tell_of_end(found)
        for path in {self._store.entry(job.id).launch.environment for job in found if job.state in FINAL}:
            release(path, needed=partial(self._store.needs, path))
        return self._complete(found[0] if named.array is None else self._store.job(named.array))

    def requeue(self, job: str) -> Job:
        """Start a job again under the same id: one that runs is ended first, one that failed, was cancelled or lost goes back into the queue.

        It finds the checkpoints of its earlier attempts. Raises Conflict when it succeeded.
        """
        named, place = self._store.named(job), runtime_folder(self._project.home)
        with handing_over(place):
            found = self._store.requeue(named.jobs, array=named.array, user=self._project.user, environment=keep(submitters_environment(), place))
        self._tell_of_end(found)
        return self._again(named)

    def hold(self, job: str) -> Job:
        """Keep a waiting job from starting until it is released. Raises Conflict when it does not wait."""
        named = self._store.named(job)
        self._store.hold(named.jobs, user=self._project.user)
        return self._again(named)

    def release(self, job: str) -> Job:
        """Let a job that is on hold start. Raises Conflict when it does not wait."""
        named = self._store.named(job)
        self._store.release(named.jobs)
        return self._again(named)

    def prioritize(self, job: str, priority: int) -> Job:
        """Move a waiting job in the queue: 0 is last, 100 first. Raises BadRequest out of that range, Conflict when it does not wait."""
        if not 0 <= priority <= 100:
            raise BadRequest(f"priority={priority} is out of range.", fix="Use 0 (last) to 100 (first); 50 is usual.")
        named = self._store.named(job)
        self._store.prioritize(named.jobs, priority)
        return self._again(named)

    def _again(self, named: Named) -> Job:
        """After a change to the queue: its backend looks at it anew."""
        job = self._store.job(named.array or named.jobs[0])
        if job.state is JobState.QUEUED or (job.array is not None and job.array.states.get(JobState.QUEUED)):
            self._tell_backend(job)
        return self._complete(job)

    def _tell_of_end(self, jobs: Sequence[Job]) -> None:
        """Those that are active are to end: tell their backend."""
        active = [job for job in jobs if job.state in ACTIVE or (job.state is JobState.QUEUED and self._store.entry(job.id).cancelled_by)]
        for backend in sorted({job.backend for job in active}):
            self._backend(backend).cancel([job.id for job in active if job.backend == backend])

    def wait(self, jobs: Iterable[str], *, timeout: float | None = None) -> Sequence[Job]:
        """The jobs, once all of them have ended or `timeout` seconds have passed: look at their states."""
        limit = None if timeout is None else time.monotonic() + timeout
        ids = [ident for job in jobs for ident in self._store.named(job).jobs]
        left, seen, pause = ids, -1, _WAIT_SECONDS[0]
        while left and (limit is None or time.monotonic() < limit):
            version = self._store.data_version()
            if version != seen:
                left = [job for job in left if self._store.entry(job).job.state not in FINAL]
                seen, pause = version, _WAIT_SECONDS[0]
            else:
                self._heal()
                time.sleep(pause)
                pause = min(pause * 2, _WAIT_SECONDS[1])
        return [self._complete(self._store.entry(job).job) for job in ids]

    def compute(self, backend: str | None = None) -> Compute:
        """What a backend has (default: that of the settings), and who holds it; a cluster is asked again after `COMPUTE_SECONDS`."""
        return recent_compute(self._backend(backend or self._project.settings.jobs.backend))

    def queue(self, *, limit: int = 50, cursor: str | None = None) -> Page[QueuedJob]:
        """What waits, in the order in which it may start; then what may not start yet."""
        at = now().timestamp()
        backends = [name for name in self._store.backends() if self._store.counts(backend=name)["queued"]]
        starts = {job: when for name in backends for job, when in self._backend(name).starts().items()}
        first = [item.id for name in backends for item in self._store.waiting(at=at, limit=QUEUE_LIMIT, backend=name)]
        later = [job.id for job in self._store.blocked(at=at, limit=QUEUE_LIMIT) if job.id not in set(first)]
        page = page_of([*first, *later], limit=limit, cursor=cursor)
        offset = int(cursor or 0)
        items = [
            QueuedJob(position=offset + place, job=self._complete(self._store.job(job)), starts_at=starts.get(job)) for place, job in enumerate(page.items, 1)
        ]
        return Page(items=items, shown=page.shown, total=self._store.counts()["queued"], cursor=page.cursor)

    def estimate(self, spec: JobSpec) -> Estimate:
        """What a job would meet if it were submitted now: when it starts, how long it takes, what it costs, or why it can never start."""
        backend = self._backend(spec.backend or self._project.settings.jobs.backend)
        refused = ""
        try:
            spec = examine(spec, self._project.root)
            backend.check(spec)
        except MLInfraError as error:
            refused = str(error)
        earlier = [] if refused else self._store.durations(spec)
        seconds = median(earlier) if earlier else None
        prices = self._project.settings.jobs
        price = (spec.gpus * prices.gpu_hour_price + spec.cpus * prices.cpu_hour_price) * max(1, len(spec.array))
        return Estimate(
            starts_at=None if refused else backend.would_start(spec),
            seconds=None if seconds is None else Number(value=seconds, basis="est"),
            like=len(earlier),
            cost=Number(value=price * seconds / 3600, basis="est") if price and seconds is not None else None,
            refused=refused,
        )

    def resources(self, job: str, *, seconds: float = 900.0) -> Resources:
        """What the newest attempt of a job used in its last `seconds`; no points where nobody sampled it."""
        found = self._store.entry(job).job
        until = found.ended_at or now()
        points = read_resources(Attempt.of(self._project.home, found.id, max(found.attempt, 1)), cpus=found.cpus, since=until.timestamp() - seconds)
        return Resources(cpus=found.cpus, memory_limit_gib=found.memory_gib, points=points)

    def attempts(self, job: str, *, limit: int = 50, cursor: str | None = None) -> Page[AttemptRecord]:
        """Every start of a job, newest first."""
        found = self._store.entry(job).job
        page = page_of(range(found.attempt, 0, -1), limit=limit, cursor=cursor)
        items = [attempt_record(Attempt.of(self._project.home, found.id, number), number) for number in page.items]
        return Page(items=items, shown=page.shown, total=page.total, cursor=page.cursor)

    def counts(self) -> dict[str, int]:
        """How many jobs are in each state; every state is named."""
        return self._store.counts()

    def parameters(self, notebook: str | Path) -> Sequence[Parameter]:
        """Names, types and defaults from the cell tagged `parameters` of a notebook of the project; empty without one.

        Raises BadRequest outside of the project, NotFound, TooLarge, Unprocessable.
        """
        shown = inside(str(notebook), self._project.root, "notebook")
        return parameters_of(read_notebook(self._project.root / shown, shown)) or []

    def executed(self, path: str, *, since: str | None = None) -> ExecutedNotebook | None:
        """A notebook that a job or a pipeline left in the project's state, by the path that `Job.output` or a step gives.

        since: `modified_at` of what is known, in ISO form; None when it is still that. Raises NotFound, also for any other file, and Unprocessable.
        """
        home = self._project.home.resolve()
        try:
            found = (self._project.root / path).resolve()
        except (OSError, ValueError):  # a loop of links; a NUL byte
            found = home
        if found.suffix != ".ipynb" or not any(found.is_relative_to(home / place) for place in EXECUTED):
            raise NotFound(f"{path} is no executed notebook.", "Those lie in the folders of jobs and pipeline runs.", "Open it in the file browser.")
        if since is not None and found.exists() and to_json(written_at(found)) == since:
            return None
        modified, content = written_at(found) if found.exists() else now(), read_notebook(found, path)
        unexpected = ((number, cell) for number, cell in enumerate(content["cells"]) if EXPECTED not in tags_of(cell))
        failed = (number for number, cell in unexpected if any(out.get("output_type") == "error" for out in cell.get("outputs", ())))
        return ExecutedNotebook(path=path, modified_at=modified, content=content, failed_cell=next(failed, None))

    def code(self, job: str) -> CodeSnapshot | None:
        """The code snapshot that a job runs from, with what was left out; None when it runs no file of the project."""
        snapshot = self._store.entry(job).job.snapshot
        return self._snapshots().show(snapshot) if snapshot else None

    def diff(self, job: str, *, limit: int = 200_000) -> CodeDiff | None:
        """How the code that a job runs from differs from the commit, at most `limit` bytes of it; None when it runs no file of the project."""
        snapshot = self._store.entry(job).job.snapshot
        return self._snapshots().diff(snapshot, limit=limit) if snapshot else None

    def preview(self, notebook: str, *, limit: int = 50) -> CodePreview:
        """What the code snapshot of a notebook would hold that is submitted now. Raises BadRequest, NotFound, Unprocessable, TooLarge as `submit` does."""
        spec = examine(JobSpec(notebook=notebook), self._project.root)
        return self._snapshots().preview([spec.notebook or ""], limit=limit)

    def attach(self, job: str) -> Attachment:
        """How to get a shell in a job's environment. Raises Conflict or NotFound when it has none (any more), Unavailable where its backend gives none."""
        entry = self._store.entry(job)
        backend = self._backend(entry.job.backend)
        if not isinstance(backend, Attaching):
            raise Unavailable(f"A job of {entry.job.backend} cannot be attached to.", "That backend gives no shell.", "Look at its log instead.")
        return backend.attach(entry)

    def supervisor(self) -> Supervisor:
        """Who watches over the local jobs."""
        counts, entry = self._store.counts(), self._control.alive()
        return Supervisor(
            pid=entry.process.pid if entry else None,
            started_at=entry.started_at if entry else None,
            running=counts["starting"] + counts["running"],
            waiting=counts["queued"],
            cpus=entry.cpus if entry else 0,
            gpus=entry.gpus if entry else 0,
        )

    def start(self) -> Supervisor:
        """Make sure that the supervisor runs, with the present settings. Raises Unavailable when it does not come up."""
        self._control.start()
        return self.supervisor()

    def stop(self, *, cancel_running: bool = False) -> Supervisor:
        """End the supervisor, and who follows jobs elsewhere. Jobs that run go on and waiting ones wait, until a submit or `start`.

        cancel_running: of this machine; those of a cluster are not ours to end.

        All of it is tried, on a full disk too. Raises Unavailable afterwards for what could not be ended or written down.
        """
        failed: list[MLInfraError] = []
        if cancel_running and (running := self._store.active()):
            failed += tried(self._control.drain)  # or waiting jobs would take the place of those that are cancelled
            for entry in running:
                failed += tried(partial(self.cancel, entry.job.id))
            self._wait_for_end(running)
        failed += tried(self._control.stop)
        for name in followers(self._project.home):
            failed += tried(FollowerControl(self._project, name).stop)
        failed += tried(self._explain_stop)
        failed += tried(self._forget)
        raise_all(failed)
        return self.supervisor()

    def _wait_for_end(self, running: Sequence[Entry]) -> None:
        """Until these jobs have ended, or have no process any more and the end cannot be written down."""
        limit = time.monotonic() + self._project.settings.jobs.grace_seconds + STOP_SECONDS
        wished = self._wishes.read()
        self.wait([entry.job.id for entry in running if entry.job.id not in wished], timeout=limit - time.monotonic())
        while time.monotonic() < limit and any(entry.job.id in wished and tree(entry.token) for entry in running):
            time.sleep(_WAIT_SECONDS[1])

    def _explain_stop(self) -> None:
        waiting = self._store.waiting(at=time.time(), limit=EXPLAINED)
        self._store.explain({item.id: "Waits: the supervisor is stopped; `mlinfra up` starts it." for item in waiting})

    def _forget(self) -> None:
        """Environments of submitters may hold secrets: none stays without a job that needs it."""
        with handing_over(place := runtime_folder(self._project.home)):
            left = self._store.unfinished()
            forget(place, jobs={entry.job.id for entry in left}, environments={entry.launch.environment for entry in left}, fresh_seconds=0)

    def heed_alarms(self, *, start: bool) -> None:
        """Have the supervisor look at the alarms, which were set. start: one that does not run is started, as by a submit."""
        if start:
            self._control.wake()
        else:
            self._control.tell()

    def search_fingerprint(self) -> str:
        """Changes whenever a job does."""
        return self._store.fingerprint()

    def search_documents(self) -> Iterable[Document]:
        """The newest jobs."""
        cursor: str | None = None
        for _ in range(0, SEARCHED, 500):
            page = self._store.page(state=None, label=None, limit=500, cursor=cursor)
            for job in page.items:
                words = [job.notebook or shlex.join(job.command), job.user, job.state, *(f"{key} {value}" for key, value in job.labels.items())]
                detail, code = f"{job.state} · {job.submitted_at:%Y-%m-%d %H:%M} UTC", "" if job.array is None else f'ml.job("{job.id}").table()'
                yield Document(ref=job.ref, kind="job", name=job.name, text=" ".join(words), detail=detail, code=code)
            cursor = page.cursor
            if cursor is None:
                return

    def _backend(self, name: str) -> JobBackend:
        if name not in self._backends:
            self._backends[name] = load_backend(name, self._project)
        return self._backends[name]

    def _snapshots(self) -> Snapshots:
        return Snapshots(self._project.root, self._project.home, max_mib=self._project.settings.jobs.snapshot_max_mib)

    def _freeze(self, spec: JobSpec) -> tuple[str, Sequence[str], str | None]:
        """Folder and command of the job, with its code as it is now, and the snapshot of that. A command that runs no file of the project needs no snapshot."""
        root, folder, command, snapshot = self._project.root, working_folder(spec, self._project.root), list(spec.command), None
        if spec.notebook is not None:
            snapshot = self._snapshots().take([spec.notebook]).id
        elif (number := script_of(command, folder, root)) is not None:
            script = os.path.relpath(os.path.normpath(folder / command[number]), root)
            snapshot = self._snapshots().take([script]).id
            command[number] = str(self._snapshots().tree_path(snapshot) / script)
        return str(folder), command, snapshot

    def _kernel(self, spec: JobSpec, code: Path) -> str:
        """The kernel that the notebook in the folder `code` asks for, if kernels are kept warm."""
        if spec.notebook is None or not self._project.settings.pipelines.warm_kernels:
            return ""
        return kernel_of(read_notebook(code / spec.notebook, spec.notebook))

    def _tell_backend(self, job: Job) -> None:
        """The job is accepted: what goes wrong from here on is said in its reason, or a caller that tries again would double it."""
        try:
            self._backend(job.backend).submit([job.id])
        except MLInfraError as error:
            self._store.explain(dict.fromkeys(self._store.named(job.id).jobs, f"Waits: {error}"))

    def _heal(self) -> None:
        """Restart who follows the jobs of a backend, if it died while there is something to do."""
        for name in self._store.backends():
            with contextlib.suppress(MLInfraError):  # who asks for a list gets it, whatever has become of a backend
                self._backend(name).heal()
        if read_alarms(self._project.database):
            self._control.heal()

    def _complete(self, job: Job) -> Job:
        """The job with what lies in its files: the executed notebook's place and, while it runs, its progress."""
        if job.array is not None:
            return job
        attempt = Attempt.of(self._project.home, job.id, max(job.attempt, 1))
        job = replace(job, checkpoints=str(checkpoint_folder(self._project.root, self._project.home, job.id, job.checkpoints)))
        output = job.output
        if job.notebook is not None and output is None:
            place = attempt.folder / Path(job.notebook).name
            output = str(place.relative_to(self._project.root)) if place.is_relative_to(self._project.root) else str(place)
        if job.state not in ACTIVE:
            return replace(job, output=output)
        fraction, text = attempt.read_progress()
        return replace(job, output=output, progress=None if fraction is None else Number(value=fraction, basis="est"), progress_text=text)
