"""What is on the wire, as docs/wire.md says: what records hold, how they are read, how they are written."""
