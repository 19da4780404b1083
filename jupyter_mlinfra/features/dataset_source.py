"""`DatasetSource`: a Feast data source over a dataset of the catalog. Importing this module imports
Feast.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from feast import RepoConfig, ValueType
from feast.data_source import DataSource
from feast.protos.feast.core.DataSource_pb2 import DataSource as DataSourceProto
from feast.type_map import pa_to_feast_value_type

from .arrow import feast_type_name
from .sources import SourceSpec, scan
from .sources.iceberg import PROPERTY
from .sources.spec import PROJECT
from .sources.storage import CONNECTION, ENDPOINT


class DatasetSource(DataSource):  # type: ignore[misc]  # Feast is not type-checked
    """Rows of a catalog dataset, as the source of a feature view.

    dataset: `namespace.table`. timestamp_field: when the value of a row became known.
    created_timestamp_column: when the row was written; it breaks ties of equal event times.
    snapshot: the one that is read, whatever is written later; None = the newest. project: folder of
    the project with that catalog, relative to the repository; empty = the project that holds the
    repository, else MLINFRA_PROJECT. field_mapping: column of the dataset → name in the view.
    """

    def __init__(
        self,
        *,
        dataset: str,
        timestamp_field: str,
        created_timestamp_column: str | None = None,
        snapshot: str | int | None = None,
        project: str = "",
        name: str = "",
        field_mapping: Mapping[str, str] | None = None,
        description: str = "",
        tags: Mapping[str, str] | None = None,
        owner: str = "",
    ) -> None:
        self.dataset, self.project = dataset, project
        self.snapshot = None if snapshot is None else str(snapshot)
        super().__init__(
            name=name or dataset,
            timestamp_field=timestamp_field,
            created_timestamp_column=created_timestamp_column,
            field_mapping=dict(field_mapping or {}),
            description=description,
            tags=dict(tags or {}),
            owner=owner,
        )

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, DatasetSource)
            and super().__eq__(other)
            and self._configuration() == other._configuration()
        )

    def __hash__(self) -> int:  # Python removes it from classes that define __eq__
        return hash((self.name, self.timestamp_field))

    @staticmethod
    def from_proto(data_source: DataSourceProto) -> DatasetSource:
        """The source that `to_proto` wrote, as JSON, so that reading a registry runs no code."""
        return DatasetSource(
            **json.loads(data_source.custom_options.configuration),
            name=data_source.name,
            timestamp_field=data_source.timestamp_field,
            created_timestamp_column=data_source.created_timestamp_column,
            field_mapping=data_source.field_mapping,
            description=data_source.description,
            tags=data_source.tags,
            owner=data_source.owner,
        )

    def _to_proto_impl(self) -> DataSourceProto:
        return DataSourceProto(
            name=self.name,
            type=DataSourceProto.CUSTOM_SOURCE,
            data_source_class_type=f"{__name__}.{type(self).__name__}",
            custom_options=DataSourceProto.CustomSourceOptions(
                configuration=json.dumps(self._configuration()).encode()
            ),
            timestamp_field=self.timestamp_field,
            created_timestamp_column=self.created_timestamp_column,
            field_mapping=self.field_mapping,
            description=self.description,
            tags=self.tags,
            owner=self.owner,
        )

    def _configuration(self) -> dict[str, str]:
        """What names the rows; only what is set, so that a registry of before stays as it is."""
        named = {"dataset": self.dataset, "snapshot": self.snapshot, "project": self.project}
        return {key: value for key, value in named.items() if value}

    def source_type(self) -> Any:
        """Feast's number for custom sources."""
        return DataSourceProto.CUSTOM_SOURCE

    def validate(self, config: RepoConfig) -> None:
        """Raise NotFound if the catalog has no such dataset."""
        scan(spec_of(self.to_proto()), config.repo_path)

    def get_table_column_names_and_types(self, config: RepoConfig) -> Iterable[tuple[str, str]]:
        """Column names of the dataset with their Arrow types, as in a Parquet file that Feast
        reads.
        """
        return columns_of(spec_of(self.to_proto()), config)

    @staticmethod
    def source_datatype_to_feast_value_type() -> Callable[[str], ValueType]:
        """Feast understands Arrow's type names."""
        translate: Callable[[str], ValueType] = pa_to_feast_value_type
        return translate


def columns_of(source: SourceSpec, config: RepoConfig) -> list[tuple[str, str]]:
    """The columns of a source under their own names, with their Arrow types as in a Parquet file
    that Feast reads.
    """
    frame = scan(replace(source, mapping={}), config.repo_path)
    schema = frame.collect_schema().to_frame().to_arrow().schema
    return [(column.name, feast_type_name(column.type)) for column in schema]


def spec_of(proto: DataSourceProto) -> SourceSpec:
    """What our reader needs to know about a source, from the bytes of a registry; no class named in
    them is imported.
    """
    mapping = dict(proto.field_mapping)
    facts: dict[str, Any] = {
        "time": mapping.get(proto.timestamp_field, proto.timestamp_field),
        "created": (
            mapping.get(proto.created_timestamp_column, proto.created_timestamp_column) or None
        ),
        "mapping": mapping,
    }
    if proto.type == DataSourceProto.BATCH_FILE:
        return _file_spec(proto, facts)
    if proto.type == DataSourceProto.BATCH_ICEBERG:  # Unity Catalog's too
        return _iceberg_spec(proto, facts)
    if proto.type == DataSourceProto.CUSTOM_SOURCE:
        if proto.data_source_class_type == f"{__name__}.DatasetSource":
            named = json.loads(proto.custom_options.configuration)
            options = {PROJECT: named["project"]} if "project" in named else {}
            return SourceSpec(
                kind="dataset",
                name=named["dataset"],
                snapshot=named.get("snapshot"),
                options=options,
                **facts,
            )
        if proto.data_source_class_type == PINNED:
            return _iceberg_spec(proto, facts)
    return SourceSpec(kind="other", name=proto.name, **facts)


PINNED = f"{__package__}.iceberg_source.PinnedIcebergSource"


def _file_spec(proto: DataSourceProto, facts: dict[str, Any]) -> SourceSpec:
    file = proto.file_options
    kinds: dict[str | None, Any] = {
        None: "parquet",
        "parquet_format": "parquet",
        "delta_format": "delta",
    }
    kind = kinds.get(file.file_format.WhichOneof("format"))
    if kind is None:
        return SourceSpec(kind="other", name=proto.name, **facts)
    options = _connection(proto)
    if file.s3_endpoint_override:
        options[ENDPOINT] = file.s3_endpoint_override
    return SourceSpec(kind=kind, name=file.uri, options=options, **facts)


def _iceberg_spec(proto: DataSourceProto, facts: dict[str, Any]) -> SourceSpec:
    named = json.loads(proto.custom_options.configuration)
    properties = named.pop("catalog_properties", None) or {}
    snapshot = named.pop("snapshot", None)
    defaults = {"catalog_type": "rest", "catalog_name": "feast_iceberg"}
    options = defaults | {key: value for key, value in named.items() if isinstance(value, str)}
    options |= {f"{PROPERTY}{key}": str(value) for key, value in properties.items()}
    name = ".".join(named[part] for part in ("warehouse", "namespace", "table"))
    return SourceSpec(
        kind="iceberg",
        name=name,
        snapshot=snapshot,
        options=options | _connection(proto),
        **facts,
    )


def _connection(proto: DataSourceProto) -> dict[str, str]:
    """Where Feast's ConnectionRef says that the keys are."""
    return {key: value for key, value in proto.tags.items() if key.startswith(CONNECTION)}
