"""From files to a rule set: read, checked, made ready, tried."""
