from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from rules.finding.asked import Alarm
from rules.finding.behaviour import Done
from streams.judging.behaviour import Case

SOURCE: str

class Hash:
    def __init__(self, key: bytes) -> None: ...
    def digest(self, data: bytes) -> bytes: ...

def remembered(
    cases: list[Case],
    most_bytes: int,
    old: datetime,
    compares: bool,
    partition: Callable[[int], int],
    place: Callable[[str, str, str], int],
    author_of: Callable[[str], bytes],
    hasher: Hash,
    covered: Callable[[bytes], bytes],
) -> tuple[int, list[int], list[int]]: ...
def words(data: bytes) -> list[int]: ...
def sketch(
    texts: Sequence[Sequence[int]], tenants: Sequence[int], factors: bytes, names: bytes
) -> list[tuple[bytes, list[str]]]: ...
def nearly_same(sketches: Iterable[bytes], said: Iterable[list[bytes]]) -> list[tuple[bytes, int]]: ...
def sifted(
    trails: Sequence[bytes], said: Sequence[Sequence[bytes]], alarm: Alarm
) -> list[tuple[Done, ...]]: ...
