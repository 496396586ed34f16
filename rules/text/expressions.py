r"""Rewrites RE2 expressions so that `\b`, `\w`, `\d` and `\s` mean all of Unicode and not only ASCII.

RE2 has no look-around, so a Unicode-aware `\b` can't be spelled in it. Instead, the edges of
words are written into the text as a code point that no text holds (`with_edges`); in the
rewritten expression `\b` matches one of these, and everything else overlooks them.
"""

import re

from rules.errors import PatternError
from rules.text.words import JOINERS, UNSPACED, word_run

EDGE = "\ufdd0"  # a noncharacter
_EDGES = EDGE * 4  # so many `\b` may stand at one place


def with_edges(text: str) -> str:
    """Write the edges of words into a text; where scripts have no spaces, each code point is a word."""
    text = _EDGES.join(word_run().split(text.replace(EDGE, "\ufffd")))
    return _EDGES.join(UNSPACED.split(text))


def has_edges(source: str) -> bool:
    r"""Return whether `\b` stands in the expression."""
    return any(token.lastgroup == "edge" for token in _TOKEN.finditer(source))


def unicode_aware(source: str, *, edged: bool = False, loose: bool = False) -> str:
    r"""Rewrite an expression that RE2 accepts.

    `edged` makes it one for texts from `with_edges`; without it `\b` stays ASCII. `loose` leaves
    every `\b` out, and so matches wherever `edged` would.

    Raises:
        PatternError: When something in it can't be made Unicode-aware; says what to write.
    """
    skip = f"{EDGE}*" if edged else ""
    dot = rf"[^\n{EDGE}]"
    parts: list[str] = []
    for token in _TOKEN.finditer(source):
        text = token[0]
        match token.lastgroup:
            case "edge":
                parts.append("(?:)" if loose else EDGE if edged else text)
            case "flags":
                if "s" in text:
                    if token.start() or text.endswith(":"):
                        raise PatternError(f'"{source}": write (?s) at the very beginning')
                    dot = f"[^{EDGE}]"
                parts.append(text)
            case "frame":
                parts.append(text)
            case "end":
                parts.append(skip + text)
            case "any":
                parts.append(f"(?:{skip}{dot})")
            case _:
                atom = _class(source, token) if token.lastgroup == "set" else _letter(source, text)
                parts.append(f"(?:{skip}{atom})" if edged else atom)
    return "".join(parts)


_WORD = rf"{JOINERS}_\pL\pM\pN"
_DIGIT = r"\p{Nd}"
_SPACE = r"\s\v\x{85}\pZ"
_KINDS = {r"\w": _WORD, r"\d": _DIGIT, r"\s": _SPACE}
# RE2 can't take one class out of another; these are the wants that have a spelling.
_WITHOUT = {
    (_WORD, ""): f"[{_WORD}]",
    (_WORD, "_"): rf"[{JOINERS}\pL\pM\pN]",
    (_WORD, _DIGIT): rf"[{JOINERS}_\pL\pM]",
    (_WORD, _DIGIT + "_"): rf"[{JOINERS}\pL\pM]",
    (_WORD, "_" + _DIGIT): rf"[{JOINERS}\pL\pM]",
    (_DIGIT, ""): f"[{_DIGIT}]",
    (_SPACE, ""): f"[{_SPACE}]",
    (_SPACE, r"\n"): r"[\t\f\r \v\x{85}\pZ]",
}
_INSTEAD = {
    r"\B": r"\B has no Unicode-aware form; write the letter that must come before or after, as in \wfoo",
    r"\C": r"\C is a part of a character; write .",
    r"\Q": r"\Q is not understood here; write a \ before each sign that is meant as such",
    "[:alpha:]": r"[:alpha:] knows only ASCII; write \pL",
    "[:alnum:]": r"[:alnum:] knows only ASCII; write \pL\pN",
    "[:lower:]": r"[:lower:] knows only ASCII; write \p{Ll}",
    "[:upper:]": r"[:upper:] knows only ASCII; write \p{Lu}",
    "[:word:]": r"[:word:] knows only ASCII; write \w",
}

_PROPERTY = r"\\[pP](?:\{\^?\w+\}|\w)"
_ITEM = rf"{_PROPERTY}|\\x(?:\{{[0-9A-Fa-f]+\}}|[0-9A-Fa-f]{{2}})|\\[0-7]{{1,3}}|\\.|\[:\^?\w+:\]"
_ITEMS = re.compile(rf"{_ITEM}|.", re.DOTALL)
_TOKEN = re.compile(
    r"(?P<edge>\\b)"
    r"|(?P<flags>\(\?[A-Za-z-]+[:)])"
    r"|(?P<frame>\((?:\?P?<\w+>|\?:)?|[)|^]|[*+?]\??|\{\d+(?:,\d*)?\}\??|\\A)"
    r"|(?P<end>\$|\\z)"
    rf"|(?P<set>\[\^?\]?(?:{_ITEM}|[^\]])*\])"
    r"|(?P<any>\.)"
    rf"|(?P<letter>{_ITEM}|.)",
    re.DOTALL,
)


def _letter(source: str, text: str) -> str:
    """Rewrite a letter or an escape outside brackets."""
    if text.startswith("\\"):
        members, others = _sorted(source, text)
        return f"[^{others[0]}{EDGE}]" if others else f"[{members}]"
    return text


def _class(source: str, token: re.Match[str]) -> str:
    """Rewrite a class in brackets."""
    body = token[0][1:-1]
    negated = body.startswith("^")
    members, others = _sorted(source, body[negated:])
    members = "\\" + members if members.startswith("^") else members
    if not negated:
        choices = [f"[^{other}{EDGE}]" for other in others]
        if members:
            choices.append(f"[{members}]")
        return choices[0] if len(choices) == 1 else f"(?:{'|'.join(choices)})"
    if not others:
        return f"[^{members}{EDGE}]"
    if len(others) > 1 or (others[0], members) not in _WITHOUT:
        raise PatternError(f'"{source}": {token[0]} says "not" twice; name what it should match')
    return _WITHOUT[others[0], members]


def _sorted(source: str, body: str) -> tuple[str, list[str]]:
    r"""Part the insides of a class into its members and, for `\W` and the like, what they leave out."""
    members, others = "", []
    for item in _ITEMS.findall(body):
        if item in _INSTEAD or item.startswith("[:^"):
            raise PatternError(f'"{source}": {_INSTEAD.get(item, "name what it should match instead")}')
        if item in _KINDS:
            members += _KINDS[item]
        elif item.lower() in _KINDS:
            others.append(_KINDS[item.lower()])
        elif item.startswith(("\\P", "\\p{^")):
            others.append("\\p" + item[2:].replace("^", ""))
        else:
            members += item
    return members, others
