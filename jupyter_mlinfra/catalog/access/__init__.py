"""Which values are masked, who sees them all the same, and the record of that."""
