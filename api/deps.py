"""What a handler may ask for: everything that was built once for this process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from ledger.service.certify import Sealing
from ledger.service.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The parts of a serving process. The wiring opens them; `close` lets all of them go."""

    ledger: Ledger
    sealing: Sealing | None = None

    def close(self) -> None:
        """Let connections and threads go."""
        self.ledger.close()


def _service_of(request: Request) -> Service:
    return cast(Service, request.app.state.service)


def _ledger_of(request: Request) -> Ledger:
    return _service_of(request).ledger


ServiceDep = Annotated[Service, Depends(_service_of)]
LedgerDep = Annotated[Ledger, Depends(_ledger_of)]
