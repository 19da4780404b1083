"""What monitors record hour by hour, and windows put together from it."""
