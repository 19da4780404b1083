"""Delta tables as Databricks writes them, by hand: deltalake writes no column mapping."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import polars as pl

_TYPES = {pl.Int64: "long", pl.Float64: "double", pl.String: "string", pl.Datetime: "timestamp"}
_ALPHABETS = (
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~",
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#",
)


def write_mapped(
    folder: Path,
    rows: pl.DataFrame,
    deleted: Sequence[int],
    latest: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """A table whose columns have other names in the files than in the table; the last one is a
    partition, a file for each of its values, which only the log has. deleted: numbers of rows of
    the first file, an even number of them, that a deletion vector takes away. latest: what the log
    says of the greatest values, by inner name (`col-0` is the first).
    """
    (folder / "_delta_log").mkdir(parents=True)
    (folder / "aL").mkdir()
    inner = {name: f"col-{number}" for number, name in enumerate(rows.columns)}
    partition = rows.columns[-1]
    fields = [
        {
            "name": name,
            "type": _TYPES[type(dtype)],
            "nullable": True,
            "metadata": {
                "delta.columnMapping.id": number,
                "delta.columnMapping.physicalName": inner[name],
            },
        }
        for number, (name, dtype) in enumerate(rows.schema.items(), start=1)
    ]
    features = ["columnMapping", "deletionVectors"]
    settings = {
        "delta.columnMapping.mode": "name",
        "delta.columnMapping.maxColumnId": str(rows.width),
        "delta.enableDeletionVectors": "true",
    }
    actions: list[dict[str, object]] = [
        {
            "protocol": {
                "minReaderVersion": 3,
                "minWriterVersion": 7,
                "readerFeatures": features,
                "writerFeatures": features,
            }
        },
        {
            "metaData": {
                "id": "5fba94ed-9794-4965-ba6e-6ee3c0d22af9",
                "format": {"provider": "parquet", "options": {}},
                "schemaString": json.dumps({"type": "struct", "fields": fields}),
                "partitionColumns": [partition],
                "configuration": settings,
                "createdTime": 0,
            }
        },
    ]
    for number, part in enumerate(rows.partition_by(partition, maintain_order=True)):
        path = f"aL/part-{number}.parquet"
        found = part.drop(partition).rename(inner, strict=False)
        found.write_parquet(folder / path, row_group_size=1_000)
        added = {
            "path": path,
            "partitionValues": {inner[partition]: part[partition][0]},
            "size": (folder / path).stat().st_size,
            "modificationTime": 0,
            "dataChange": True,
            "stats": json.dumps({"numRecords": part.height, "maxValues": dict(latest)}),
            **_taken_away([] if number else deleted),
        }
        actions.append({"add": added})
    log = "".join(f"{json.dumps(action)}\n" for action in actions)
    (folder / "_delta_log" / f"{0:020}.json").write_text(log)


def _taken_away(deleted: Sequence[int]) -> dict[str, object]:
    if not deleted:
        return {}
    vector = _vector(deleted)
    return {
        "deletionVector": {
            "storageType": "i",
            "pathOrInlineDv": _z85(vector),
            "sizeInBytes": len(vector),
            "cardinality": len(deleted),
        }
    }


def _vector(deleted: Sequence[int]) -> bytes:
    """Row numbers below 65,536 as a RoaringBitmapArray: https://github.com/delta-io/delta/blob/
    master/PROTOCOL.md#deletion-vector-format
    """
    bitmap = struct.pack("<IIHHI", 12346, 1, 0, len(deleted) - 1, 16)
    bitmap += struct.pack(f"<{len(deleted)}H", *sorted(deleted))
    return struct.pack("<IqI", 1681511377, 1, 0) + bitmap


def _z85(data: bytes) -> str:
    """Base85 in the alphabet of ZeroMQ; whole groups of four bytes."""
    return base64.b85encode(data).translate(bytes.maketrans(*_ALPHABETS)).decode()
