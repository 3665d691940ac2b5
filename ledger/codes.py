"""The closed table of error codes: code -> what the person does next.

Codes are a public promise: they are never renamed and never reused. A test
holds that every code raised in the source stands here and that none is idle.
"""

from __future__ import annotations

# Bytes and their spelling (ledger.core)
_BYTES = {
    # Spellings
    "bad_decimal": "Write the number in plain digits, without sign, space or leading zero, and within its limit.",
    "bad_base64": "Encode the bytes again with a library; do not wrap, pad or trim the text by hand.",
    "bad_hex": "Write the bytes in lower-case hex digits, as many as belong there.",
    "bad_timestamp": "Write the moment in UTC, as YYYY-MM-DDTHH:MM:SSZ.",
    "bad_text": "Leave out control, invisible and reordering characters, and write the text in Unicode form NFC.",
    # JSON
    "too_large": "Send less; the limit stands beside this error.",
    "not_utf8": "Write the JSON in UTF-8.",
    "not_json": "Mend the JSON; the message says where it breaks off.",
    "too_deep": "Nest the JSON less deeply.",
    "bad_value": "Use only text, whole numbers below 2^53, truth values, lists and objects with ASCII names.",
    "bad_schema": "Mend the member that the path names: it is unknown, missing or of the wrong form.",
    "not_canonical": "Write the JSON in its one spelling (RFC 8785): sorted, without spaces, each member once.",
    # Statements and their signatures
    "bad_jws": "Send one compact JWS: header, payload and signature, with nothing before or after.",
    "bad_header": "Sign with exactly the header that the format asks for, or let the tools sign.",
    "bad_kid": "Name the signer as <party id>#ed25519.<public key>.",
    "too_many_signatures": "Send the statement with at most eight signatures.",
    "same_signer_twice": "Let each signature be made with a key of its own.",
    "weak_key": "Make a new key; this one would let others sign in its name.",
    "bad_signature": "Sign the statement again; its bytes are not those that this key signed.",
    # Log
    "bad_entry": "Fetch the entry again, byte for byte as the log serves it.",
    "bad_bundle": "Fetch the entry bundle again; what is here is cut short, too long or of another width.",
    "bad_tile": "Fetch the tile again; what is here is not of its width.",
    "bad_tile_path": "Name the tile as the log publishes it: tile/<level>/<number>, with .p/<width> if it is partial.",
    "bad_range": "Ask for an index or size that lies within the tree.",
    "bad_path": "Fetch the proof again; it is not of the length or form that this tree asks for.",
    "bad_proof": "Fetch the proof and the checkpoint again; if they still disagree, keep both and tell an auditor.",
    "bad_receipt": "Fetch the .tlog-proof file again, byte for byte as it was issued.",
    # Notes and checkpoints
    "bad_key_name": "Name the key without spaces, control characters or a plus sign.",
    "bad_vkey": "Copy the verifier key again: <name>+<key ID>+<key>, of the type that belongs here.",
    "bad_note": "Fetch the signed note again, byte for byte as it was published.",
    "unsigned_note": "Look whether this is the right log, and the right key for it: none of the known keys signed.",
    "bad_note_signature": "Fetch the note again; if the signature still fails, keep it and tell an auditor.",
    "bad_checkpoint": "Fetch the checkpoint again: origin, size and root, a line each.",
    "other_origin": "Use the checkpoint of the log that you trust; this one is of another.",
}

# Rules (ledger.domain)
_RULES: dict[str, str] = {
    # Who may say it
    "no_programme": "Found the ledger first: `gigaton init`.",
    "other_ledger": "Make the statement again for this ledger; `gigaton show` prints its name.",
    "duplicate_id": "If it is the same statement, it is recorded already; otherwise give the new one its own id.",
    "signer_is_not_issuer": "Sign with a key of the issuer, or name the signer as issuer.",
    "unknown_party": "Ask the registrar to enrol the party, then send this again.",
    "missing_role": "Ask the registrar to enrol the party in this role.",
    "unknown_key": "Register the key (`Key` add) or sign with one that is registered.",
    "key_of_another": "Sign with a key of the party that is named beside it.",
    "key_revoked": "Sign with a key that is in force.",
    "key_taken": "Make a new key; a key serves one party in one role, for ever.",
    "wrong_purpose": "Sign with a key that is registered for this purpose.",
    "purpose_without_role": "Leave the purpose out, or enrol the party in a role that may have it.",
    "no_proof_of_possession": "Approve with each new key, and with no other.",
    "unexpected_approval": "Send the statement with the signatures that its kind asks for and no more.",
    "missing_approval": "Have the statement approved by the second signer that its kind asks for.",
    "below_threshold": "Collect the signatures of more root keys.",
    "not_the_author": "Only the author, or a registrar, can do this: ask them.",
    "not_independent": "Choose a party with another ultimate owner.",
    "not_accredited": "Ask the accreditor for a grant that names this key, family, sector and level.",
    "role_reserved": "Leave this role out: only the Programme gives it.",
    "party_exists": "Use the registered party, or register under another id.",
    # Founding
    "programme_fixed": "Keep origin and operator; another operator founds another ledger.",
    "log_key_handover": "Keep the log key: this release cannot hand the log over.",
    "unsupported_formats": "Use a release that knows these format versions.",
    "bad_threshold": "Ask for at most as many signatures as there are root keys.",
    "bad_policy": "Mend the policy numbers.",
    "bad_log_key": "Make the log key for this origin: `gigaton keygen log`.",
    "rotation_unsupported": "Add the new key, then revoke the old one.",
    "compromise_unsupported": "Revoke without `compromised_since`; this release cannot mark a range.",
    # Spelling of members
    "bad_date": "Write a day of the calendar as YYYY-MM-DD.",
    "period_reversed": "Let the period end at least one day after it begins; the end is exclusive.",
    "period_not_whole_years": "Let the period run from one first of January to another.",
    "unknown_country": "Name the country by its ISO 3166-1 code or English name.",
    "region_mismatch": "Name a region (ISO 3166-2) of the claim's country.",
    "uri_not_normal": "Escape only what must be escaped, as % and two upper-case hex digits.",
    "duplicate_member": "Name each thing once.",
    "unknown_unit": "Use a unit of the rule book's table, joined by * and /.",
    "amount_out_of_range": "State an amount between 0 and 9,999,999,999,999.999 kg.",
    "sum_out_of_range": "State a smaller amount; the ledger's sums are 64-bit.",
    "unknown_kind": "Use a release that knows this kind of statement.",
    # Methodologies and factors
    "version_not_next": "Publish the version that comes next.",
    "dimension_mismatch": "Mend the units so that the result is in kgCO2e.",
    "gwp_set_mismatch": "Use factors and a methodology on one GWP set that the programme accepts.",
    "unknown_factor": "Publish the factor set first, or name a factor that it holds.",
    "wrong_factor_use": "Use a factor meant for interventions.",
    "zero_factor": "Use a factor above zero where the formula divides by it.",
    "unknown_name": "Let terms name only inputs and factors of the methodology.",
    "tier_without_input": "Let a term with `up_to` or `beyond` name an input.",
    "bad_bounds": "Let the lower bound be at most the upper one.",
    "bad_adoption": "State an adoption as one input `issued` in tCO2e that is the whole baseline.",
    "bad_goal": "Mend the target's goal or base year.",
    # Claims
    "confidential_reserved": "Make the claim with disclosure `open`.",
    "period_not_ended": "Claim after the period has ended.",
    "period_too_long": "Cut the claim into shorter periods.",
    "period_too_old": "The programme takes no claims this old.",
    "unknown_methodology": "Name a published methodology and version.",
    "factor_region_mismatch": "Use a methodology whose factors hold where the claim is.",
    "adoption_not_stated": "Name the registry and project in `issued_elsewhere`.",
    "issued_elsewhere": "Retire the credit for this programme first, or do not claim it here.",
    "too_many": "Send fewer; the policy or the format sets the limit.",
    "bad_participant": "Give each participant either a party or a commitment.",
    "shares_do_not_sum": "Let the shares sum to 1,000,000 parts per million.",
    "no_evidence": "Add evidence with its digest.",
    "missing_input": "Give every input that the methodology declares.",
    "unknown_input": "Leave out inputs that the methodology does not declare.",
    "input_out_of_bounds": "Give a value within the methodology's bounds.",
    "division_by_zero": "Give a value above zero where the formula divides by it.",
    "not_a_reduction": "Check the inputs: they show no reduction, so there is nothing to claim.",
    "quantification_differs": "State the figures that the inputs give: `gigaton estimate` shows them.",
    "overlap": "Claim another period, withdraw the other claim, or supersede it if it is yours.",
    # References and states
    "unknown_reference": "Refer to a statement that is recorded.",
    "wrong_entry": "Refer to the entry by its own id, index and hash: `gigaton show` prints them.",
    "wrong_kind": "Refer to a statement of the right kind.",
    "wrong_status": "Look at its present state with `gigaton show`; this step is not possible from there.",
    "claim_withdrawn": "The claim was withdrawn; make a new one.",
    "claim_superseded": "Refer to the claim that took its place.",
    "claim_suspended": "Wait until the claim is reinstated.",
    # Attestations
    "second_opinion": "Revoke the first attestation, then attest again.",
    "materiality_too_wide": "Use a materiality within the programme's.",
    "opinion_with_amount": "State 0.000 with an adverse or disclaimed opinion.",
    "opinion_without_amount": "State the verified amount, or give an adverse opinion.",
    "amount_above_claim": "State at most what is claimed or still counts.",
    "material_difference": "Give a modified opinion, or have the claim corrected.",
    "attestation_revoked": "Nothing is left to do: it was revoked.",
    # Certificates
    "number_taken": "Choose a number that no certificate bears.",
    "unknown_certificate": "Name a certificate that was issued.",
    "certificate_revoked": "Nothing is left to do: it was revoked.",
    "bad_validity": "Let it be valid for 1 to 366 days.",
    "stale": "Issue it again as of the present checkpoint.",
    "unknown_root": "State the root that the checkpoint of that size shows.",
    "totals_differ": "State the totals that the log gives.",
    "outside_period": "Choose a period that contains every claim, or leave the claim out.",
    "holder_not_participant": "Name a holder that has a share in every claim.",
    "nothing_to_certify": "Wait until something verified lies in the period.",
}

# Storing and sequencing (ledger.store, ledger.sequencer, ledger.service)
_STORE: dict[str, str] = {}

# Keys and trust (keys)
_KEYS: dict[str, str] = {}

# Auditing (verifier)
_AUDIT: dict[str, str] = {}

# Certificates (ledger.certificates, verifier.certificate)
_CERTIFICATES: dict[str, str] = {
    "bad_dossier": "Ask the issuer for the certificate again: what it carries is incomplete.",
    "missing_glyph": "Write the name in characters that the fonts of the certificate have; the message names the first that they lack.",
}

# Commands (api)
_COMMANDS = {
    "unknown_country": "Write the country as its ISO 3166-1 two-letter code or its English name there.",
}

REMEDIES: dict[str, str] = {**_BYTES, **_RULES, **_STORE, **_KEYS, **_AUDIT, **_CERTIFICATES, **_COMMANDS}
