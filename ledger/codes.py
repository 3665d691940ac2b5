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
_STORE = {
    "no_database": "Name the ledger's directory with --data, or found one first.",
    "database_exists": "Choose an empty directory: a ledger is founded once.",
    "database_unusable": "Check that the file is a SQLite database and the disk is in order; else restore a backup.",
    "database_settings": "Call the operator: the database does not take the settings that keep what was acknowledged.",
    "schema_version": "Use the release that this database was written with, or migrate it.",
    "database_rolled_back": "Restore the newest copy: entries that were signed are missing from this database.",
    "database_replaced": "Put the ledger's own database back: this one holds another history.",
    "tree_damaged": "Stop writing, run `gigaton fsck`, and restore or refill the database.",
    "tile_missing": "Run `gigaton fsck`, and refill the tiles from an export.",
    "read_back_differs": "Stop writing, check disk and memory, run `gigaton fsck`, then start again.",
    "memory_damaged": "Check the machine's memory; nothing was written.",
    "no_head": "Name a directory that holds a founded ledger.",
    "head_moved": "Send it again: another writer was faster.",
    "writer_stopped": "Check disk and database, then start the ledger again; it verifies itself first.",
    "busy": "Wait a moment and send it again.",
    "clock_backwards": "Set the machine's clock right; writing goes on when it has caught up.",
    "signer_state_unreadable": "Restore signer.json from a backup; never delete it.",
    "signer_fork": "Stop: this log was signed with another history. Keep both and call the operator.",
    "other_log": "Keep each log's signer.json beside its own database.",
    "other_origin": "Use the checkpoint and trust file of the same log.",
    "wrong_log_key": "Use the log key that the Programme names.",
    "not_a_programme": "Sign a Programme and found the ledger with it.",
    "read_only": "Open the ledger with its log key to write.",
    "no_entry": "Name an index below the size of the log: `gigaton show` prints it.",
    "nothing_signed": "Record something first: there is no checkpoint yet.",
    "evidence_too_large": "Split the evidence or digest it elsewhere; the limit stands beside this error.",
    "evidence_damaged": "Restore the evidence file from a backup; the digest in the claim tells whether it is right.",
}

# Keys and trust (keys)
_KEYS = {
    "unreadable_file": "Check the path and that you may read or write it.",
    "bad_key_file": "Use a key file that `gigaton keygen` made, whole and unchanged.",
    "wrong_passphrase": "Give the passphrase of this key file, or restore the file from a backup.",
    "empty_passphrase": "Give a passphrase of several words.",
    "key_file_exists": "Choose another name: a key file is never overwritten.",
    "key_file_permissions": "Run chmod 600 on the file and chmod 700 on its folder, as their owner.",
    "wrong_key_type": "Use an Ed25519 key here; the P-256 key seals certificates alone.",
    "bad_trust_file": "Get the trust file again from whoever you trust about this log.",
}

# Auditing (verifier)
_AUDIT = {
    "not_proven": "Resolve what the audit found first; nothing is attested on a log that is not proven.",
    "not_a_claim": "Name the index of a claim's entry.",
    "no_trust_file": "Give your trust file with --trust; nothing can be proven without it.",
    "unreadable_bundle": "Fetch the bundle again; a file in it cannot be read.",
    "missing_file": "Fetch the bundle again, whole; a file that its checkpoint needs is missing.",
    "empty_log": "Wait until the log has its first entry.",
    "wrong_index": "Keep the files and tell the operator: an entry does not stand where it says.",
    "broken_chain": "Keep the files and tell the operator: the hash chain is broken at this entry.",
    "tile_differs": "Keep the files and tell the operator: the published tree does not follow from the entries.",
    "root_differs": "Keep the files and tell the operator: the signed root does not follow from the entries.",
    "other_genesis": "Use the trust file of this log: its first entry is another.",
    "other_log_key": "Get the trust file again: the Programme names another log key.",
    "below_quorum": "Wait for more witnesses to cosign, or lower the quorum in your own trust file.",
    "no_recognised_accreditor": "Add the accreditors that you recognise to your trust file, if you do.",
    "rolled_back": "Keep both checkpoints: the log was shorter than what you accepted before.",
    "forked": "Keep both checkpoints: they prove that the log has two histories.",
    "bad_pins_file": "Restore pins.json from a backup; without it a rollback cannot be noticed.",
}

# Certificates (ledger.certificates, verifier.certificate)
_CERTIFICATES: dict[str, str] = {
    "bad_dossier": "Ask the issuer for the certificate again: what it carries is incomplete.",
    "missing_glyph": "Write the name in characters that the certificate's fonts have; the message names one they lack.",
}

# Commands (api)
_COMMANDS = {
    "directory_not_empty": "Choose a folder that does not exist yet, or empty this one.",
    "empty_file": "Give a file with at least one row below its header.",
    "wrong_columns": "Give every column once; docs/demo.md lists them.",
    "bad_csv": "Mend the quoting of the CSV at this line.",
    "not_utf8_file": "Save the file as UTF-8.",
    "missing_cell": "Fill in the cell; only serial and verifier may be empty.",
    "missing_period": "Fill in both days of the period.",
    "bad_quantity": "Write the tonnes as a plain decimal, such as 1234.5.",
    "unknown_choice": "Use one of the words that the message lists.",
    "cell_too_long": "Shorten the text in this cell.",
    "no_passphrase": "Name a file with --passphrase-file, or run at a terminal.",
    "no_keys": "Make keys first: `gigaton keygen`.",
    "no_such_key": "Put the key file into DIR/keys, or name another key.",
    "unknown_country": "Write the country as its ISO 3166-1 two-letter code or its English name there.",
}

REMEDIES: dict[str, str] = {**_BYTES, **_RULES, **_STORE, **_KEYS, **_AUDIT, **_CERTIFICATES, **_COMMANDS}
