"""Guesses the language of a text: asked only where something depends on it."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from functools import lru_cache

# Of guesses that py3langid is so sure of, one in a thousand is wrong; three texts in ten it isn't sure
# of, most of them short (docs/evasion.md).
SURE = 0.9
# So much of a text tells enough, and time grows with it.
_LONGEST = 160

# Dialects and second names of one language, as people write its code.
_WRITTEN = {
    "ary": "ar", "arz": "ar", "ext": "es", "nn": "no", "sdh": "ku", "uzs": "uz", "wuu": "zh", "yue": "zh",
}  # fmt: skip
_NONE = "zxx"  # no language at all
_NO_PROSE = re.compile(r"\S*(?:://|www\.|@)\S*|:\w+:")

_Classify = Callable[[str], tuple[str, float]]
_loading = threading.Lock()
_loaded: list[tuple[_Classify, frozenset[str]]] = []


def guess(text: str) -> str | None:
    """Return the code of the language that a text is in, or None where that isn't sure.

    The first guess of a process takes two seconds longer; see `prepare`.
    """
    return _guess(_NO_PROSE.sub(" ", text[:_LONGEST]))


@lru_cache(4096)  # what is asked about is said again and again: in raids, by copying
def _guess(prose: str) -> str | None:
    classify, _ = _model()
    code, probability = classify(prose)
    return None if probability < SURE or code == _NONE else _WRITTEN.get(code, code)


def can_guess(code: str) -> bool:
    """Return whether a text might be taken for one in this language."""
    return code in _model()[1]


def prepare() -> None:
    """Load what guesses are made with, 80 MB, so that no message has to wait for it."""
    _model()


def _model() -> tuple[_Classify, frozenset[str]]:
    if not _loaded:
        with _loading:
            if not _loaded:
                _loaded.append(_load())
    return _loaded[0]


def _load() -> tuple[_Classify, frozenset[str]]:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    return model.classify, frozenset(_WRITTEN.get(code, code) for code in model.labels) - {_NONE}
