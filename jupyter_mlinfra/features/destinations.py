"""Datasets of the catalog as the place where Feast saves datasets and logs answers. Importing this
module imports Feast.

project: folder of the project with that catalog, relative to the repository; empty = the project
that holds the repository, else MLINFRA_PROJECT.
"""

from __future__ import annotations

import json

from feast import saved_dataset
from feast.data_source import DataSource
from feast.feature_logging import LoggingDestination
from feast.protos.feast.core.DataSource_pb2 import DataSource as DataSourceProto
from feast.protos.feast.core.FeatureService_pb2 import LoggingConfig
from feast.protos.feast.core.SavedDataset_pb2 import SavedDatasetStorage as StorageProto

from .dataset_source import DatasetSource

_AT = "event_timestamp"  # Feast reads saved datasets by it
_LOGGED_AT = "__log_timestamp"


class DatasetStorage(saved_dataset.SavedDatasetStorage):  # type: ignore[misc]  # Feast is not type-checked
    """A dataset, `namespace.table`, in which Feast saves one of its datasets."""

    _proto_attr_name = "custom_storage"

    def __init__(self, dataset: str, *, project: str = "") -> None:
        self.dataset, self.project = dataset, project

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DatasetStorage) and vars(self) == vars(other)

    def __hash__(self) -> int:  # Python removes it from classes that define __eq__
        return hash((self.dataset, self.project))

    @staticmethod
    def from_proto(storage_proto: StorageProto) -> DatasetStorage:
        """What `to_proto` wrote, as JSON, so that reading a registry runs no code."""
        named = json.loads(storage_proto.custom_storage.configuration)
        return DatasetStorage(named["dataset"], project=named["project"])

    def to_proto(self) -> StorageProto:
        """As JSON, with the name of this class, by which Feast finds it."""
        named = json.dumps({"dataset": self.dataset, "project": self.project}).encode()
        proto: StorageProto = self._custom_storage_proto(
            DataSourceProto.CustomSourceOptions(configuration=named)
        )
        return proto

    def to_data_source(self) -> DataSource:
        """The dataset, as a source of its rows."""
        return DatasetSource(dataset=self.dataset, project=self.project, timestamp_field=_AT)

    @staticmethod
    def from_data_source(data_source: DataSource) -> DatasetStorage:
        """The dataset of a source."""
        assert isinstance(data_source, DatasetSource)
        return DatasetStorage(data_source.dataset, project=data_source.project)


class DatasetLoggingDestination(LoggingDestination):  # type: ignore[misc]
    """A dataset, `namespace.table`, to which the answers of a feature service are appended."""

    _proto_kind = "mlinfra_dataset"

    def __init__(self, dataset: str, *, project: str = "") -> None:
        self.dataset, self.project = dataset, project

    @classmethod
    def from_proto(cls, config_proto: LoggingConfig) -> DatasetLoggingDestination:
        """What `to_proto` wrote."""
        named = config_proto.custom_destination.config
        return DatasetLoggingDestination(named["dataset"], project=named["project"])

    def to_proto(self) -> LoggingConfig:
        """As a custom destination of our kind."""
        return LoggingConfig(
            custom_destination=LoggingConfig.CustomDestination(
                kind=self._proto_kind, config={"dataset": self.dataset, "project": self.project}
            )
        )

    def to_data_source(self) -> DataSource:
        """The dataset, as a source of its rows."""
        return DatasetSource(dataset=self.dataset, project=self.project, timestamp_field=_LOGGED_AT)


# Feast has no call by which another package says how datasets of its sources are saved.
saved_dataset._DATA_SOURCE_TO_SAVED_DATASET_STORAGE["DatasetSource"] = f"{__name__}.DatasetStorage"
