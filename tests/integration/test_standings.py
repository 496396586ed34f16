"""What every store of standings promises: these tests run on memory and on Valkey."""

import pytest

from rules.finding.trail import SIZE
from rules.message import Kind
from rules.reputation import LEDGER, NEWCOMER, Entry, Reputation, strikes_at
from rules.verdict import Action
from streams.store.standings import (
    DAY_S,
    FALLEN_AT_ONCE,
    MOST_FALLEN,
    MOST_REPORTERS,
    MOST_REVISIONS,
    Ask,
    AuthorEffects,
    Charge,
    Decided,
    Effect,
    Learned,
    PartitionId,
    Recall,
    Reported,
    Reversal,
    Standing,
    StandingStore,
    applied,
)

NOON = 20_000 * DAY_S + DAY_S / 2
WEEK_S = 7.0 * DAY_S
HERE = PartitionId("5b8e9c0e-topic", 3)
ELSEWHERE = PartitionId("5b8e9c0e-topic", 4)
MADE_AGAIN = PartitionId("another-topic-id", 3)


def effect(
    offset: int,
    message: str,
    kind: Kind = Kind.CREATED,
    *,
    at: float = NOON,
    strike: float = 0.0,
    good: bool = False,
    counts: bool = True,
    content: str = "c0ffee",
    entry: bytes = b"",
) -> Effect:
    """An effect whose action goes with its strike."""
    action = Action.REMOVE if strike else Action.ALLOW
    return Effect(offset, at, message, kind, Recall(content, action, strike, good), counts, entry=entry)


def struck(offset: int, amount: float, at: float = NOON, partition: PartitionId = HERE) -> Entry:
    """The entry of an effect that nothing is said of but its strike."""
    return Entry(f"{partition.topic_id}/{partition.partition}/{offset}", amount, at)


def strikes(reputation: Reputation) -> float:
    """What is left when the last message came."""
    return strikes_at(reputation, reputation.as_of, WEEK_S)


def of(author: str, *effects: Effect | Reversal, partition: PartitionId = HERE) -> AuthorEffects:
    """One author's effects in one partition."""
    return AuthorEffects(author, partition, effects)


async def look(standings: StandingStore, author: str, *messages: str, now: float = NOON) -> Standing:
    """The standing of one author."""
    (standing,) = await standings.load([Ask(author, messages)], now)
    return standing


async def test_somebody_never_seen_is_a_newcomer(standings: StandingStore) -> None:
    """No trust and no blame, no marks, nothing remembered."""
    assert await look(standings, "t/p/ana", "m1") == Standing(NEWCOMER)


async def test_nobody_is_asked_for(standings: StandingStore) -> None:
    """An empty batch is answered by an empty list, and saved as nothing."""
    await standings.save([], WEEK_S)
    assert await standings.load([], NOON) == []


async def test_it_answers(standings: StandingStore) -> None:
    """A living store answers a ping."""
    await standings.ping()


async def test_what_was_saved_is_loaded(standings: StandingStore) -> None:
    """Numbers, marks and what is remembered come back exactly, to the last bit of a float."""
    said = effect(7, "m1", at=NOON + 1 / 3, good=True)
    shouted = effect(8, "m2", at=NOON + 2 / 3, strike=0.1)
    await standings.save([of("t/p/ana", said, shouted)], WEEK_S)

    assert await look(standings, "t/p/ana", "m2", "m1", "m0") == Standing(
        Reputation(0.0, 1, 2, NOON + 1 / 3, NOON + 2 / 3, (struck(8, 0.1, NOON + 2 / 3),)),
        {HERE: 8},
        {"m1": said.recall, "m2": shouted.recall},
    )


async def test_answers_come_in_the_order_of_the_questions(standings: StandingStore) -> None:
    """Also where the same author is asked for twice, and with hundreds of authors over all buckets."""
    authors = [f"t/p/{number}" for number in range(300)]
    await standings.save(
        [of(author, effect(number, f"m{number}")) for number, author in enumerate(authors)], WEEK_S
    )
    asks = [Ask(author, (f"m{number}",)) for number, author in enumerate(authors)]
    found = await standings.load([*asks, *reversed(asks)], NOON)
    assert [standing.marks[HERE] for standing in found] == [*range(300), *reversed(range(300))]
    assert [list(standing.recalls) for standing in found[:300]] == [list(ask.messages) for ask in asks]


async def test_strikes_halve_with_time(standings: StandingStore) -> None:
    """A strike from a half-life ago weighs half when the next one comes."""
    old, new = effect(1, "m1", at=NOON, strike=1.0), effect(2, "m2", at=NOON + WEEK_S, strike=1.0)
    await standings.save([of("t/p/ana", old)], WEEK_S)
    await standings.save([of("t/p/ana", new)], WEEK_S)
    assert strikes((await look(standings, "t/p/ana")).reputation) == pytest.approx(1.5, rel=1e-12)


async def test_a_late_strike_counts_as_old(standings: StandingStore) -> None:
    """Record times may run backwards; the order in which they come doesn't matter."""
    old, new = effect(2, "m1", at=NOON, strike=1.0), effect(1, "m2", at=NOON + WEEK_S, strike=1.0)
    await standings.save([of("t/p/ana", new, old)], WEEK_S)
    reputation = (await look(standings, "t/p/ana")).reputation
    assert strikes(reputation) == pytest.approx(1.5, rel=1e-12)
    assert (reputation.first_seen, reputation.as_of) == (NOON, NOON + WEEK_S)


async def test_an_effect_counts_once(standings: StandingStore) -> None:
    """However often it is saved, alone or among others."""
    effects = [effect(offset, f"m{offset}", strike=1.0) for offset in range(5)]
    await standings.save([of("t/p/ana", *effects[:2])], WEEK_S)
    await standings.save([of("t/p/ana", *effects[1:4])], WEEK_S)
    await standings.save([of("t/p/ana", *effects)], WEEK_S)
    standing = await look(standings, "t/p/ana")
    assert (strikes(standing.reputation), standing.marks) == (5.0, {HERE: 4})


async def test_partitions_have_marks_of_their_own(standings: StandingStore) -> None:
    """A recreated topic starts at offset 0 again and isn't mistaken for the old one."""
    places = (HERE, ELSEWHERE, MADE_AGAIN)
    for place in places:
        await standings.save([of("t/p/ana", effect(0, f"in {place}"), partition=place)], WEEK_S)
    standing = await look(standings, "t/p/ana")
    assert standing.reputation.messages == 3
    assert standing.marks == dict.fromkeys(places, 0)


async def test_one_author_may_come_twice_in_a_batch(standings: StandingStore) -> None:
    """From two partitions, for instance."""
    batch = [of("t/p/ana", effect(5, "m1")), of("t/p/ana", effect(5, "m2"), partition=ELSEWHERE)]
    await standings.save(batch, WEEK_S)
    assert (await look(standings, "t/p/ana")).reputation.messages == 2


async def test_a_message_sent_twice_counts_once(standings: StandingStore) -> None:
    """A bridge that repeats itself under new offsets moves nothing."""
    await standings.save([of("t/p/ana", effect(1, "m1", strike=1.0))], WEEK_S)
    await standings.save([of("t/p/ana", effect(9, "m1", strike=1.0), partition=ELSEWHERE)], WEEK_S)
    reputation = (await look(standings, "t/p/ana")).reputation
    assert (strikes(reputation), reputation.messages) == (1.0, 1)


async def test_an_edit_costs_what_is_worse_than_before(standings: StandingStore) -> None:
    """And takes the credit back; a nicer edit gives nothing."""
    said = effect(1, "m1", good=True)
    worse = effect(2, "m1", Kind.EDITED, strike=1.0, content="bad")
    nicer = effect(3, "m1", Kind.EDITED, good=True, content="good")
    await standings.save([of("t/p/ana", said, worse, nicer)], WEEK_S)
    standing = await look(standings, "t/p/ana", "m1")
    assert standing.reputation == Reputation(0.0, 0, 1, NOON, NOON, (struck(2, 1.0),))
    assert standing.recalls["m1"] == Recall("good", Action.ALLOW, 1.0, False)


async def test_a_deletion_withdraws_credit_but_no_strike(standings: StandingStore) -> None:
    """Twice deleted is deleted once; an unknown message is deleted without a trace."""
    effects = [
        effect(1, "m1", good=True),
        effect(2, "m2", strike=1.0),
        effect(3, "m1", Kind.DELETED),
        effect(4, "m1", Kind.DELETED),
        effect(5, "m2", Kind.DELETED),
        effect(6, "m3", Kind.DELETED),
    ]
    await standings.save([of("t/p/ana", *effects)], WEEK_S)
    standing = await look(standings, "t/p/ana", "m1", "m2", "m3")
    assert standing.reputation == Reputation(0.0, 0, 2, NOON, NOON, (struck(2, 1.0),))
    assert standing.recalls == {
        "m1": Recall("c0ffee", Action.ALLOW, 0.0, False),
        "m2": Recall("c0ffee", Action.REMOVE, 1.0, False),
    }


async def test_bots_and_relays_are_not_counted(standings: StandingStore) -> None:
    """Their messages are remembered, for edits, and nothing else."""
    await standings.save([of("t/p/bot", effect(1, "m1", good=True, counts=False))], WEEK_S)
    standing = await look(standings, "t/p/bot", "m1")
    assert standing.reputation == Reputation(as_of=NOON)
    assert standing.recalls == {"m1": Recall("c0ffee", Action.ALLOW, 0.0, False)}


async def test_a_message_is_remembered_the_day_after_and_then_no_more(standings: StandingStore) -> None:
    """By UTC days: for 24 hours at least, for 48 at most."""
    await standings.save([of("t/p/ana", effect(1, "m1"))], WEEK_S)
    seen = [
        (await look(standings, "t/p/ana", "m1", now=NOON + days * DAY_S)).recalls for days in range(-1, 4)
    ]
    assert [list(recalls) for recalls in seen] == [[], ["m1"], ["m1"], [], []]


async def test_an_edit_after_midnight_knows_its_message(standings: StandingStore) -> None:
    """It is settled against yesterday's memory and remembered today."""
    await standings.save([of("t/p/ana", effect(1, "m1", strike=1.0))], WEEK_S)
    later = effect(2, "m1", Kind.EDITED, at=NOON + DAY_S, strike=1.0, content="edited")
    await standings.save([of("t/p/ana", later)], WEEK_S)
    standing = await look(standings, "t/p/ana", "m1", now=NOON + 2 * DAY_S)
    assert strikes(standing.reputation) == pytest.approx(2 ** (-1 / 7), rel=1e-12)
    assert standing.recalls["m1"].content_hash == "edited"


def charged(offset: int, charge: Charge, *, at: float = NOON, strike: float = 0.5) -> Effect:
    """A held message of its own."""
    recall = Recall("c0ffee", Action.HOLD, strike)
    return Effect(offset, at, f"m{offset}", Kind.CREATED, recall, charge=charge)


FEEDBACK = PartitionId("the-feedback-topic", 0)


def undone(offset: int, verdict: int, at: float = NOON) -> AuthorEffects:
    """A human took back ana's verdict at an offset."""
    reversal = Reversal(offset, at, f"{HERE.topic_id}/{HERE.partition}/{verdict}")
    return of("t/p/ana", reversal, partition=FEEDBACK)


async def test_the_ledger_explains_the_strikes(standings: StandingStore) -> None:
    """Verdict, label, amount, time and rule set of each, the oldest first; their sum is what is left."""
    scam, hate = Charge("scam", "a1b2", credit=True), Charge("hate", "c3d4")
    await standings.save([of("t/p/ana", charged(1, scam), charged(2, hate, at=NOON + WEEK_S))], WEEK_S)
    reputation = (await look(standings, "t/p/ana")).reputation
    assert reputation.ledger == (
        Entry("5b8e9c0e-topic/3/1", 0.5, NOON, "scam", "a1b2", credit=True),
        Entry("5b8e9c0e-topic/3/2", 0.5, NOON + WEEK_S, "hate", "c3d4"),
    )
    assert strikes(reputation) == pytest.approx(0.75)


async def test_a_reversal_leaves_an_author_as_if_nothing_had_been(standings: StandingStore) -> None:
    """The strike is gone and the message counts as good; the entry stays for show. Twice is once."""
    await standings.save([of("t/p/ana", charged(1, Charge("scam", credit=True)))], WEEK_S)
    for offset in range(2):
        await standings.save([undone(offset, 1)], WEEK_S)
    reputation = (await look(standings, "t/p/ana")).reputation
    assert (strikes(reputation), reputation.good, reputation.messages) == (0.0, 1, 1)
    assert [entry.reversed for entry in reputation.ledger] == [True]


async def test_a_reversal_that_comes_first_waits_for_its_strike(standings: StandingStore) -> None:
    """Feedback and messages lie on two topics, and a worker that was killed judges again."""
    await standings.save([undone(0, 1)], WEEK_S)
    await standings.save([of("t/p/ana", charged(1, Charge("scam", credit=True)))], WEEK_S)
    reputation = (await look(standings, "t/p/ana")).reputation
    assert (strikes(reputation), reputation.good, len(reputation.ledger)) == (0.0, 1, 1)


def flood(count: int, first: int = 0) -> AuthorEffects:
    """Ana said so many bad things, a second apart, each of which would have been good."""
    charge = Charge("spam", credit=True)
    return of("t/p/ana", *(charged(first + n, charge, at=NOON + first + n, strike=1.0) for n in range(count)))


async def test_a_ledger_is_bounded_and_forgets_no_strike(standings: StandingStore) -> None:
    """What falls off goes on as a number, and nothing falls on account of a reversal."""
    await standings.save([flood(LEDGER + 8)], WEEK_S)
    reputation = (await look(standings, "t/p/ana")).reputation
    assert len(reputation.ledger) == LEDGER
    assert strikes(reputation) == pytest.approx(LEDGER + 8, rel=1e-3)
    await standings.save([undone(offset, 8 + offset) for offset in range(LEDGER)], WEEK_S)
    assert strikes((await look(standings, "t/p/ana")).reputation) == pytest.approx(8, rel=1e-3)


async def test_what_fell_off_the_ledger_can_be_taken_back(standings: StandingStore) -> None:
    """As if it had never been, once; whatever is taken back first."""
    await standings.save([flood(100), of("t/p/ana", charged(100, Charge("hate"), at=NOON + 100))], WEEK_S)
    order = [*range(0, 100, 2), *range(99, 0, -2)]
    for again in (0, 100):
        await standings.save([undone(again + n, verdict) for n, verdict in enumerate(order)], WEEK_S)
        reputation = (await look(standings, "t/p/ana")).reputation
        assert strikes(reputation) == pytest.approx(0.5, rel=1e-3)
        assert (reputation.strikes, reputation.good, reputation.messages) == (0.0, 100, 101)


@pytest.mark.parametrize("before", [0, LEDGER - 1, LEDGER, LEDGER + 8])
async def test_a_reversal_that_comes_first_waits_beside_a_full_ledger(
    standings: StandingStore, before: int
) -> None:
    """Whether the ledger was full when it came, or is when the strike comes; told twice, it waits too."""
    await standings.save([flood(before)], WEEK_S)
    await standings.save([undone(0, 60), undone(1, 60)], WEEK_S)
    await standings.save([flood(60 - before, before)], WEEK_S)
    for more in (flood(1, 60), undone(2, 60)):
        await standings.save([more], WEEK_S)
        reputation = (await look(standings, "t/p/ana")).reputation
        assert strikes(reputation) == pytest.approx(60, rel=1e-3)
        assert (reputation.good, reputation.messages, len(reputation.ledger)) == (1, 61, LEDGER)


async def test_a_reversal_that_waited_is_forgotten_when_its_strike_has_come(
    standings: StandingStore,
) -> None:
    """There is nothing beside the standing and the messages then."""
    for change in (flood(LEDGER), undone(0, LEDGER), flood(1, LEDGER)):
        await standings.save([change], WEEK_S)
    assert await standings.erase("t/p/ana") == 2


async def test_reversals_that_wait_are_kept_to_a_bound(standings: StandingStore) -> None:
    """Of too many the oldest are let go at once, some hundreds; the others do what they are for."""
    await standings.save([flood(LEDGER)], WEEK_S)
    count = MOST_FALLEN + 1
    waiting = (undone(n, LEDGER + n, at=NOON + n) for n in range(count))
    await standings.save(list(waiting), WEEK_S)
    await standings.save([flood(count, LEDGER)], WEEK_S)
    reputation = (await look(standings, "t/p/ana")).reputation
    assert reputation.good == count - FALLEN_AT_ONCE
    assert strikes(reputation) == pytest.approx(LEDGER + FALLEN_AT_ONCE, rel=1e-2)


async def test_what_fell_off_is_kept_aside_to_a_bound(standings: StandingStore) -> None:
    """Of whom has more the oldest can't be taken back any more: some hundreds at once."""
    count = LEDGER + MOST_FALLEN + 1
    await standings.save([flood(count)], WEEK_S)
    await standings.save([undone(offset, offset) for offset in range(count)], WEEK_S)
    left = strikes((await look(standings, "t/p/ana")).reputation)
    assert left == pytest.approx(FALLEN_AT_ONCE, rel=1e-2)


async def test_who_is_reset_gets_nothing_back(standings: StandingStore) -> None:
    """What fell off the ledger before goes with it: it mustn't be taken off later strikes."""
    await standings.save([flood(LEDGER + 8)], WEEK_S)
    await standings.reset("t/p/ana")
    later = [charged(n, Charge("spam"), at=NOON + n, strike=1.0) for n in range(900, 900 + LEDGER + 1)]
    await standings.save([of("t/p/ana", *later)], WEEK_S)
    before = strikes((await look(standings, "t/p/ana")).reputation)
    await standings.save([undone(0, 1)], WEEK_S)
    assert strikes((await look(standings, "t/p/ana")).reputation) == pytest.approx(before)


async def test_the_model_alone_costs_so_much_a_day(standings: StandingStore) -> None:
    """In a UTC day; what rules had a part in isn't bounded by it, nor counted."""
    model, rule = Charge("toxic", most=0.5), Charge("toxic")
    today = [charged(1, model), charged(2, rule), charged(3, model), charged(4, model, strike=1.0)]
    await standings.save([of("t/p/ana", *today)], WEEK_S)
    assert strikes((await look(standings, "t/p/ana")).reputation) == 1.0
    await standings.save([of("t/p/ana", charged(5, model, at=NOON + DAY_S))], WEEK_S)
    assert [entry.verdict[-1] for entry in (await look(standings, "t/p/ana")).reputation.ledger] == list(
        "125"
    )


LOG = PartitionId("learned-c0ffee", 0)


async def test_what_was_learned_is_added_once(standings: StandingStore) -> None:
    """Under the name of where it came from; it adds to what was judged before and after."""
    old = Reputation(strikes=2.0, good=40, messages=50, first_seen=NOON - WEEK_S, as_of=NOON)
    learned = of("t/p/ana", Learned(0, old), partition=LOG)
    await standings.save([of("t/p/ana", effect(1, "m1", at=NOON + WEEK_S, good=True)), learned], WEEK_S)
    await standings.save([learned], WEEK_S)
    reputation = (await look(standings, "t/p/ana")).reputation
    assert strikes(reputation) == pytest.approx(1.0)
    assert (reputation.good, reputation.messages, reputation.first_seen) == (41, 51, NOON - WEEK_S)


async def test_a_reset_makes_a_newcomer_whose_past_does_not_come_again(standings: StandingStore) -> None:
    """The marks stay; only what was learned may be learned anew."""
    said = of("t/p/ana", effect(1, "m1", good=True), charged(2, Charge("scam")))
    learned = of("t/p/ana", Learned(0, Reputation(good=7, messages=7)), partition=LOG)
    await standings.save([said, learned], WEEK_S)
    await standings.reset("t/p/ana")
    await standings.reset("t/p/nobody")
    await standings.save([said], WEEK_S)
    assert await look(standings, "t/p/ana") == Standing(NEWCOMER, {HERE: 2})
    await standings.save([learned], WEEK_S)
    assert (await look(standings, "t/p/ana")).reputation.good == 7


async def test_nothing_is_left_of_who_is_erased(standings: StandingStore) -> None:
    """And nobody else loses anything; who is erased again was nobody."""
    for author in ("t/p/ana", "t/p/bo"):
        old, new = effect(1, "m1", at=NOON - 3 * DAY_S, good=True), charged(2, Charge("scam"))
        await standings.save([of(author, old, new)], WEEK_S)
    assert await standings.erase("t/p/ana") == 3
    assert await look(standings, "t/p/ana", "m2") == Standing(NEWCOMER)
    assert (await look(standings, "t/p/bo", "m2")).marks == {HERE: 2}
    assert await standings.erase("t/p/ana") == 0


async def test_each_decision_on_a_verdict_has_a_number(standings: StandingStore) -> None:
    """From 1 on, and keeps it; other verdicts and authors have their own. There is an end to it."""
    said = [Decided("ana", "v1", name) for name in ("a", "b", "a")]
    said += [Decided("ana", "v2", "b"), Decided("bo", "v1", "b")]
    assert await standings.numbered(said) == [1, 2, 1, 1, 1]
    assert await standings.numbered(said[1:2]) == [2]
    more = [Decided("cy", "v1", f"d{number}") for number in range(MOST_REVISIONS + 1)]
    assert await standings.numbered(more) == [*range(1, MOST_REVISIONS + 1), 0]
    assert await standings.numbered([]) == []
    assert await standings.erase("cy") > 0
    assert await standings.numbered(more[3:4]) == [1]


async def test_a_reporter_counts_once(standings: StandingStore) -> None:
    """For a verdict; what their words weigh is added up."""
    said = [
        Reported("ana", "v1", "bo", 0.5),
        Reported("ana", "v1", "bo", 0.9),
        Reported("ana", "v1", "cy", 0.25),
    ]
    assert await standings.reported(said) == [(1, 0.5), (1, 0.5), (2, 0.75)]
    assert await standings.reported([Reported("ana", "v2", "bo", 0)]) == [(1, 0)]
    many = [Reported("di", "v1", f"r{number}", 1.0) for number in range(MOST_REPORTERS + 1)]
    assert (await standings.reported(many))[-1] == (MOST_REPORTERS, MOST_REPORTERS)


@pytest.mark.parametrize("name", ["", "ä/Ω/💬", "nul\0 and\nline", "a" * 10_000, "lone \ud800", "{b}:m:x"])
async def test_any_name_will_do(standings: StandingStore, name: str) -> None:
    """Names and ids of messages are the platform's business."""
    await standings.save([of(name, effect(1, name, good=True))], WEEK_S)
    standing = await look(standings, name, name)
    assert (standing.reputation.good, list(standing.recalls)) == (1, [name])


async def test_large_offsets_are_exact(standings: StandingStore) -> None:
    """Up to 2**53, which a partition doesn't reach in a thousand years."""
    last = 2**53 - 1
    await standings.save([of("t/p/ana", effect(last - 1, "m1"), effect(last, "m2"))], WEEK_S)
    standing = await look(standings, "t/p/ana")
    assert (standing.reputation.messages, standing.marks) == (2, {HERE: last})


async def test_thousands_of_messages_of_one_author_fit_into_a_batch(standings: StandingStore) -> None:
    """A flood is one author's; scripts have no bound on arguments that it could reach."""
    flood = [effect(offset, f"m{offset}", good=True) for offset in range(9_000)]
    await standings.save([of("t/p/ana", *flood)], WEEK_S)
    standing = await look(standings, "t/p/ana", *(each.message for each in flood))
    assert (standing.reputation.good, len(standing.recalls)) == (9_000, 9_000)


async def test_what_is_applied_here_is_what_the_store_will_say(standings: StandingStore) -> None:
    """So the second message of an author in a batch sees the standing after the first."""
    first = [effect(1, "m1", good=True), effect(2, "m2", strike=0.5)]
    second = [effect(2, "m2", strike=0.5), effect(3, "m1", Kind.EDITED, at=NOON + 99, strike=1.0)]
    await standings.save([of("t/p/ana", *first)], WEEK_S)
    ahead = applied(await look(standings, "t/p/ana", "m1", "m2"), HERE, second, WEEK_S)
    await standings.save([of("t/p/ana", *second)], WEEK_S)
    assert ahead == await look(standings, "t/p/ana", "m1", "m2")


async def test_a_trail_comes_back_where_it_is_asked_for(standings: StandingStore) -> None:
    """In the order of the records, each entry once; messages that aren't counted leave none."""
    entries = [bytes([offset]) * SIZE for offset in range(1, 4)]
    said = [effect(offset, f"m{offset}", entry=one) for offset, one in enumerate(entries, start=1)]
    uncounted = effect(4, "m4", counts=False)
    await standings.save([of("t/p/ana", *said[:2])], WEEK_S)
    await standings.save([of("t/p/ana", *said, uncounted), of("t/p/bo", uncounted)], WEEK_S)
    asks = [Ask("t/p/ana"), Ask("t/p/bo"), Ask("t/p/nobody")]
    found = await standings.load(asks, NOON, trails=True)
    assert [standing.trail for standing in found] == [b"".join(entries), b"", b""]
    assert [standing.trail for standing in await standings.load(asks, NOON)] == [b"", b"", b""]


async def test_a_record_that_comes_twice_in_a_save_is_on_the_trail_once(standings: StandingStore) -> None:
    """What comes before it and behind it is there too."""
    first, second, third = (bytes([offset]) * SIZE for offset in range(1, 4))
    said = [effect(1, "m1", entry=first), effect(2, "m2", entry=second)]
    await standings.save([of("t/p/ana", *said, said[-1], effect(3, "m3", entry=third))], WEEK_S)
    [standing] = await standings.load([Ask("t/p/ana")], NOON, trails=True)
    assert standing.trail == first + second + third
    assert standing.reputation.messages == 3


async def test_a_reversal_moves_no_trail(standings: StandingStore) -> None:
    """Also where it is saved beside messages."""
    entry = b"x" * SIZE
    taken_back = Reversal(2, NOON, f"{HERE.topic_id}/{HERE.partition}/1")
    await standings.save([of("t/p/ana", effect(1, "m1", strike=1.0, entry=entry), taken_back)], WEEK_S)
    [standing] = await standings.load([Ask("t/p/ana")], NOON, trails=True)
    assert standing.trail == entry
    assert standing.reputation.ledger[0].reversed
