"""`python -m jupyter_mlinfra.monitoring.rules.schema > docs/mlrules.schema.json`: the JSON schema
of a rule file.
"""

from __future__ import annotations

import json
import sys

from .file_model import RulesFile


def schema() -> str:
    """The JSON schema of a rule file, as in `docs/mlrules.schema.json`: editors check and complete
    with it.
    """
    body = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **RulesFile.model_json_schema(by_alias=True),
    }
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema())
