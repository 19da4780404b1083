"""What was made from what: OpenLineage events in files, one file per process, on any machine.

Source: https://openlineage.io/spec/2-0-2/OpenLineage.json. The tests compare with its own client.
"""

from .edges import TOLD, UNTRACED, Edge, Traced, plain
from .recording import Event, Lineage

__all__ = ["TOLD", "UNTRACED", "Edge", "Event", "Lineage", "Traced", "plain"]
