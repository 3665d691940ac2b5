"""Triggers that hold the log append-only against accidents, by whatever client.

They are no defence against whoever owns the file: `fsck`, the signer's mark
and the auditors are. An insert must carry the next index, so that INSERT OR
REPLACE cannot slip past the trigger on DELETE.

Source: DESIGN 5, STYLE 2.
"""

from __future__ import annotations

GUARDS = (
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
