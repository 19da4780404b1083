"""Mathematics over plain values: distances, estimates, metrics. Nothing here knows a monitor."""
