"""What every domain stands on: project and settings, state, errors, events, lineage, search."""
