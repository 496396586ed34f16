"""What humans decide, and what follows: revisions, reversals, rulings on a text, and whole rules undone."""
