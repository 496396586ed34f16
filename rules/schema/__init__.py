"""What may be written in a pack: the types are the schema."""
