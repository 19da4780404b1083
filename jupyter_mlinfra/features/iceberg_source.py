"""`PinnedIcebergSource`: Feast's own Iceberg source at one snapshot. Importing this module imports
Feast.

It is no subclass of Feast's `IcebergSource`: Feast's stores would take it for one, and read the
newest rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from feast import RepoConfig, ValueType
from feast.credentials import ConnectionRef
from feast.data_source import DataSource
from feast.infra.data_sources.contrib.iceberg_catalog.iceberg_source import IcebergSource
from feast.protos.feast.core.DataSource_pb2 import DataSource as DataSourceProto
from feast.type_map import pa_to_feast_value_type

from .dataset_source import PINNED, columns_of, spec_of
from .sources import scan

SNAPSHOT = "snapshot"


class PinnedIcebergSource(DataSource):  # type: ignore[misc]  # Feast is not type-checked
    """Rows of an Iceberg table as they were at one snapshot, whatever is written later.

    snapshot: its number, or the name of a tag. table: the other arguments of Feast's
    `IcebergSource`, such as `catalog_type`, `warehouse`, `namespace`, `table`, `timestamp_field`.
    """

    def __init__(self, *, snapshot: str | int, **table: Any) -> None:
        self.snapshot = str(snapshot)
        self.iceberg = IcebergSource(**table)
        described = self.iceberg
        super().__init__(
            name=described.name,
            timestamp_field=described.timestamp_field,
            created_timestamp_column=described.created_timestamp_column,
            field_mapping=described.field_mapping,
            description=described.description,
            tags=described.tags,
            owner=described.owner,
            connection_ref=described.connection_ref,
        )

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, PinnedIcebergSource)
            and self.iceberg == other.iceberg
            and self.snapshot == other.snapshot
        )

    def __hash__(self) -> int:  # Python removes it from classes that define __eq__
        return hash((self.name, self.snapshot))

    @staticmethod
    def from_proto(data_source: DataSourceProto) -> PinnedIcebergSource:
        """The source that `to_proto` wrote, as JSON, so that reading a registry runs no code."""
        named = json.loads(data_source.custom_options.configuration)
        return PinnedIcebergSource(
            **named,
            name=data_source.name,
            timestamp_field=data_source.timestamp_field,
            created_timestamp_column=data_source.created_timestamp_column,
            field_mapping=dict(data_source.field_mapping),
            description=data_source.description,
            tags=dict(data_source.tags),
            owner=data_source.owner,
            connection_ref=ConnectionRef.from_tags(dict(data_source.tags)),
        )

    def _to_proto_impl(self) -> DataSourceProto:
        proto: DataSourceProto = self.iceberg._to_proto_impl()
        named = json.loads(proto.custom_options.configuration)
        proto.type = DataSourceProto.CUSTOM_SOURCE
        proto.data_source_class_type = PINNED
        proto.custom_options.configuration = json.dumps({**named, SNAPSHOT: self.snapshot}).encode()
        return proto

    def source_type(self) -> Any:
        """Feast's number for custom sources."""
        return DataSourceProto.CUSTOM_SOURCE

    def validate(self, config: RepoConfig) -> None:
        """Raise NotFound if there is no such table or snapshot."""
        scan(spec_of(self.to_proto()), config.repo_path)

    def get_table_column_names_and_types(self, config: RepoConfig) -> Iterable[tuple[str, str]]:
        """Column names at the snapshot with their Arrow types, as in a Parquet file that Feast
        reads.
        """
        return columns_of(spec_of(self.to_proto()), config)

    @staticmethod
    def source_datatype_to_feast_value_type() -> Callable[[str], ValueType]:
        """Feast understands Arrow's type names."""
        translate: Callable[[str], ValueType] = pa_to_feast_value_type
        return translate
