"""The auditor: replay, receipts, comparison. Runs with no server, no database server and no PDF writer installed."""
