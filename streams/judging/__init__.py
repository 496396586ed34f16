"""From records to verdicts: read, scanned, scored, decided with what is known of their authors, published."""
