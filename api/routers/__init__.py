"""Handlers: decode, hand over to `ledger.service`, encode. No rule, no commit, no SQL."""
