"""SQL over datasets, by DuckDB: it sees their rows and nothing else of the machine."""
