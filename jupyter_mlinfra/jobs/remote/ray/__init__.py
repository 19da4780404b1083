"""Jobs on a Ray cluster that shares the project's folder, through its Jobs API."""
