"""Settings of the backend kubernetes."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from ....core.settings import Section


class KubernetesSettings(Section):
    """`[jobs.kubernetes]`"""

    TABLE: ClassVar[str] = "jobs.kubernetes"

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
