"""A pytest plugin: all of Feast's tests take the store and the source of `mlinfra_feast_conf`, also
those that name Feast's file store.
"""

from __future__ import annotations

from typing import Any

import mlinfra_feast_conf as conf
from tests.universal.feature_repos.universal.data_sources import file
from tests.utils.cli_repo_creator import CliRunner

file.FileDataSourceCreator = conf.CREATOR
_local_repo = CliRunner.local_repo


def _with_our_store(self: Any, example_repo_py: str, offline_store: str, **options: Any) -> Any:
    store = conf.STORE if offline_store == "file" else offline_store
    return _local_repo(self, example_repo_py, store, **options)


CliRunner.local_repo = _with_our_store
