"""Two tables compared, and the report of it."""
