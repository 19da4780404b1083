"""Formats of files: what opens them, and what they say of their columns."""
