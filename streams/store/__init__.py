"""What is kept in Redis: standings, trails, the journal of what waits; and the scripts that Redis runs."""
