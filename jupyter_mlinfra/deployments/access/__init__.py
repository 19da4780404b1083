"""Who may use a deployment: its keys, the address for other machines, and the log of changes."""
