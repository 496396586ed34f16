"""Bridges to chat platforms: what is said there comes in, what is decided is done there; one file each."""
