"""Dictionaries, names and places of many languages, from two packages that are installed only for forecasts.

wordfreq (Apache-2.0; its data CC BY-SA 4.0) knows how frequent words are, Faker (MIT) lists names and places.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from types import ModuleType

from rules.errors import RuleError
from rules.forecast import Vocabulary, Word

# Of each language so many words, the most frequent; rarer ones are half misspellings.
WORDS_A_LANGUAGE = 20_000
_NAMES = ("first_names", "first_names_male", "first_names_female", "last_names")
_PLACES = (
    "cities", "city_names", "towns", "states", "provinces", "counties", "countries", "regions",
)  # fmt: skip


def vocabularies(languages: Iterable[str] = ()) -> Iterator[Vocabulary]:
    """Yield words, names and places of the languages; of all that there are without any.

    Raises:
        RuleError: When the packages aren't installed; says how to get them.
    """
    wordfreq, faker = _package("wordfreq"), _package("faker")
    wanted = frozenset(languages)
    for lang in sorted(wordfreq.available_languages()):
        if not wanted or lang in wanted:
            words = wordfreq.top_n_list(lang, WORDS_A_LANGUAGE)
            shares = (wordfreq.word_frequency(word, lang) for word in words)
            yield Vocabulary(f"{lang} words", lang, [Word(*pair) for pair in zip(words, shares, strict=True)])
    for kind, provider, attributes in (("names", "person", _NAMES), ("places", "address", _PLACES)):
        listed: dict[str, dict[str, None]] = {}
        for locale, module in _providers(faker, provider):
            lang = locale.partition("_")[0]
            if not wanted or lang in wanted:
                listed.setdefault(lang, {}).update(_listed(module.Provider, attributes))
        for lang, names in sorted(listed.items()):
            if names:
                yield Vocabulary(f"{lang} {kind}", lang, [Word(name) for name in names])


def _package(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise RuleError(
            f"forecasts need the package {name}: pip install -r requirements/check.txt brings it"
        ) from None


def _providers(faker: ModuleType, provider: str) -> Iterator[tuple[str, ModuleType]]:
    package = importlib.import_module(f"{faker.__name__}.providers.{provider}")
    for module in pkgutil.iter_modules(package.__path__):
        yield module.name, importlib.import_module(f"{package.__name__}.{module.name}")


def _listed(provider: type, attributes: Iterable[str]) -> Iterator[tuple[str, None]]:
    """Yield the names of a provider; patterns that Faker would fill in are none."""
    for attribute in attributes:
        listed = getattr(provider, attribute, ())
        for name in listed if isinstance(listed, Iterable) else ():
            if isinstance(name, str) and name and "{{" not in name:
                yield name, None
