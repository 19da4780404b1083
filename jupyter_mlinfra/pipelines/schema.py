"""`python -m jupyter_mlinfra.pipelines.schema > docs/mlpipeline.schema.json`: the JSON schema of a
pipeline file.
"""

from __future__ import annotations

import json
import sys

from .file_model import PipelineFile


def schema() -> str:
    """The JSON schema of a pipeline file, as in `docs/mlpipeline.schema.json`: editors check and
    complete with it.
    """
    body = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **PipelineFile.model_json_schema(by_alias=True),
    }
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema())
