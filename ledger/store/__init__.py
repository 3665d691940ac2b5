"""The only SQL: tables, guards, the log's rows, the state as rows, and what can be rebuilt from the log."""
