"""The one sequence: queue, decide, commit, read back, sign, answer."""
