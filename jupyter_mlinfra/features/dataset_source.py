"""`DatasetSource`: a Feast data source over a dataset of the catalog. Importing this module imports
Feast.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pyarrow as pa
from feast import RepoConfig, ValueType
from feast.data_source import DataSource
from feast.protos.feast.core.DataSource_pb2 import DataSource as DataSourceProto
from feast.type_map import pa_to_feast_value_type

from .arrow import feast_type
from .sources import SourceSpec, scan


class DatasetSource(DataSource):  # type: ignore[misc]  # Feast is not type-checked
    """Rows of a catalog dataset, as the source of a feature view.

    dataset: `namespace.table`. timestamp_field: when the value of a row became known.
    created_timestamp_column: when the row was written; it breaks ties of equal event times.
    field_mapping: column of the dataset → name in the view.
    """

    def __init__(
        self,
        *,
        dataset: str,
        timestamp_field: str,
        created_timestamp_column: str | None = None,
        name: str = "",
        field_mapping: Mapping[str, str] | None = None,
        description: str = "",
        tags: Mapping[str, str] | None = None,
        owner: str = "",
    ) -> None:
        self.dataset = dataset
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
            and self.dataset == other.dataset
        )

    def __hash__(self) -> int:  # Python removes it from classes that define __eq__
        return hash((self.name, self.timestamp_field))

    @staticmethod
    def from_proto(data_source: DataSourceProto) -> DatasetSource:
        """The source that `to_proto` wrote, as JSON, so that reading a registry runs no code."""
        return DatasetSource(
            dataset=json.loads(data_source.custom_options.configuration)["dataset"],
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
                configuration=json.dumps({"dataset": self.dataset}).encode()
            ),
            timestamp_field=self.timestamp_field,
            created_timestamp_column=self.created_timestamp_column,
            field_mapping=self.field_mapping,
            description=self.description,
            tags=self.tags,
            owner=self.owner,
        )

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
        unmapped = SourceSpec(kind="dataset", name=self.dataset, time=self.timestamp_field)
        schema = scan(unmapped, config.repo_path).collect_schema().to_frame().to_arrow().schema
        return [(column.name, _type_name(column.type)) for column in schema]

    @staticmethod
    def source_datatype_to_feast_value_type() -> Callable[[str], ValueType]:
        """Feast understands Arrow's type names."""
        translate: Callable[[str], ValueType] = pa_to_feast_value_type
        return translate


def _type_name(arrow_type: pa.DataType) -> str:
    """An Arrow type as in Feast's table of types, which knows only one spelling of lists, and no
    dates: it keeps them as times.
    """
    arrow_type = feast_type(arrow_type)
    if pa.types.is_date(arrow_type):
        return "timestamp[us]"
    return (
        f"list<item: {_type_name(arrow_type.value_type)}>"
        if pa.types.is_list(arrow_type)
        else str(arrow_type)
    )


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
    if (
        proto.type == DataSourceProto.CUSTOM_SOURCE
        and proto.data_source_class_type == f"{__name__}.DatasetSource"
    ):
        return SourceSpec(
            kind="dataset", name=json.loads(proto.custom_options.configuration)["dataset"], **facts
        )
    file = proto.file_options
    # An own endpoint would need options that Polars takes only from the environment.
    if (
        proto.type == DataSourceProto.BATCH_FILE
        and file.file_format.WhichOneof("format") in (None, "parquet_format")
        and not file.s3_endpoint_override
    ):
        return SourceSpec(kind="parquet", name=file.uri, **facts)
    return SourceSpec(kind="other", name=proto.name, **facts)
