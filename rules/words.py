"""What a word is, for terms, patterns and distances alike."""


def word_starts(text: str) -> list[int]:
    """Return where the words of a plain view begin, ascending.

    In scripts that don't part their words with spaces each code point counts as one. The
    number of words between two offsets is the difference of their `bisect` positions.
    """
    raise NotImplementedError
