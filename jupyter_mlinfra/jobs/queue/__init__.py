"""The queue in `state.db`: jobs, their transitions, alarms, and what is kept of ended jobs."""
