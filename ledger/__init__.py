"""The gigaton ledger: an append-only, hash-chained, Merkle-logged record of carbon reductions."""

__version__ = "0.1.0"
