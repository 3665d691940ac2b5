"""The rule book, version 1. After the first release this folder is frozen: what it accepted stays accepted."""
