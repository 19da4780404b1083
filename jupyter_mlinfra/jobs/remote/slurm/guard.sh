#!/bin/sh
# The script of every job: it becomes the guard, whose words are the arguments. No word of a job is read by a shell.
# A signal that comes before the guard can take it must not end the job.
trap '' USR1 USR2
export MLINFRA_NODE="$SLURMD_NODENAME" MLINFRA_GPU_IDS="$SLURM_JOB_GPUS" MLINFRA_ENDS_AT="$SLURM_JOB_END_TIME"
exec "$@"
