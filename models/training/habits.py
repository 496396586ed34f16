"""Typing habits of chat and dress of sources: what changes a text and not what it means."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from models.training.disguise import disguised
from rules.fold import readable

_SHORT = {
    "you": "u", "are": "r", "your": "ur", "you're": "ur", "to": "2", "for": "4", "please": "pls",
    "people": "ppl", "because": "cuz", "what": "wat", "the": "da", "going to": "gonna",
    "want to": "wanna", "oh my god": "omg",
    "I don't know": "idk", "though": "tho", "with": "w", "and": "n", "this": "dis", "that": "dat",
    "thanks": "thx", "really": "rly", "right now": "rn", "to be honest": "tbh", "I am": "im",
    "them": "em", "about": "abt",
}  # fmt: skip
_SHORTENED = re.compile(r"\b(" + "|".join(sorted(_SHORT, key=len, reverse=True)) + r")\b")
_TAILS = [
    " lol", " lmao", " xd", " haha", " 😂", " 🙄", " 💀", " 😭", " <emote>", " !!", " ...", " smh", " fr",
    " bro", " ngl", " 🔥", " :)", " 😡", " kek", " jaja", " kkkk", " www", " ㅋㅋ", " 哈哈", "?",
    " 👍", " ❤️", " gg", " #chat",
    " 1", " <link>",
]  # fmt: skip
_HEADS = [
    "<user> ",
    "<user> <user> ",
    "lol ",
    "bro ",
    "> ",
    "omg ",
    "RT <user>: ",
    "@everyone ",
    "hey ",
    "so ",
    "<emote> ",
]
# What folding leaves as it is, hence most of what training has to show.
_LEFT = ("typo", "typo", "masked", "stretched", "leet")
_END = re.compile(r"[.!?,;:…]+$")


def _plain_typing(text: str, choice: random.Random) -> str:
    bare = _END.sub("", text).replace("'", "")
    return bare if choice.random() < 0.5 else bare.replace(",", "")


def _stretched(text: str, choice: random.Random) -> str:
    words = text.split(" ")
    place = choice.randrange(len(words))
    if words[place].isalpha():
        words[place] += words[place][-1] * choice.randint(1, 5)
    return " ".join(words)


def _undressed(text: str, choice: random.Random) -> str:  # noqa: ARG001  (one signature)
    bare = text.replace("<user>", "").replace("<link>", "").replace("RT :", "").replace("#", "").strip(" :")
    return bare or text


HABITS: list[Callable[[str, random.Random], str]] = [
    _plain_typing,
    _stretched,
    _undressed,
    lambda text, choice: _SHORTENED.sub(lambda match: _SHORT[match[0]], text),  # noqa: ARG005
    lambda text, choice: text + choice.choice(_TAILS),
    lambda text, choice: choice.choice(_HEADS) + text,
]


def retyped(text: str, choice: random.Random) -> str:
    """Return a text as somebody else might have typed it."""
    for habit in choice.sample(HABITS, choice.choice([1, 1, 2])):
        text = habit(text, choice)
    return text


def hidden(text: str, choice: random.Random) -> str:
    """Return a text with some of its words disguised, most often as folding hands it on."""
    trick = choice.choice(_LEFT) if choice.random() < 0.6 else None
    typed = disguised(text, choice, choice.uniform(0.15, 0.6), trick)
    return readable(typed) if choice.random() < 0.7 else typed
