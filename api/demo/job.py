"""The main job on real input: a programme is founded, issuances are claimed, attested, summed, certified and audited.

Every step goes through the same functions as any other participant's: signed
statements, the one writer, the exported files. The audit at the end is a
second process that has nothing but the export and a trust file.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from api.author import state
from api.demo import claims as drafts
from api.demo.cast import Cast, party_id
from api.demo.kept import reference_to, state_with_evidence
from api.demo.outcome import TARGETS, Outcome, RowResult
from api.demo.rows import BadRow, Row, read_rows
from api.methodologies import SHIPPED_FACTOR_SETS, shipped_factor_set, shipped_on
from api.wiring import keep_database, sealing_of
from keys.trust import Trust, write_trust
from ledger.core.strict import to_base64url
from ledger.domain.period import format_day
from ledger.domain.quantify import compile_formula, estimate
from ledger.domain.records import ClaimRecord, MethodologyRecord
from ledger.domain.statements.claim import Claim
from ledger.domain.statements.members import EcosystemRole, Role
from ledger.domain.statements.programme import AccreditationGrant
from ledger.errors import LedgerError, Refused, Unavailable, Unreadable
from ledger.service import certify
from ledger.service import submit as acts
from ledger.service.certificates import FOLDER, keep_file
from ledger.service.found import found_ledger
from ledger.service.ledger import Ledger
from ledger.store import log_store, queries
from ledger.store.export import export_log

OPERATOR = "Gigaton Demonstration Operator"
ACCREDITOR = "Gigaton Demonstration Accreditor"
METHODOLOGIST = "Gigaton Demonstration Methodologist"
RECEIPTS_KEPT = 5


class Job:
    """One run of the demonstration. `say` is told what happens, for people."""

    def __init__(self, directory: Path, source: Path, *, database: str | None = None) -> None:
        if directory.exists() and any(directory.iterdir()):
            raise Unavailable("directory_not_empty", f"{directory} is not empty", path=str(directory))
        self.directory = directory
        self.source = source
        self._database = database
        self.cast = Cast()
        self.outcome = Outcome(directory)
        self._rows: list[Row] = []
        self._ledger: Ledger | None = None

    @property
    def ledger(self) -> Ledger:
        """The ledger, once it is founded."""
        assert self._ledger is not None, "the ledger is founded first"
        return self._ledger

    def read(self) -> int:
        """Read the input; gives the number of rows."""
        for row in read_rows(self.source):
            if isinstance(row, BadRow):
                self._refuse(row.line, row.project_id, "", row.error)
            else:
                self._rows.append(row)
        if not self._rows and not self.outcome.rows:
            raise Unreadable("empty_file", f"{self.source} holds no rows", path=str(self.source))
        return len(self._rows)

    def found(self) -> None:
        """Found the programme, and keep its keys and the trust file."""
        statement, signer = self.cast.programme(operator=OPERATOR)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._ledger = found_ledger(self.directory, statement, signer=signer, database=self._database)
        if self._database is not None:
            keep_database(self.directory, self._database)

    def enrol(self) -> int:
        """Enrol every developer and verifier that is named, the accreditor and the methodologist."""
        roles: dict[str, list[Role]] = {ACCREDITOR: ["accreditor"], METHODOLOGIST: ["methodologist"]}
        for row in self._rows:
            for name, role in ((row.developer, "claimant"), (row.verifier, "verifier")):
                if name and role not in roles.setdefault(name, []):
                    roles[name].append(role)  # type: ignore[arg-type]
        roles[drafts.ILLUSTRATIVE_OWNER] = ["claimant"]
        roles[drafts.ILLUSTRATIVE_VERIFIER] = ["verifier"]
        registrar = self.cast.hand(OPERATOR, "register")
        statements = []
        for name, held in roles.items():
            part: EcosystemRole = (
                "developer" if "claimant" in held else "verification-body" if "verifier" in held else "other"
            )
            statements.append(
                self.cast.enrol(name, tuple(held), ledger=self.ledger.name, registrar=registrar, role=part)
            )
        self.cast.keep(self.directory / "keys")
        self._must(statements)
        self._accredit([name for name, held in roles.items() if "verifier" in held])
        self._write_trust()
        return len(roles)

    def _accredit(self, verifiers: list[str]) -> None:
        accreditor = self.cast.hand(ACCREDITOR, "accredit")
        self._must(
            state(
                "Accreditation",
                AccreditationGrant(
                    verifier=party_id(name),
                    keys=(to_base64url(self.cast.hand(name, "attest").signer.public_key),),
                    standards=("ISO 14065", "ISO/IEC 17029"),
                    families=("registry-adoption", "grid-electricity"),
                    sectors=("all-sectors", "energy"),
                    levels=("limited", "reasonable"),
                    from_="2020-01-01",
                    until="2040-01-01",
                ),
                ledger=self.ledger.name,
                author=accreditor,
            )
            for name in verifiers
        )

    def _write_trust(self) -> None:
        subject = self.ledger.programme.subject
        accredit = self.cast.hand(ACCREDITOR, "accredit").signer.public_key
        trust = Trust.build(
            programme=subject,
            genesis=self.ledger.name.partition("#")[2],
            accreditors={party_id(ACCREDITOR): (to_base64url(accredit),)},
            seal=(self.cast.seal_certificate,),
        )
        write_trust(self.directory / "trust.json", trust)

    def publish(self) -> int:
        """Publish goals, what ships, and one adoption methodology a registry, registry methodology and kind."""
        name = self.ledger.name
        author, approver = self.cast.hand(METHODOLOGIST, "publish"), self.cast.hand(ACCREDITOR, "accredit")
        operator = self.cast.hand(OPERATOR, "publish")
        self._must(state("Target", target, ledger=name, author=operator) for target in TARGETS)
        sets = [shipped_factor_set(one) for one in SHIPPED_FACTOR_SETS]
        self._must(state("FactorSet", one, ledger=name, author=author) for one in sets)
        adopted = {method.id: method for method in map(drafts.adoption_of, self._rows)}
        methods = [*shipped_on(self.ledger.programme.subject.policy.gwp_sets), *adopted.values()]
        self._must(state("Methodology", one, ledger=name, author=author, approvals=[approver]) for one in methods)
        return len(methods)

    def claim(self) -> Iterator[int]:
        """Record a claim for every row; yields how many are done."""
        now_s = int(time.time())
        made: list[tuple[Row, bytes, Claim]] = []
        for row in self._rows:
            try:
                subject = drafts.claim_of_row(row, developer=party_id(row.developer), collected_at_s=now_s)
                author = self.cast.hand(row.developer, "claim")
                made.append((row, state_with_evidence(self.ledger, subject, author, row.raw), subject))
            except LedgerError as error:
                self._refuse(row.line, row.project_id, row.registry, error)
        answers = acts.submit_all(self.ledger, [statement for _, statement, _ in made])
        self._claimed: list[tuple[Row, int, Claim]] = []
        for done, ((row, _, subject), answer) in enumerate(zip(made, answers, strict=True)):
            if isinstance(answer, LedgerError):
                self._refuse(row.line, row.project_id, row.registry, answer)
            else:
                self._claimed.append((row, answer.index, subject))
            yield done + 1

    def attest(self) -> Iterator[int]:
        """Attest each recorded claim by the body that verified it; yields how many are done."""
        made: list[tuple[Row, int, bytes]] = []
        for row, index, subject in self._claimed:
            if not row.verifier:
                message = "recorded; the registry names no verification body"
                self.outcome.rows.append(
                    RowResult(row.line, row.project_id, row.registry, "no_verifier", message, index)
                )
                continue
            made.append((row, index, self._attestation(index, subject, row.verifier, adopted=True)))
        answers = acts.submit_all(self.ledger, [statement for _, _, statement in made])
        for done, ((row, index, _), answer) in enumerate(zip(made, answers, strict=True)):
            if isinstance(answer, LedgerError):
                self._refuse(row.line, row.project_id, row.registry, answer, index=index)
            else:
                grams = drafts.issued_grams(row.quantity_tco2e)
                message = f"verified by {row.verifier}"
                self.outcome.rows.append(
                    RowResult(row.line, row.project_id, row.registry, "verified", message, index, grams)
                )
            yield done + 1
        self.outcome.rows.sort(key=lambda result: result.line)

    def _attestation(self, index: int, subject: Claim, verifier: str, *, adopted: bool) -> bytes:
        attest, review = self.cast.hand(verifier, "attest"), self.cast.hand(verifier, "review")
        body = drafts.attestation_of(
            reference_to(self.ledger, index),
            amount=subject.quantification.reduction,
            evidence=subject.evidence[0].digest,
            adopted=adopted,
        )
        return state("Attestation", body, ledger=self.ledger.name, author=attest, approvals=[review])

    def compute(self) -> list[int]:
        """A few claims that are computed from activity data, and attested after recomputation."""
        owner = drafts.ILLUSTRATIVE_OWNER
        author = self.cast.hand(owner, "claim")
        for activity in drafts.ACTIVITIES:
            with self.ledger.reading() as connection:
                method = queries.find(connection, MethodologyRecord, id=activity.methodology, version=1)[0]
            formula = compile_formula(method.subject, method.factors)
            limit = self.ledger.programme.subject.policy.deduction_above_ppm
            result = estimate(formula, drafts.inputs_of(activity), deduction_above_ppm=limit)
            subject = drafts.claim_of_activity(activity, result, owner=party_id(owner), collected_at_s=int(time.time()))
            index = acts.submit(self.ledger, state_with_evidence(self.ledger, subject, author, activity.raw)).index
            verifier = drafts.ILLUSTRATIVE_VERIFIER
            acts.submit(self.ledger, self._attestation(index, subject, verifier, adopted=False))
            self.outcome.computed.append(index)
        return self.outcome.computed

    def largest_developer(self) -> str | None:
        """The party with the largest verified total; None while nothing is verified."""
        held: dict[str, int] = {}
        with self.ledger.reading() as connection:
            for one in queries.sums(connection):
                if one.cell.dimension == "party":
                    held[one.cell.value] = held.get(one.cell.value, 0) + one.grams
        return max(held, key=lambda party: (held[party], party)) if held else None

    def certify(self, holder: str) -> Path:
        """A sealed certificate over the largest claims of a party.

        Raises: Refused `missing_glyph` for a name that no font can draw, and the codes of the rule book.
        """
        start, end = self._span(holder)
        about = certify.largest_claims(self.ledger, party=holder, start=start, end=end)
        issued = certify.issue(
            self.ledger,
            holder=holder,
            about=about,
            start=start,
            end=end,
            number=f"DEMO-{self.ledger.name[-8:].upper()}-1",
            valid_days=365,
            signer=self.cast.hand(OPERATOR, "certify").signer,
            sealing=sealing_of(self.cast.seal, self.cast.seal_certificate),
        )
        path = self.directory / FOLDER / f"{issued.number}.pdf"
        keep_file(path, issued.pdf)
        return path

    def _span(self, holder: str) -> tuple[str, str]:
        """From the first day to the day after the last of everything verified for a party."""
        with self.ledger.reading() as connection:
            held = queries.find(connection, ClaimRecord, claimant=holder, status="verified")
        if not held:
            raise Refused("nothing_to_certify", f"{holder} has nothing verified")
        return format_day(min(one.start_day for one in held)), format_day(max(one.end_day for one in held))

    def export(self) -> int:
        """Publish the log as files and keep a few receipts beside it."""
        with self.ledger.reading() as connection:
            size = export_log(connection, self.directory / "export")
        folder = self.directory / "receipts"
        folder.mkdir(exist_ok=True)
        verified = [row.index for row in self.outcome.rows if row.outcome == "verified" and row.index is not None]
        for proof in acts.prove(self.ledger, [0, *verified[:RECEIPTS_KEPT]]):
            (folder / f"entry-{proof.index}.json").write_bytes(proof.entry)
            (folder / f"entry-{proof.index}.tlog-proof").write_bytes(proof.receipt.encode())
        return size

    def tamper(self) -> tuple[Path, int]:
        """A copy of the export with one byte of one claim's entry changed; gives the copy and the index."""
        victim = next((row.index for row in self.outcome.rows if row.outcome == "verified" and row.index), 0)
        copy = self.directory / "tampered"
        shutil.copytree(self.directory / "export", copy)
        with self.ledger.reading() as connection:
            entry = log_store.read_entry(connection, victim)
        assert entry is not None, "the victim is an entry of the log"
        for path in (copy / "tile" / "entries").rglob("*"):
            raw = path.read_bytes() if path.is_file() else b""
            at = raw.find(entry)
            if at >= 0:
                middle = at + len(entry) // 2
                path.write_bytes(raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :])
        return copy, victim

    def close(self) -> None:
        """Let the ledger go."""
        if self._ledger is not None:
            self._ledger.close()

    def _must(self, statements: Iterator[bytes] | list[bytes]) -> None:
        """Record statements none of which may fail.

        Raises: the first refusal.
        """
        for answer in acts.submit_all(self.ledger, statements):
            if isinstance(answer, LedgerError):
                raise answer

    def _refuse(self, line: int, project: str, registry: str, error: LedgerError, index: int | None = None) -> None:
        self.outcome.rows.append(RowResult(line, project, registry, error.code, error.message, index))
