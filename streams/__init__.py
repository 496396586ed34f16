"""PLUMBING: moves bytes, keeps time and state, decides nothing."""
