"""Pure bytes: strict parsing, signatures, hashes, Merkle trees, tiles, proofs and notes. Knows nothing of carbon."""
