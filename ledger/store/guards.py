"""Triggers that hold the log append-only against accidents, by whatever client.

They are no defence against whoever owns the database: `fsck`, the signer's mark
and the auditors are. An insert must carry the next index, so that INSERT OR
REPLACE cannot slip past the trigger on DELETE; TRUNCATE, which fires no trigger
of a row, has its own.

Source: DESIGN 5, STYLE 2.
"""

from __future__ import annotations

from sqlalchemy import Connection

_SQLITE = (
    """CREATE TRIGGER entry_next BEFORE INSERT ON entry
       WHEN NEW."index" IS NOT (SELECT COALESCE(MAX("index") + 1, 0) FROM entry)
       BEGIN SELECT RAISE(ABORT, 'entry: the index must be the next one'); END""",
    """CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry
       BEGIN SELECT RAISE(ABORT, 'entry: append only'); END""",
    """CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry
       BEGIN SELECT RAISE(ABORT, 'entry: append only'); END""",
    """CREATE TRIGGER statement_no_update BEFORE UPDATE ON statement
       BEGIN SELECT RAISE(ABORT, 'statement: append only'); END""",
    """CREATE TRIGGER statement_no_delete BEFORE DELETE ON statement
       BEGIN SELECT RAISE(ABORT, 'statement: append only'); END""",
    """CREATE TRIGGER tile_grows BEFORE UPDATE ON tile
       WHEN NEW.level IS NOT OLD.level OR NEW."index" IS NOT OLD."index"
         OR substr(NEW.hashes, 1, length(OLD.hashes)) IS NOT OLD.hashes
       BEGIN SELECT RAISE(ABORT, 'tile: hashes are only added'); END""",
    """CREATE TRIGGER tile_no_delete BEFORE DELETE ON tile
       BEGIN SELECT RAISE(ABORT, 'tile: append only'); END""",
    """CREATE TRIGGER head_grows BEFORE UPDATE ON head
       WHEN NEW.size < OLD.size OR NEW.checkpoint_size < OLD.checkpoint_size
         OR NEW.recorded_at_ms < OLD.recorded_at_ms
       BEGIN SELECT RAISE(ABORT, 'head: only grows'); END""",
    """CREATE TRIGGER head_no_delete BEFORE DELETE ON head
       BEGIN SELECT RAISE(ABORT, 'head: only grows'); END""",
)

# Function -> its body; a refusal is of the class that SQLite's RAISE(ABORT) is: an integrity error.
_FUNCTIONS = {
    "gigaton_refuse": """BEGIN
        RAISE EXCEPTION USING ERRCODE = '23000', MESSAGE = TG_TABLE_NAME || ': ' || TG_ARGV[0];
    END""",
    "gigaton_entry_next": """BEGIN
        IF NEW."index" IS DISTINCT FROM (SELECT COALESCE(MAX("index") + 1, 0) FROM entry) THEN
            RAISE EXCEPTION USING ERRCODE = '23000', MESSAGE = 'entry: the index must be the next one';
        END IF;
        RETURN NEW;
    END""",
}
_GROWN = {
    "tile_grows": """tile FOR EACH ROW WHEN (NEW.level IS DISTINCT FROM OLD.level
        OR NEW."index" IS DISTINCT FROM OLD."index"
        OR substring(NEW.hashes FROM 1 FOR length(OLD.hashes)) IS DISTINCT FROM OLD.hashes)
        EXECUTE FUNCTION gigaton_refuse('hashes are only added')""",
    "head_grows": """head FOR EACH ROW WHEN (NEW.size < OLD.size
        OR NEW.checkpoint_size < OLD.checkpoint_size OR NEW.recorded_at_ms < OLD.recorded_at_ms)
        EXECUTE FUNCTION gigaton_refuse('only grows')""",
}
_KEPT = {
    "entry": ("UPDATE", "DELETE", "TRUNCATE"),
    "statement": ("UPDATE", "DELETE", "TRUNCATE"),
    "tile": ("DELETE", "TRUNCATE"),
    "head": ("DELETE", "TRUNCATE"),
}
# The path is kept with the function: another session's must not lead it to another table of the name.
_POSTGRESQL = (
    *(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $body${body}$body$"
        for name, body in _FUNCTIONS.items()
    ),
    "CREATE TRIGGER entry_next BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION gigaton_entry_next()",
    *(f"CREATE TRIGGER {name} BEFORE UPDATE ON {when}" for name, when in _GROWN.items()),
    *(
        f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
        f"FOR EACH {'STATEMENT' if act == 'TRUNCATE' else 'ROW'} EXECUTE FUNCTION gigaton_refuse('append only')"
        for table, acts in _KEPT.items()
        for act in acts
    ),
)


def create_guards(connection: Connection) -> None:
    """Set every guard, on tables that have none."""
    for guard in _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL:
        connection.exec_driver_sql(guard)


def drop_functions(connection: Connection) -> None:
    """Take away what the guards of tables that are gone leave behind."""
    if connection.dialect.name == "postgresql":
        for name in _FUNCTIONS:
            connection.exec_driver_sql(f"DROP FUNCTION IF EXISTS {name}()")
