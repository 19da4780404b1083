"""The GPUs of this machine, by UUID: the numbers of CUDA and of the driver need not agree."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Without one of these there is no NVIDIA driver, so its library need not be loaded to find out.
_DRIVER_NODES = ("/dev/nvidiactl", "/dev/dxg")
_OPENED = ("/dev/nvidia", "/dev/dxg")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One GPU slot. id: what CUDA_VISIBLE_DEVICES is given. number: as people count it."""

    id: str
    number: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a GPU is doing. load, memory: 0 to 1, None when the driver does not say. pids: processes
    that compute on it. used: bytes of its memory by process, None when the driver does not say.
    """

    load: float | None
    memory: float | None
    pids: tuple[int, ...]
    used: Mapping[int, int | None] = field(default_factory=dict)


def has_driver() -> bool:
    """Whether this machine has an NVIDIA driver."""
    return any(Path(node).exists() for node in _DRIVER_NODES)


def holds_driver(pid: int) -> bool:
    """Whether a process has a GPU's driver open, as everything has that computes on one. False of
    a process that is gone, or is of another user.
    """
    with contextlib.suppress(OSError), os.scandir(f"/proc/{pid}/fd") as files:
        for file in files:
            with contextlib.suppress(OSError):  # closed meanwhile
                if os.readlink(file.path).startswith(_OPENED):
                    return True
    return False


def gpu_slots(setting: int) -> tuple[Gpu, ...]:
    """GPU slots: all that the driver lists (-1), the first n of them, or without a driver n that
    are only counted.
    """
    found = _list() if setting else ()
    if setting < 0 or len(found) >= setting:
        return found if setting < 0 else found[:setting]
    return tuple(
        Gpu(id=str(number), number=number, name="GPU slot without a driver")
        for number in range(setting)
    )


def gpu_readings() -> dict[str, Reading]:
    """What each GPU is doing, by id; empty without a driver."""
    readings = {}
    with _driver() as nvml:
        for handle in _handles(nvml):
            readings[_text(nvml.nvmlDeviceGetUUID(handle))] = _reading(nvml, handle)
    return readings


def _list() -> tuple[Gpu, ...]:
    with _driver() as nvml:
        return tuple(
            Gpu(
                id=_text(nvml.nvmlDeviceGetUUID(handle)),
                number=number,
                name=_text(nvml.nvmlDeviceGetName(handle)),
            )
            for number, handle in enumerate(_handles(nvml))
        )


def _reading(nvml: Any, handle: Any) -> Reading:
    load = memory = None
    used: dict[int, int | None] = {}
    with contextlib.suppress(nvml.NVMLError):
        load = nvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100
    with contextlib.suppress(nvml.NVMLError):
        whole = nvml.nvmlDeviceGetMemoryInfo(handle)
        memory = whole.used / whole.total
    with contextlib.suppress(nvml.NVMLError):
        for process in nvml.nvmlDeviceGetComputeRunningProcesses(handle):
            used[process.pid] = process.usedGpuMemory
    return Reading(load=load, memory=memory, pids=tuple(used), used=used)


@contextlib.contextmanager
def _driver() -> Iterator[Any]:
    """NVML while it is needed, None without a driver. Shut down after use: an open driver keeps an
    idle GPU awake.
    """
    nvml = _load()
    try:
        yield nvml
    finally:
        if nvml is not None:
            with contextlib.suppress(nvml.NVMLError):
                nvml.nvmlShutdown()


def _load() -> Any:
    if not has_driver():
        return None
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    return pynvml


def _handles(nvml: Any) -> list[Any]:
    """Devices that a job can be given: whole GPUs, and in place of a GPU that is divided (MIG) its
    instances.
    """
    if nvml is None:
        return []
    gpus = (nvml.nvmlDeviceGetHandleByIndex(number) for number in range(nvml.nvmlDeviceGetCount()))
    return [part for handle in gpus for part in _instances(nvml, handle) or (handle,)]


def _instances(nvml: Any, handle: Any) -> list[Any]:
    """The MIG instances of a GPU; none where it is not divided, or cannot be."""
    found = list[Any]()
    with contextlib.suppress(nvml.NVMLError):
        if nvml.nvmlDeviceGetMigMode(handle)[0]:
            for number in range(nvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
                with contextlib.suppress(nvml.NVMLError):  # places need not be filled
                    found.append(nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, number))
    return found


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
