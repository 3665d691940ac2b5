"""Pure meaning: what may be claimed, attested and counted. No I/O, no clock, no randomness, no float."""
