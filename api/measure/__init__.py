"""Measuring a serving ledger from outside: real processes, a lean load, ratios taken in one run."""
