"""A linear model over hashed words and letters, trained on the same rows: what the student must beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import SGDClassifier

from models.training.rows import LABELS

LABELS_TRIED = ("spam", "toxic", "insult", "hate")
_WORDS = HashingVectorizer(
    n_features=2**20, ngram_range=(1, 2), alternate_sign=False, token_pattern=r"(?u)\b\w+\b"
)
_LETTERS = HashingVectorizer(n_features=2**20, ngram_range=(2, 5), analyzer="char_wb", alternate_sign=False)


def features(texts: Sequence[str]) -> csr_matrix:
    """Return hashed counts of words, pairs of words, and runs of two to five letters."""
    return hstack([_WORDS.transform(texts), _LETTERS.transform([text[:400] for text in texts])]).tocsr()


def linear_scores(
    trained: csr_matrix,
    targets: NDArray[np.float32],
    weights: NDArray[np.float32],
    tested: csr_matrix,
    label: str,
) -> NDArray[np.float32]:
    """Train on what is known of a label and return scores of the tested rows."""
    column = LABELS.index(label)
    known = np.flatnonzero(weights[:, column] > 0)
    model = SGDClassifier(loss="log_loss", alpha=2e-6, max_iter=6, tol=None, random_state=7)
    model.fit(trained[known], targets[known, column], sample_weight=weights[known, column])
    return np.asarray(model.decision_function(tested), np.float32)
