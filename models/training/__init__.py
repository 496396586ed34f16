"""How the shipped artifact was made: rows in, an artifact and its card out. Imported by nothing at run time.

python -m models.training --help
"""
