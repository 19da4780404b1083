"""The code that a job runs from: which files of a project are code, and snapshots of them."""
