"""A certificate as a file: drawn from facts, attached, sealed. It knows no ledger, clock or network."""
