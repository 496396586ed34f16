"""What can be wrong with rules, said so that a rule writer knows where to look.

RuleError
├── RuleFileError    a folder of packs is unusable; carries every problem that was found
└── PatternError     a term, a regular expression or a host can't be understood
"""

from collections.abc import Iterable

import msgspec


class Problem(msgspec.Struct, frozen=True, order=True):
    """One thing to mend in a rule file.

    Attributes:
        path: The file, relative to the folder of packs: "scam.yaml", "lists/hosts.txt".
        line: Counted from 1; 0 where the trouble is the file as a whole.
        message: What is wrong and what to do, in one line.
    """

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.message}"


class RuleError(Exception):
    """Something about the rules is wrong; the message says what to do."""


class RuleFileError(RuleError):
    """A folder of packs is unusable; the message has one line per problem."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(map(str, self.problems)))


class PatternError(RuleError):
    """A term, a regular expression or a host can't be understood; the message has no file or line."""
