"""The revisions of the schema, each frozen as it was released."""
