"""What a server says of its ledger, as typed records: its word, of which nothing is proven here.

An answer that cannot be what a ledger says (another shape, control characters
in a text, pages that do not go forward) is refused as `bad_answer`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import msgspec

from api.transport import Transport, decode
from ledger.domain import records as r
from ledger.errors import Unavailable
from ledger.service.answers import EntryLine, FoundClaim, FoundParty, Goals, Page, ShownFinding, Totals, Waiting

ENTRY_BYTES_MAX = 65_535
BUNDLE_BYTES_MAX = 1024 * 1024 * 1024
PAGE_ITEMS_MAX = 500

# What stands in each list.
LISTS: dict[str, type[Any]] = {
    "claims": r.ClaimRecord,
    "findings": ShownFinding,
    "attestations": r.AttestationRecord,
    "parties": r.PartyRecord,
    "accreditations": r.AccreditationRecord,
    "methodologies": r.MethodologyRecord,
    "factor-sets": r.FactorSetRecord,
    "targets": r.TargetRecord,
    "certificates": r.CertificateRecord,
    "entries": EntryLine,
    "queue": Waiting,
}


class Reader:
    """One server. Threads may share it. Close it, or use it as a context."""

    def __init__(self, server: str) -> None:
        """Raises: Unreadable `bad_server_url`."""
        self.transport = Transport(server)

    def close(self) -> None:
        """Let the connections go."""
        self.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, path: str, **given: Any) -> bytes:
        """The body of an answer; keywords as for `Transport.call`, which also raises."""
        return self.transport.call("GET", path, **given).body

    def published(self, path: str, limit: int) -> bytes:
        """A file of the published log."""
        return self.get(f"/log/{path}", limit=limit)

    def entry_bytes(self, index: int) -> bytes:
        """The bytes that the server gives for an entry; nothing is proven of them.

        Raises: Malformed `no_entry`.
        """
        return self.get(f"/v1/entries/{index}", limit=ENTRY_BYTES_MAX)

    def page(self, what: str, where: Iterable[tuple[str, str]]) -> Page[Any]:
        """One page of a list, as `ledger.service.find.find` gives it.

        Raises: Refused with its codes.
        """
        page: Page[Any] = decode(self.get(f"/v1/{what}", params=list(where)), Page[Any])
        try:
            items = [msgspec.convert(item, LISTS[what]) for item in page.items]
        except msgspec.ValidationError as error:
            raise Unavailable("bad_answer", f"an item of {what} cannot be read: {error}") from None
        return msgspec.structs.replace(page, items=items)

    def find(self, what: str, **filters: str) -> Iterator[Any]:
        """Everything in a list that meets the filters, fetched page by page as it is taken.

        Raises: as `page`; Unavailable `bad_answer` when pages do not go forward.
        """
        cursor: list[tuple[str, str]] = []
        reached = -1
        while True:
            page = self.page(what, [*filters.items(), ("limit", str(PAGE_ITEMS_MAX)), *cursor])
            for item in page.items:
                index = item.claim.index if isinstance(item, Waiting) else item.index
                if index <= reached:
                    raise Unavailable("bad_answer", f"the pages of {what} do not go forward")
                reached = index
                yield item
            if page.next is None:
                return
            if not page.items:
                raise Unavailable("bad_answer", f"a page of {what} is empty and yet not the last")
            cursor = [("cursor", page.next)]

    def claim(self, identity: str) -> FoundClaim:
        """A claim by its id, and the entries that made it what it is.

        Raises: Malformed `no_route` where there is none.
        """
        found: FoundClaim = decode(self.get(f"/v1/claims/{quote(identity, safe='')}"), FoundClaim)
        return found

    def party(self, identity: str) -> FoundParty:
        """A party by its id.

        Raises: Malformed `no_route` where there is none.
        """
        found: FoundParty = decode(self.get(f"/v1/parties/{quote(identity, safe='')}"), FoundParty)
        return found

    def totals(self) -> Totals:
        """Everything that counts now."""
        found: Totals = decode(self.get("/v1/totals"), Totals)
        return found

    def goals(self) -> Goals:
        """How far every goal is."""
        found: Goals = decode(self.get("/v1/goals"), Goals)
        return found

    def bundle(self, claim: str, to: Path) -> None:
        """Everything that a reviewer of a claim needs, as one zip file; an existing file is replaced when all is there.

        Raises: Malformed `no_route`; Unreadable `unreadable_file`.
        """
        self.transport.download(f"/v1/claims/{quote(claim, safe='')}/bundle", to, limit=BUNDLE_BYTES_MAX)
