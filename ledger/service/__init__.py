"""One act of a person a file; the same function behind commands, HTTP and pages."""
