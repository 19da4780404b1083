"""Tables of SQL databases as sources of an ingest."""
