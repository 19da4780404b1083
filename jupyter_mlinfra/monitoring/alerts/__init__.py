"""Alerts: their states, who is told, and what can be done about one."""
