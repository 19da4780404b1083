"""The settings of a project: `mlinfra.toml`, then environment variables `MLINFRA_<SECTION>_<KEY>`
over it.

Every key has a default, so an empty file works. The text under a field is its help in every
interface. Secrets are references (`env:NAME`, `keyring:SERVICE/NAME`), never values.
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from .errors import BadRequest
from .secrets import is_named_like_secret, is_reference

FILE = "mlinfra.toml"
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Targets(_Section):
    """What the use case asks of the infrastructure; `mlinfra project check` measures each."""

    latency_p99_ms: float | None = Field(default=None, gt=0)
    """99th percentile of the answer time of the live deployment, in milliseconds."""

    requests_per_second: float | None = Field(default=None, gt=0, le=10_000)
    """Requests a second that the live deployment has to bear; at most 10,000, the largest load that
    can be made for the measurement.
    """

    feature_lag_hours: float | None = Field(default=None, gt=0)
    """How far online features may be behind their source, in hours; a view with a shorter ttl is
    held to that.
    """

    datasets: tuple[str, ...] = ()
    """Datasets that must be present, as `namespace.table`."""

    metric: str = ""
    """Metric of the champion version that is held against `metric_at_least`."""

    metric_at_least: float | None = None
    """Lowest acceptable value of `metric`."""


class ProjectCard(_Section):
    """The use case: what is predicted, for whom, and what a success is."""

    name: str = ""
    """Short name (DNS label): Seldon namespace and MLflow tag. Default: the folder's name."""

    title: str = ""
    """One line that a colleague understands."""

    goal: str = ""
    """What is decided with the prediction, and when it is made."""

    kpi: str = ""
    """The business figure that a success moves, with its unit."""

    owner: str = ""
    """Who answers for the project."""

    deployment: str = ""
    """Deployment that the targets are measured on. Default: the only one there is."""

    targets: Targets = Targets()

    @field_validator("name")
    @classmethod
    def _is_label(cls, name: str) -> str:
        if name and not _LABEL.fullmatch(name):
            rule = (
                "A name is 1 to 63 small letters, digits and hyphens; a letter or digit comes first"
                " and last (my-shop, not my_shop)"
            )
            raise PydanticCustomError("label", rule)
        return name


class CatalogSettings(_Section):
    uri: str = ""
    """Iceberg catalog: empty = SQLite in the project; `sql+…` or `https://…` = SQL or REST catalog.
    One with a password: `env:NAME`.
    """

    warehouse: str = ""
    """Where data files live: empty = a folder in the project; `s3://…`, `gs://…`, `abfs://…`."""

    properties: dict[str, str] = {}
    """Further properties of the Iceberg catalog, as pyiceberg names them; values may be secret
    references.
    """

    preview_rows: int = Field(default=100, ge=1, le=500)
    """Rows in a page of a preview."""

    sample_rows: int = Field(default=200_000, ge=1000)
    """Rows that a sampled profile reads."""


class FeatureSettings(_Section):
    repo: str = "feature_repo"
    """Folder of the Feast feature repository, below the project."""

    apply_minutes: float = Field(default=10.0, gt=0)
    """Minutes after which `apply` is given up: a definition file that never ends would hold all
    others.
    """

    as_of: datetime | None = None
    """Time at which online values are judged against their ttl; empty = the clock. For work on
    historical data.
    """


class ExperimentSettings(_Section):
    tracking_uri: str = ""
    """MLflow tracking store: empty = SQLite in the project; `http(s)://…` = an MLflow server."""

    artifacts: str = ""
    """Where artifacts of new experiments go: empty = a folder in the project."""


class SlurmSettings(_Section):
    partition: str = ""
    """Partition of jobs that name no queue; empty = the cluster's default."""

    account: str = ""
    """Account that jobs are charged to."""

    qos: str = ""
    """Quality of service."""

    arguments: tuple[str, ...] = ()
    """Further arguments of `sbatch`, such as `--constraint=a100`."""

    conf: str = ""
    """`SLURM_CONF`, where the commands do not find the cluster by themselves."""

    bin: str = ""
    """Folder of the commands `sbatch`, `squeue`, `scancel`; empty = found in PATH."""

    python: str = ""
    """Interpreter on the nodes that has this package; empty = the one that submits, at the same
    path.
    """

    poll_seconds: float = Field(default=2.0, gt=0)
    """Seconds between two looks at the queue while jobs are there; each is one `squeue` for all of
    them.
    """

    notice_seconds: int = Field(default=60, ge=1)
    """Seconds of warning before a job has to give way or the partition's limit ends it."""

    raise_priority: bool = False
    """Whether priorities above 50 become a negative nice value, which Slurm allows its operators
    only.
    """


class KubernetesSettings(_Section):
    image: str = ""
    """Container image of the jobs; this package has to be installed in it."""

    claim: str = ""
    """Persistent volume claim that holds the project's folder and is mounted here too."""

    host_path: str = ""
    """Instead of a claim: a folder that every node has, such as a network share."""

    sub_path: str = ""
    """Folder of the volume that is mounted; empty = all of it."""

    mount_path: str = ""
    """Where the volume is mounted, here as there; empty = the project's folder."""

    namespace: str = "default"
    """Namespace of the jobs."""

    kubeconfig: str = ""
    """File that says how the cluster is reached; empty = the usual one, or inside a cluster the
    pod's own account.
    """

    context: str = ""
    """Context of that file; empty = the current one."""

    service_account: str = ""
    """Account of the pods; empty = the namespace's default, without its token."""

    secret: str = ""
    """Kubernetes Secret in which a reference `env:NAME` finds the key NAME."""

    python: str = "python"
    """Interpreter in the image that has this package."""

    queue: str = ""
    """Kueue's local queue for jobs that name none; empty = without Kueue, as long as a job names
    none.
    """

    priority_classes: dict[int, str] = Field(default_factory=dict)
    """Kueue's priority classes, each with the lowest priority (0 to 100) that it is for."""

    gpu_resource: str = "nvidia.com/gpu"
    """What the cluster calls a GPU."""

    gpu_parts: dict[str, str] = Field(default_factory=dict)
    """What it calls parts of one, such as `"0.5" = "nvidia.com/mig-3g.20gb"`."""

    gpu_type_label: str = "nvidia.com/gpu.product"
    """Label of the nodes that says which GPUs they have."""

    gpu_types: dict[str, str] = Field(default_factory=dict)
    """Values of that label by short names, such as `a100 = "NVIDIA-A100-SXM4-80GB"`; another type
    is taken as it is written.
    """

    node_selector: dict[str, str] = Field(default_factory=dict)
    """Labels that a node has to have."""

    tolerations: tuple[dict[str, str | int], ...] = ()
    """Taints that jobs put up with, as Kubernetes writes them."""

    autoscaled: bool = False
    """Whether nodes come when they are asked for: then nothing is refused because no present node
    is large enough.
    """

    notice_seconds: int = Field(default=60, ge=1)
    """Seconds that a job has to save its work when it has to give way."""

    keep_minutes: float = Field(default=60.0, ge=1)
    """Minutes that ended jobs stay in Kubernetes when nobody follows them; else they are deleted
    once their end is written down.
    """

    poll_seconds: float = Field(default=2.0, gt=0)
    """Seconds between two looks while jobs are there; each lists them all at once."""


class RaySettings(_Section):
    address: str = "http://127.0.0.1:8265"
    """Where the head's dashboard answers, which takes the jobs."""

    token: str = ""
    """Reference to the token of a cluster that asks for one (`env:RAY_AUTH_TOKEN`); sent as
    `Authorization: Bearer`.
    """

    headers: dict[str, str] = Field(default_factory=dict)
    """Further headers of each request, for what stands before the dashboard; values may be secret
    references.
    """

    python: str = ""
    """Interpreter on the nodes that has this package; empty = the one that submits, at the same
    path.
    """

    resources: dict[str, float] = Field(default_factory=dict)
    """Custom resources that every job asks for, such as a mark of the nodes that have the project's
    folder: `shared = 0.001`.
    """

    gpu_types: dict[str, str] = Field(default_factory=dict)
    """Ray's names of types of GPUs by others, such as `a100 = "A100"`; another type is taken as it
    is written.
    """

    autoscaled: bool = False
    """Whether nodes come when they are asked for: then nothing is refused because no present node
    is large enough.
    """

    notice_seconds: int = Field(default=60, ge=1)
    """Seconds that a job has to save its work when Ray loses its place: a node or the head is
    stopped.
    """

    keep_minutes: float = Field(default=60.0, ge=1)
    """Minutes that ended jobs stay in Ray's list."""

    poll_seconds: float = Field(default=2.0, gt=0)
    """Seconds between two looks while jobs are there; each lists them all at once."""

    @field_validator("address")
    @classmethod
    def _is_http(cls, address: str) -> str:
        if not address.startswith(("http://", "https://")):
            rule = (
                "Jobs are taken by the dashboard of the head: http://HOST:8265 (neither ray://… nor"
                " port 6379, which are of the cluster itself)"
            )
            raise PydanticCustomError("address", rule)
        if "@" in address.partition("://")[2].partition("/")[0]:
            rule = (
                "It holds a user or a password, which would be kept in a file; give them as a"
                ' reference: headers = { Authorization = "env:NAME" }'
            )
            raise PydanticCustomError("address", rule)
        return address

    @field_validator("token")
    @classmethod
    def _is_reference(cls, token: str) -> str:
        if token and not is_reference(token):
            raise PydanticCustomError(
                "token",
                "The token itself would be kept in a file; give a reference (env:NAME or"
                " keyring:SERVICE/NAME)",
            )
        return token

    @field_validator("headers")
    @classmethod
    def _hold_no_secret(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if (
                name.lower() in ("authorization", "proxy-authorization", "cookie")
                or is_named_like_secret(name)
            ) and not is_reference(value):
                rule = (
                    "The value of {name} would be kept in a file; give a reference to all of it"
                    " (env:NAME or keyring:SERVICE/NAME)"
                )
                raise PydanticCustomError("headers", rule, {"name": name})
        return headers

    @field_validator("resources")
    @classmethod
    def _are_custom(cls, resources: dict[str, float]) -> dict[str, float]:
        for name, amount in resources.items():
            if name in ("CPU", "GPU", "memory", "object_store_memory"):
                rule = (
                    "{name} is no custom resource: how much of it a job needs is said by the job"
                    " (cpus, gpus, memory_gib)"
                )
                raise PydanticCustomError("resources", rule, {"name": name})
            if not 0 < amount < math.inf:
                raise PydanticCustomError(
                    "resources", "The amount of {name} is not above 0", {"name": name}
                )
        return resources


class JobSettings(_Section):
    backend: str = "local"
    """Entry point of group `mlinfra.job_backends` that runs the jobs."""

    cpus: int = Field(default=0, ge=0)
    """CPU slots of the local backend; 0 = as many as the machine has."""

    gpus: int = Field(default=-1, ge=-1)
    """GPU slots of the local backend; -1 = those that NVML finds."""

    grace_seconds: float = Field(default=10.0, ge=0)
    """Seconds between SIGTERM and SIGKILL of a cancelled job."""

    log_gib: float = Field(default=1.0, ge=0.001)
    """Most that one attempt's log keeps while the job runs, in GiB; of a longer one the middle is
    dropped, and a line says so.
    """

    snapshot_max_mib: float = Field(default=100.0, gt=0)
    """Code snapshots leave out the largest files beyond this size."""

    gpu_hour_price: float = Field(default=0.0, ge=0)
    """What an hour of one GPU costs, in any currency; 0 = nothing is said of costs."""

    cpu_hour_price: float = Field(default=0.0, ge=0)
    """The same of one CPU."""

    slurm: SlurmSettings = SlurmSettings()

    kubernetes: KubernetesSettings = KubernetesSettings()

    ray: RaySettings = RaySettings()

    @property
    def log_bytes(self) -> int:
        """`log_gib` in bytes."""
        return int(self.log_gib * 2**30)


class PipelineSettings(_Section):
    max_parallel: int = Field(default=0, ge=0)
    """Steps at a time; 0 = as many as the job backend has slots for."""

    warm_kernels: Annotated[int, Field(ge=0, le=32)] | Literal["auto"] = "auto"
    """Kernels that the local backend keeps ready for notebook jobs, their imports done; 0 = none,
    "auto" = one once a notebook job has run.

    As many, apart from those, in each process that has chosen the kernel provisioner
    `mlinfra-warm`.
    """

    warm_memory_gib: float = Field(default=2.0, gt=0)
    """Most memory that all of them may hold together, in GiB; with "auto" an eighth of the
    machine's, where that is less.
    """

    warm_imports: tuple[str, ...] = ()
    """Modules that they import; empty = what the notebooks import that ran as jobs lately, or lie
    beside the one that a kernel is started for.
    """

    @property
    def warm_size(self) -> int:
        """How many kernels are kept."""
        return 1 if self.warm_kernels == "auto" else self.warm_kernels

    def warm_room_gib(self, machine_gib: float) -> float:
        """Most memory that they hold on a machine with so much."""
        return (
            min(self.warm_memory_gib, machine_gib / 8)
            if self.warm_kernels == "auto"
            else self.warm_memory_gib
        )


class DeploymentSettings(_Section):
    target: str = "local"
    """Entry point of group `mlinfra.deployment_targets` that serves."""

    port: int = Field(default=0, ge=0, le=65535)
    """Port of the local gateway on 127.0.0.1; 0 = a free one, chosen once and kept."""

    require_token: bool = False
    """Whether the gateway answers only who sends the project's token: for a machine on which others
    work too.
    """

    workers: int = Field(default=2, ge=1, le=64)
    """Serving processes a version."""

    runtime: Literal["seldon"] = "seldon"
    """Serving runtime of new versions."""

    environments: str = ""
    """Folder of serving environments, shared between projects. Default: the user's cache folder."""

    max_body_mib: float = Field(default=8.0, gt=0)
    """Largest request body that the gateway lets through."""

    retain_versions: int = Field(default=2, ge=0)
    """Versions without traffic that stay warm for an instant rollback."""

    payload_days: float = Field(default=90.0, gt=0)
    """Days that the payload log is kept."""

    payload_gib: float = Field(default=10.0, gt=0)
    """Largest payload log of a deployment; beyond it the oldest files go."""


class MonitoringSettings(_Section):
    evaluate_minutes: float = Field(default=5.0, ge=1, le=525_600, allow_inf_nan=False)
    """Minutes between two evaluations of the rules, from 1 to a year's."""

    psi_alert: float = Field(default=0.2, gt=0)
    """PSI from which the default drift rule fires."""

    min_rows: int = Field(default=200, ge=1)
    """Fewest rows of a window that the drift rule may judge."""

    failed_alert: float = Field(default=0.01, gt=0, le=1)
    """Share of requests answered with 5xx from which an alert fires."""

    refused_alert: float = Field(default=0.05, gt=0, le=1)
    """Share of requests refused with 4xx from which an alert fires."""

    hold_minutes: float = Field(default=0.0, ge=0)
    """Minutes that a breach has to last before its alert fires; until then it is pending."""


class Settings(BaseSettings):
    """All sections of `mlinfra.toml`."""

    model_config = SettingsConfigDict(
        env_prefix="MLINFRA_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
    )

    home: str = ".mlinfra"
    """Folder of the project's state, below the project or absolute; on a disk that only one
    machine's processes write, but for the folders of jobs.
    """

    project: ProjectCard = ProjectCard()
    catalog: CatalogSettings = CatalogSettings()
    features: FeatureSettings = FeatureSettings()
    experiments: ExperimentSettings = ExperimentSettings()
    jobs: JobSettings = JobSettings()
    pipelines: PipelineSettings = PipelineSettings()
    deployments: DeploymentSettings = DeploymentSettings()
    monitoring: MonitoringSettings = MonitoringSettings()


def load_settings(root: Path) -> Settings:
    """Read `root/mlinfra.toml` (may be missing) and the environment.

    Raises BadRequest with the key and the reason when a value cannot be used.
    """

    class Here(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            # MLINFRA_PROJECT names the project's folder; it is not a `project` section in JSON.
            if isinstance(env_settings, EnvSettingsSource):
                env_settings.env_vars = {
                    name: value
                    for name, value in env_settings.env_vars.items()
                    if name != "mlinfra_project"
                }
            return env_settings, TomlConfigSettingsSource(settings_cls, root / FILE)

    try:
        return Here()
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise BadRequest(
            f"Setting {key} cannot be used.",
            first["msg"] + ".",
            f"Correct it in {root / FILE} or in the environment (MLINFRA_…).",
        ) from error
    except ValueError as error:  # TOML syntax
        raise BadRequest(
            f"{root / FILE} cannot be read.", str(error), "Correct the TOML at that line."
        ) from error
