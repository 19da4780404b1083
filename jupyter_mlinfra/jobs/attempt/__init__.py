"""One attempt of a job: its environment and its files, such as log and exit code."""
