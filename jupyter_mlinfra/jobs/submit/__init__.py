"""How a job is accepted: checks, clones, and what is frozen when it is submitted."""
