"""What was made from what: OpenLineage events in files, one file per process, on any machine.

Source: https://openlineage.io/spec/2-0-2/OpenLineage.json, written with the official client.
"""

from .edges import UNTRACED, Edge, Traced, plain
from .recording import Event, Lineage

__all__ = ["UNTRACED", "Edge", "Event", "Lineage", "Traced", "plain"]
