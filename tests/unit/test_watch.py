"""What is seen of one batch: who else says it, in the order of the records, whoever its authors are."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count

from rules.finding.asked import Asked
from rules.finding.evidence import Evidence, Place
from rules.finding.likeness import ONE_IN
from rules.fold import fold
from rules.message import Author, Message
from rules.reputation import Reputation
from rules.schema.conditions import Behaviour
from rules.schema.policy import Policy
from rules.schema.values import Bound, Seconds
from streams.judging.behaviour import Observer
from streams.judging.cases import Case
from streams.judging.outbox import Record
from streams.judging.turns import Turns
from streams.judging.watch import Watch
from streams.store.trails import MemoryTrails

NOW = 1_790_000_000.0
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
NOWHERE = Place((), Policy().resolve("t", "c"))
ASKED = Asked.of(Behaviour(alike=Bound(">", 1.0), within=Seconds(600)))
TEXT = "come along and see my wonderful garden"


def case(number: int, name: str, made: datetime | None, text: str = TEXT) -> Case:
    """Return a message of an account that was made then."""
    said = Message(f"m{number}", Author(name, created_at=made), text)
    return Case(Record(0, number, NOW, None, None), said, NOW, name, Evidence(fold(text), NOWHERE, ()))


async def sizes(observer: Observer, cases: Sequence[Case]) -> list[int]:
    """Return of how many authors each message's campaign is, 0 for none."""
    watch = Watch(observer, (ASKED,), "topic")
    await watch.remember(cases, Turns())
    await watch.look_round(known=lambda _: Reputation())
    found = [each.kin.campaign(600.0) if each.kin else None for each in cases]
    return [each.size if each else 0 for each in found]


async def test_whoever_says_it_later_sees_those_before() -> None:
    """Accounts of which it isn't known at once whether they are new keep their place among the others."""
    made = (None, LONG_AGO, None, LONG_AGO)
    cases = [case(n, f"u{n}", each, f"@ana {TEXT}") for n, each in enumerate(made)]
    assert await sizes(Observer(MemoryTrails(), secret=b"k"), cases) == [0, 2, 3, 4]


async def test_what_everybody_says_is_no_campaign_of_new_accounts() -> None:
    """One in some of the established authors is noted, though nobody tells them who else says it."""
    observer = Observer(MemoryTrails(), secret=b"k")
    fan = next(name for name in map("fan{}".format, count()) if not observer.author(name)[0] % ONE_IN)
    new = [case(n, f"u{n}", None) for n in range(1, 4)]
    assert await sizes(observer, [case(0, fan, LONG_AGO), *new]) == [0, 0, 0, 0]
    alone = Observer(MemoryTrails(), secret=b"k")
    assert await sizes(alone, new) == [0, 2, 3]
