"""Warm kernels: processes for notebook jobs that are started before there is a job for them. Each
serves one job.

The whole runner is kept ready, with papermill loaded and a kernel that has run the imports. Both
are started as normal processes (no fork), so threads, random generators and devices are as in a
process that was started for its job.
"""
