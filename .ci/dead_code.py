"""Name the code that nothing in the product uses: vulture, less the members of typed records.

A member of a statement, row or report is part of a format, also where no line of ours reads it by name. What else is
used from outside alone stands in `vulture_whitelist.py`, each with its reason. Tests do not count as users: code that
only a test calls is dead.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path

from vulture import Vulture


def record_members(path: Path) -> set[int]:
    """The lines on which a class declares a typed member."""
    classes = (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ClassDef))
    return {member.lineno for node in classes for member in node.body if isinstance(member, ast.AnnAssign)}


def main() -> int:
    """Print what is dead, one line each; 1 if there is any."""
    settings = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["tool"]["vulture"]
    vulture = Vulture(ignore_decorators=settings["ignore_decorators"])
    vulture.scavenge(settings["paths"])
    dead = [
        item
        for item in vulture.get_unused_code(min_confidence=settings["min_confidence"])
        if item.first_lineno not in record_members(Path(item.filename))
    ]
    for item in dead:
        print(item.get_report())  # noqa: T201 - this is what the script is for
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main())
