"""Who said nearly the same is told of many messages at once as it would be of each, place by place."""

from random import Random

from hypothesis import event, given, settings
from hypothesis import strategies as st

from rules.finding.likeness import BANDS, ENOUGH, HASHES, KEPT, LAYOUT, MARKED, NEW
from streams.judging.sketches import nearly_same


def _sketch(chance: Random, like: bytes) -> bytes:
    """A sketch that agrees with another in a chosen number of places, often about as many as are needed."""
    places = set(chance.sample(range(HASHES), chance.choice((0, ENOUGH - 1, ENOUGH, ENOUGH + 1, HASHES))))
    return bytes(byte if place in places else byte ^ 1 for place, byte in enumerate(like))


def _entry(chance: Random, like: bytes) -> bytes:
    author, flags = bytes(7) + chance.choice((chance.randbytes(1), b"a")), chance.choice((0, NEW, MARKED))
    return LAYOUT.pack(
        chance.random(), chance.randrange(3), chance.randrange(99), author, flags, _sketch(chance, like)
    )


def _trails(chance: Random, own: bytes) -> list[bytes]:
    trails = [
        b"".join(_entry(chance, own) for _ in range(chance.choice((0, 0, 1, 5, KEPT)))) for _ in range(BANDS)
    ]
    return [chance.choice(trails) for _ in trails]


def _agreeing(own: bytes, trails: list[bytes]) -> tuple[list[bytes], int]:
    found = {trail[at : at + LAYOUT.size] for trail in trails for at in range(0, len(trail), LAYOUT.size)}
    alike = sorted(
        one for one in found if sum(a == b for a, b in zip(one[-HASHES:], own, strict=True)) >= ENOUGH
    )
    said = map(LAYOUT.unpack, alike)
    return alike, len({author for _, _, _, author, flags, _ in said if flags})


def in_order(alike: bytes) -> list[bytes]:
    """The entries, which come in any order."""
    return sorted(alike[at : at + LAYOUT.size] for at in range(0, len(alike), LAYOUT.size))


@settings(max_examples=100, deadline=None)
@given(st.randoms(use_true_random=True), st.sampled_from((0, 1, 2, 63, 64, 65, 130)))
def test_many_at_once_are_told_as_each(chance: Random, messages: int) -> None:
    sketches = [chance.randbytes(HASHES) for _ in range(messages)]
    said = [_trails(chance, own) for own in sketches]
    expected = [_agreeing(own, trails) for own, trails in zip(sketches, said, strict=True)]
    event(f"{any(alike for alike, _ in expected)}")
    found = [(in_order(alike), authors) for alike, authors in nearly_same(sketches, said)]
    assert found == expected
