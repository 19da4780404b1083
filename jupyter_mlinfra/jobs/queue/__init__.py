"""The queue in `state.db`: jobs, their transitions, alarms, what is kept of ended jobs."""
