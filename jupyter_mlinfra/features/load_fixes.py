"""How to correct a definition file that cannot be loaded, and what to install for a store: what
earlier versions of Feast called otherwise, and what a library is called for pip.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from ..core.imports import fix_of_missing

_FIELDS = "schema=[Field(name=…, dtype=…)], with types of feast.types"
_ARGUMENTS = {
    "join_key": "Write join_keys=[…]",
    "features": f"Write {_FIELDS}",
    "batch_source": "Write source=…",
    "stream_source": "Write source=…",
    "input": "Write source=…",
    "inputs": "Write sources=[…]",
    "event_timestamp_column": "Write timestamp_field=…",
    "date_partition_column": "Leave it out",
    "table_ref": "Write table=…",
    "file_url": "Write path=…",
}
"""By an argument that Feast took once: what it takes now."""
_VALUES = {
    "entities": "Give the Entity objects, not their names: entities=[driver]",
    "dtype": "Give a type of feast.types: Int64 for ValueType.INT64",
    "schema": f"Write {_FIELDS}",
    "ttl": "Write timedelta(…)",
}
"""By an argument that took other values once: what it takes now."""
_NAMES = {
    "RequestDataSource": "It is RequestSource now",
    "RequestFeatureView": "Write an on-demand view over a RequestSource",
    "request_feature_view": "Write an on-demand view over a RequestSource",
    "FeatureTable": "Write a FeatureView",
    "feature_table": "Write a FeatureView",
    "Client": "Write definitions, and read them with FeatureStore",
    "materialization": "It is feast.infra.compute_engines now",
    "file": "It is feast.infra.offline_stores.dask now",
}
"""By a name that Feast had once: what there is in its place."""
_EXTRAS = {
    "google": "gcp",
    "snowflake": "snowflake",
    "boto3": "aws",
    "pyspark": "spark",
    "ray": "ray",
    "pymilvus": "milvus",
    "ibis": "duckdb",
    "cassandra": "cassandra",
    "couchbase": "couchbase",
    "hazelcast": "hazelcast",
    "happybase": "hbase",
    "pymysql": "mysql",
    "pymssql": "mssql",
    "elasticsearch": "elasticsearch",
    "qdrant_client": "qdrant",
    "trino": "trino",
    "aerospike": "aerospike",
    "great_expectations": "ge",
    "torch": "pytorch",
    "sentence_transformers": "rag",
}
"""By the start of a module's name: the extra of Feast that installs it."""
_IGNORE = (
    ", or name the file in .feastignore if it defines nothing: Feast imports every Python file"
)


def fix_of_driver(module: str) -> str:
    """How to install a module that a store of Feast needs, or a definition file imports."""
    extra = _extra_of(module)
    return f"pip install 'feast[{extra}]'" if extra else fix_of_missing(module)


def fix_of_store(error: BaseException) -> str:
    """What to install for a store that cannot be loaded; empty if that is not what is wrong."""
    cause: BaseException | None = error
    while cause is not None:
        if found := re.search(r"pip install '[^'\x1b]+'", str(cause)):
            return found[0]
        if isinstance(cause, ModuleNotFoundError) and cause.name:
            return fix_of_driver(cause.name)
        cause = cause.__cause__
    return ""


def _extra_of(module: str) -> str:
    name = module.partition(".")[0]
    return next((extra for start, extra in _EXTRAS.items() if name.startswith(start)), "")


def _fix_of_import(module: str) -> str:
    """How to get a module that a definition file imports. It may be the user's own, and whatever
    has its name on PyPI another's.
    """
    if _extra_of(module):
        return f"{fix_of_driver(module)}{_IGNORE}"
    own = "set PYTHONPATH to the folder that it is in, if it is yours"
    return f"Install {module.partition('.')[0]}, or {own}{_IGNORE}"


def fix_of_definition(error: BaseException) -> str:
    """How to correct the definition that raised it; empty if only its own words tell."""
    words = str(error)
    if isinstance(error, ImportError) and (error.name or "").startswith("feast"):
        last = (getattr(error, "name_from", None) or error.name or "").rpartition(".")[2]
        here = f"Write `from feast import {last}`" if last in _exported() else None
        known = _NAMES.get(last, here)
    elif isinstance(error, ModuleNotFoundError):
        return _fix_of_import(error.name or "")
    elif found := re.search(r"unexpected keyword argument '(\w+)'", words):
        known = _ARGUMENTS.get(found[1])
    elif found := re.match(r'argument "(\w+)"', words):
        known = _VALUES.get(found[1])
    else:
        return ""
    return f"{known}: definitions of an earlier Feast say it otherwise" if known else ""


def _exported() -> Collection[str]:
    import feast

    names: Collection[str] = feast.__all__
    return names
