"""`python -m jupyter_mlinfra.pipelines.schema > docs/mlpipeline.schema.json`: the JSON schema of a
pipeline file.
"""

from __future__ import annotations

import sys

from .file import schema

if __name__ == "__main__":
    sys.stdout.write(schema())
