"""Progressive delivery: shadows, and canaries that grow step by step while they do well."""
