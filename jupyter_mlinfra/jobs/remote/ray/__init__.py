"""Jobs on a Ray cluster that shares the project's folder, by its Jobs API."""
