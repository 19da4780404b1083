"""Where the protocols have the parameters of a request. The workbench reads it too, so it imports
nothing.
"""

from __future__ import annotations

TAG = "params"
"""The tag of the meta in Seldon's protocol."""

BINARY = "binary_data_output"
"""A parameter of the Open Inference Protocol alone: every call by gRPC has it."""
