# ruff: noqa: E501 (a table is read line by line)
"""The evasion table: `python -m tests.evasion --data DIR` writes docs/evasion.md. Seeded, from the lists."""

from __future__ import annotations

import argparse
import gzip
import random
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from unicodedata import category

import msgspec

from rules import packs
from rules.finding.keywords import KeywordIndex, Term
from rules.fold import Folded, fold
from rules.ruleset import RuleSet
from rules.text.views.letter_shapes import ENCLOSED, SMALL, SMALL_CAPITALS, UPSIDE_DOWN

SENTENCES = ("yesterday {} was all they wrote", "and then: {}, again", "{} they said")
SEED = 4
FROM_LETTERS = 4
_SPEECH = {
    "en",
    "de",
    "es",
    "pt",
    "fr",
    "it",
    "nl",
    "id",
    "tr",
    "ru",
    "ar",
    "hi",
    "zh",
    "ja",
    "ko",
    "th",
    "vi",
}

Attack = Callable[[str, random.Random], str]


def places(
    word: Sequence[str], rng: random.Random, fits: Callable[[str], bool] = str.isalpha, *, inner: bool = False
) -> list[int]:
    """Return one to three places of a word, no more than half of it, whose letters fit."""
    able = [at for at, one in enumerate(word) if fits(one) and not (inner and at in (0, len(word) - 1))]
    return sorted(rng.sample(able, min(len(able), rng.randint(1, 3), len(word) // 2)))


def respelled(table: dict[str, str], *, inner: bool = False) -> Attack:
    """Return an attack that respells one to three letters of each word."""

    def attack(word: str, rng: random.Random) -> str:
        chosen = set(places(word, rng, table.__contains__, inner=inner))
        return "".join(rng.choice(table[one]) if at in chosen else one for at, one in enumerate(word))

    return attack


def shapes(members: Callable[[str], bool]) -> dict[str, str]:
    """Return by Latin letter the shapes that look like it."""
    table: defaultdict[str, str] = defaultdict(str)
    for shape, letter in {**SMALL, **ENCLOSED}.items():
        if members(shape):
            table[letter] += shape
    return dict(table)


def characters(word: str) -> list[str]:
    """Return what people see as the characters of a word: letters with their marks."""
    found: list[str] = []
    for one in word:
        if found and category(one)[0] == "M":
            found[-1] += one
        else:
            found.append(one)
    return found


def stretch(word: str, rng: random.Random) -> str:
    seen = characters(word)
    chosen = set(places([one[0] for one in seen], rng))
    return "".join(one * rng.randint(3, 6) if at in chosen else one for at, one in enumerate(seen))


def punctuate(word: str, rng: random.Random) -> str:
    signs, seen = rng.choice(".-_*~|"), characters(word)
    cuts = set(rng.sample(range(1, len(seen)), min(len(seen) - 1, rng.randint(1, 3))))
    return "".join(signs + one if at in cuts else one for at, one in enumerate(seen))


def mask(word: str, rng: random.Random) -> str:
    seen = characters(word)
    chosen = set(places([one[0] for one in seen], rng, inner=True)) if len(seen) >= FROM_LETTERS else set()
    return "".join("*" if at in chosen else one for at, one in enumerate(seen))


def between(sign: str) -> Attack:
    return lambda word, rng: sign.join(characters(word))


def unseen(word: str, rng: random.Random) -> str:
    return "".join(one + rng.choice("\u200b\u00ad\u2060\u202e\ufe0f") for one in word)


def wide(word: str, rng: random.Random) -> str:
    return "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in word)


def upside_down(word: str, rng: random.Random) -> str:
    flipped = {letter: shape for shape, letter in reversed(UPSIDE_DOWN.items())}
    return "".join(flipped[one] for one in reversed(word)) if all(one in flipped for one in word) else word


LEET = {"o": "0", "i": "1!", "l": "1", "e": "3", "a": "4@", "s": "5$", "t": "7"}
ATTACKS: dict[str, tuple[str, Attack]] = {
    "width": ("every letter full-width", wide),
    "unseen": ("a zero-width, bidi or soft-hyphen character behind every letter", unseen),
    "capitals": ("every second letter a capital", lambda w, _: "".join(c.upper() if n % 2 else c for n, c in enumerate(w))),
    "look-alikes": ("one to three letters from Cyrillic, Greek, Armenian …, one kept", respelled(shapes(lambda s: s not in ENCLOSED and s != "ı" and s not in SMALL_CAPITALS), inner=True)),
    "small capitals": ("every letter that has one", lambda w, r: "".join(shapes(SMALL_CAPITALS.__contains__).get(c, c)[0] for c in w)),
    "enclosed": ("every letter a negative square", lambda w, _: "".join({letter: s for s, letter in ENCLOSED.items() if "\U0001f170" <= s <= "\U0001f189"}.get(c, c) for c in w)),
    "regional indicators": ("every letter one of those that make flags", lambda w, _: "".join(chr(0x1F1E6 + ord(c) - ord("a")) if "a" <= c <= "z" else c for c in w)),
    "struck through": ("a stroke over every letter", lambda w, _: "".join(c + "\u0336" for c in w)),
    "upside-down": ("the whole term, read from behind", upside_down),
    "leet": ("one to three inner letters, at most half", respelled(LEET, inner=True)),
    "stretched": ("one to three letters three to six times", stretch),
    "signs inside": ("one of . - _ * ~ and a bar, at one to three places", punctuate),
    "dots": ("a dot between all letters", between(".")),
    "spaces": ("a space between all letters", between(" ")),
    "line breaks": ("a line break between all letters", between("\n")),
    "masked": ("one to three inner letters starred, at most half", mask),
}  # fmt: skip


def main() -> int:
    """Measure, and write the table; return the exit code."""
    options = _options()
    rules = packs.load(options.packs)
    innocent = _innocent(rules, options.data, options.each) if options.data else ()
    text = "\n".join([*_head(options.each), *_evasion(rules, options.each), *innocent])
    options.out.write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0


def _head(each: int) -> Iterator[str]:
    yield "# What evades, and what is hit by mistake"
    yield ""
    yield "Written by `make evasion DATA=DIR` (`python -m tests.evasion --data DIR`), seeded. Of every term of four letters"
    yield "up in the shipped lists, put into a sentence: how many of those that are found clean are found after the attack."
    if each > 1:
        yield f"Measured on every {each}th term and text. The bars: 97 % retained, and the views add no more than 0.1 points."
    yield ""


def _evasion(rules: RuleSet, each: int) -> Iterator[str]:
    terms = sorted(
        {
            part
            for armed in rules.armed.values()
            for parts in armed.terms
            for part in parts.together
            if parts.single
        }
    )
    # Every term by itself, so that a hit of another term doesn't count for it.
    index = KeywordIndex.build(Term(term, number) for number, term in enumerate(terms))
    yield "| attack | strength | terms | retained |"
    yield "|---|---|---:|---:|"
    for name, (strength, attack) in ATTACKS.items():
        rng = random.Random(SEED)
        tried = kept = 0
        for number, term in list(enumerate(terms))[::each]:
            plain = fold(term.strip("*").replace("\\*", "*")).text
            if sum(map(str.isalpha, plain)) < FROM_LETTERS or any(one in "*&~" for one in plain):
                continue
            frame = rng.choice(SENTENCES)
            if name == "upside-down":
                attacked = attack(plain.replace(" ", ""), rng) if " " not in plain else plain
            elif name in ("spaces", "line breaks"):
                attacked = attack(plain.replace(" ", ""), rng)
            else:
                attacked = " ".join(attack(word, rng) for word in plain.split(" "))
            if attacked == plain or not _finds(index, number, frame.format(plain), rules):
                continue
            tried += 1
            kept += _finds(index, number, frame.format(attacked), rules)
        yield f"| {name} | {strength} | {tried} | {kept / max(1, tried):.1%} |"
    yield ""


def _finds(index: KeywordIndex, number: int, text: str, rules: RuleSet) -> bool:
    folded = fold(text)
    return any(each.owner == number for each in _all(index, folded, rules))


def _all(index: KeywordIndex, folded: Folded, rules: RuleSet) -> list[Term]:
    found = index.find(folded)
    signs = rules._patterns.sift(folded)[1]
    return [*found, *(index.find_disguised(folded, signs) if signs else ())]


class _Row(msgspec.Struct):
    text: str
    lang: str = "?"
    labels: dict[str, int] = {}


def _innocent(rules: RuleSet, data: Path, each: int) -> Iterator[str]:
    yield "## Clean text"
    yield ""
    yield "Messages of benign sources and the benign halves of dev in which a term is found: in the plain view, and only"
    yield "in another one. The texts aren't part of this repository."
    yield ""
    counts: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    rows = msgspec.json.Decoder(_Row)
    for path in sorted((data / "dev").glob("*.jsonl.gz")):
        lines = gzip.decompress(path.read_bytes()).splitlines()
        for line in lines[::each]:
            row = rows.decode(line)
            if any(row.labels.values()):
                continue
            folded = fold(row.text)
            plain = rules.keywords.find(folded)
            signs = rules._patterns.sift(folded)[1]
            disguised = rules.keywords.find_disguised(folded, signs) if signs and not plain else ()
            for key in (row.lang if row.lang in _SPEECH else "other", "all"):
                counts[key][0] += 1
                counts[key][1] += bool(plain)
                counts[key][2] += any(found.steps for found in disguised)
    yield "| language | messages | plain | views add |"
    yield "|---|---:|---:|---:|"
    for lang, (messages, plain_hits, added) in sorted(counts.items(), key=lambda each: -each[1][0]):
        yield f"| {lang} | {messages} | {plain_hits / messages:.2%} | {added / messages:.3%} |"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.evasion", description=__doc__)
    parser.add_argument(
        "--data", type=Path, help="folder of labelled texts; without it only attacks are measured"
    )
    parser.add_argument("--each", type=int, default=1, help="measure only every n-th term and text")
    parser.add_argument("--packs", type=Path, default=Path("rules/packs"), help="folder of rule packs")
    parser.add_argument("--out", type=Path, default=Path("docs/evasion.md"), help="where the table goes")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
