"""Keys: making them, keeping them in encrypted files, signing with them, and saying whose are trusted."""
