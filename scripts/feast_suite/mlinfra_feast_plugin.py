"""A pytest plugin: all of Feast's tests take the store and the source of `mlinfra_feast_conf`, also
those that name Feast's file store.
"""

from __future__ import annotations

import os
from typing import Any

import mlinfra_feast_conf as conf
from tests.universal.feature_repos.universal.data_sources import file
from tests.utils.cli_repo_creator import CliRunner

file.FileDataSourceCreator = conf.CREATOR
_local_repo, _environment = CliRunner.local_repo, CliRunner._subprocess_env


def _with_our_store(self: Any, example_repo_py: str, offline_store: str, **options: Any) -> Any:
    store = conf.STORE if offline_store == "file" else offline_store
    return _local_repo(self, example_repo_py, store, **options)


def _with_the_repository_first(self: Any) -> dict[str, str]:
    """The definitions are in `example.py`, and a package that is installed here has one, too."""
    found = _environment(self)
    return {**found, "PYTHONPATH": os.pathsep.join((".", found["PYTHONPATH"]))}


CliRunner.local_repo = _with_our_store
CliRunner._subprocess_env = _with_the_repository_first
