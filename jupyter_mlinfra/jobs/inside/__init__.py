"""What runs in the process of a job: papermill, progress, signals that ask to save."""
