"""Readings of a text with one disguise undone: a file for each, and the chain that they make."""
