"""GPU slots: from a driver that is played by a module of the same functions, and without one."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from jupyter_mlinfra.core import gpus as devices


class FakeDriver(ModuleType):
    """NVML with two GPUs; a process computes on the second, whose memory it does not tell."""

    class NVMLError(Exception):
        """What the driver raises."""

    def __init__(self) -> None:
        super().__init__("pynvml")
        self.open = 0

    def nvmlInit(self) -> None:
        self.open += 1

    def nvmlShutdown(self) -> None:
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:
        return 2

    def nvmlDeviceGetHandleByIndex(self, number: int) -> int:
        return number

    def nvmlDeviceGetMigMode(self, handle: int) -> list[int]:
        raise self.NVMLError

    def nvmlDeviceGetUUID(self, handle: int) -> bytes | str:
        return [b"GPU-old-bindings", "GPU-new-bindings"][handle]

    def nvmlDeviceGetName(self, handle: int) -> str:
        return "NVIDIA H100"

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> SimpleNamespace:
        return SimpleNamespace(gpu=[0, 84][handle])

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> SimpleNamespace:
        if handle == 1:
            raise self.NVMLError
        return SimpleNamespace(used=20, total=80)

    def nvmlDeviceGetComputeRunningProcesses(self, handle: int) -> list[SimpleNamespace]:
        busy = SimpleNamespace(pid=41, usedGpuMemory=300)
        silent = SimpleNamespace(pid=42, usedGpuMemory=None)
        return [busy, silent] if handle == 1 else []


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeDriver:
    fake = FakeDriver()
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    monkeypatch.setattr(devices, "_DRIVER_NODES", (str(tmp_path),))
    return fake


def test_gpus_are_known_by_their_uuid_and_the_driver_is_let_go(driver: FakeDriver) -> None:
    assert [(gpu.id, gpu.number, gpu.name) for gpu in devices.gpu_slots(-1)] == [
        ("GPU-old-bindings", 0, "NVIDIA H100"),
        ("GPU-new-bindings", 1, "NVIDIA H100"),
    ]
    assert driver.open == 0


def test_a_divided_gpu_is_given_by_its_instances(
    driver: FakeDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def instance(handle: int, place: int) -> str:
        if place == 1:
            raise driver.NVMLError  # an empty place
        return f"MIG-{place}"

    whole = driver.nvmlDeviceGetUUID
    monkeypatch.setattr(
        driver, "nvmlDeviceGetMigMode", lambda handle: [1, 1] if handle == 0 else [0, 0]
    )
    monkeypatch.setattr(driver, "nvmlDeviceGetMaxMigDeviceCount", lambda handle: 3, raising=False)
    monkeypatch.setattr(driver, "nvmlDeviceGetMigDeviceHandleByIndex", instance, raising=False)
    monkeypatch.setattr(
        driver,
        "nvmlDeviceGetUUID",
        lambda handle: handle if isinstance(handle, str) else whole(handle),
    )
    assert [(gpu.id, gpu.number) for gpu in devices.gpu_slots(-1)] == [
        ("MIG-0", 0),
        ("MIG-2", 1),
        ("GPU-new-bindings", 2),
    ]


def test_what_the_driver_does_not_tell_is_missing_and_no_failure(driver: FakeDriver) -> None:
    assert devices.gpu_readings() == {
        "GPU-old-bindings": devices.Reading(load=0.0, memory=0.25, pids=()),
        "GPU-new-bindings": devices.Reading(
            load=0.84, memory=None, pids=(41, 42), used={41: 300, 42: None}
        ),
    }
    assert driver.open == 0


def test_a_setting_takes_some_of_the_gpus_or_counts_slots_where_there_are_fewer(
    driver: FakeDriver,
) -> None:
    assert [gpu.id for gpu in devices.gpu_slots(1)] == ["GPU-old-bindings"]
    assert [gpu.id for gpu in devices.gpu_slots(3)] == ["0", "1", "2"]
    assert devices.gpu_slots(0) == ()


def test_without_a_driver_its_library_is_not_even_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_DRIVER_NODES", ("/no/such/node",))
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert devices.gpu_slots(-1) == ()
    assert devices.gpu_readings() == {}
    assert [gpu.id for gpu in devices.gpu_slots(2)] == ["0", "1"]
