"""The forms of a word: the endings that its language puts on it, a file for each kind of language."""
