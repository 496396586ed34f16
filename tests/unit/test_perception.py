"""What the models say is shown as all numbers of a verdict are."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.judging.perception import rounded
from streams.wire.writing import rounded as rounded_one

PROBABILITIES = st.just(0.0) | st.floats(2**-36, 1, width=32) | st.floats(2**-36, 2**-6, width=32)


@given(st.lists(PROBABILITIES, min_size=1))
def test_a_batch_is_rounded_as_each_number_is(scores: list[float]) -> None:
    """To the same 4 digits."""
    table = np.array([scores], np.float32)
    assert rounded(table).tolist() == [[rounded_one(score) for score in row] for row in table.tolist()]
