"""Settings of warm kernels."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from ...core.settings import Section


class WarmSettings(Section):
    """The part of `[jobs]` that says which kernels are kept ready: for jobs, and for processes that
    have chosen the kernel provisioner.
    """

    TABLE: ClassVar[str] = "jobs"
    model_config = ConfigDict(extra="ignore")

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
