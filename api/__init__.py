"""The edge: commands, settings and wiring. The only place that builds things; nobody imports it."""
