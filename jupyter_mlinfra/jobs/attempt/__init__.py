"""One attempt of a job: its environment and the files it leaves, such as log and exit code."""
