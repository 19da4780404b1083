"""Jobs in a Slurm cluster."""
