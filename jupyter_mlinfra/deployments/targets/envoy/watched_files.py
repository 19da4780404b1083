"""The files that Envoy watches: how they are replaced, and when Envoy uses them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from . import admin
from .configuration import acknowledged_by, with_former_clusters
from .names import CLUSTERS, ROUTES


def swap(name: str, text: str) -> bool:
    """Replace a watched file in one rename, unless its content is the same: on a full disk the
    present file still serves. Returns whether it did.

    No fsync, because it is written anew at every start.
    """
    if _read(name) == text:
        return False
    draft = Path(f".{name}.draft")
    draft.write_text(text)
    draft.rename(name)
    return True


def apply(contents: Mapping[str, str], *, timeout: float = 10.0) -> bool:
    """Give the watched files these contents (see `configuration.files`) and wait until every
    Envoy uses them. Returns whether they do.

    Clusters are warm, with their workers checked, before the first route to them is written, and
    leave after the last one.
    """
    deadline, former = time.monotonic() + timeout, _read(CLUSTERS)
    first = dict(contents)
    if former is not None:
        first[CLUSTERS] = with_former_clusters(contents[CLUSTERS], former)
    if not _replace(first, deadline):
        return False
    if first != contents and not _replace(contents, deadline):
        return False
    for old in Path().glob("eds-*.json"):
        if old.name not in contents:
            old.unlink(missing_ok=True)
    return True


def publish(contents: Mapping[str, str], *, timeout: float, if_used: bool = False) -> bool:
    """Give the files of the address for other machines these contents (see
    `configuration.public_files`); returns whether every Envoy uses them in time. if_used: an Envoy
    that uses no such file at all is right too.
    """
    return _replace(contents, time.monotonic() + timeout, if_used=if_used)


def _replace(contents: Mapping[str, str], deadline: float, *, if_used: bool = False) -> bool:
    changed = False
    for name, text in contents.items():
        if name == ROUTES and not _until(
            deadline, lambda: _in_force(contents, without=ROUTES) and _warm()
        ):
            return False
        changed = swap(name, text) or changed
    if not _until(deadline, lambda: _in_force(contents, if_used=if_used)):
        return False
    if changed:
        # Envoy's main thread has it; its worker threads take it over in their next turn.
        time.sleep(0.02)
    return True


def _warm() -> bool:
    gauges = admin.statistics("warming_clusters$") or {0: {}}
    return all(found.get("cluster_manager.warming_clusters") == "0" for found in gauges.values())


def _in_force(contents: Mapping[str, str], *, without: str = "", if_used: bool = False) -> bool:
    expected = [acknowledged_by(name, text) for name, text in contents.items() if name != without]
    versions = admin.statistics("version_text$")
    if versions is None:
        return not expected
    return all(
        found.get(stat, version if if_used else None) == version
        for found in versions.values()
        for stat, version in expected
    )


def _read(name: str) -> str | None:
    with contextlib.suppress(OSError):
        return Path(name).read_text()
    return None


def _until(deadline: float, happened: Callable[[], bool]) -> bool:
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
