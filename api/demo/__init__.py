"""The main job, from a file of real issuances to an audited bundle, and the file that it ships with."""
