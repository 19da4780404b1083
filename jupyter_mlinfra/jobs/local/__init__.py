"""The local backend: jobs are processes of this machine, started and watched by the supervisor."""
