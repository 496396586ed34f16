"""What a scan leaves for `decide`: what was found in a message, and what holds where it was said."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

from rules.finding.armed import Armed
from rules.finding.asked import Alarm, Asked
from rules.finding.spoken import Spoken
from rules.fold import Folded
from rules.schema.labels import LabelPolicies
from rules.text.links import Link
from rules.verdict import Hit

Span = tuple[int, int]


class Place:
    """What holds where a message is said: the rules that act there and the labels' policies.

    Attributes:
        active: By the rule's number in the rule set; None where it doesn't act here.
        by_id: The rules that act here.
        lang: The message's language, if the platform or the channel says so; None where neither does.
        languages: Those that are spoken here; empty where none are set.
        links: Those that look at links.
        eager, patient: Of these, the ones that are asked at once, and those with conditions, which are
            cheaper to ask and seldom hold.
        waiting: By the rule's number, those that wait and look for terms or patterns; empty where none does.
        lookers: Those that look for nothing in the text, only at conditions.
        calm: Of these, those that wait for nothing that authors did.
        woken: Of these, the ones that ask for a rule, by its name; they are asked when it fired.
        stirring: Of these, and of those that wait, what the author must have done lately for one to be
            worth asking.
        stirred: Of the lookers, the ones that wait for it, and can be the first to fire.
        watched: From which probability of a label on a rule may fire though nothing was found.
        copiers: Allow rules that spare exact copies of whole messages.
        restless: Whether a rule here may do something though nothing was found.
        weighty: By the rule's number, whether it acts here and does more than to speak in the
            author's favour: pleas alone have no consequence.
    """

    __slots__ = (
        "_lowered",
        "active",
        "by_id",
        "calm",
        "copiers",
        "eager",
        "labels",
        "lang",
        "languages",
        "links",
        "lookers",
        "patient",
        "restless",
        "stirred",
        "stirring",
        "waiting",
        "watched",
        "weighty",
        "woken",
    )

    def __init__(
        self,
        active: Sequence[Armed | None],
        labels: LabelPolicies,
        lang: str | None = None,
        languages: frozenset[str] = frozenset(),
    ) -> None:
        rules = [armed for armed in active if armed is not None]
        self.active = tuple(active)
        self.by_id = {armed.id: armed for armed in rules}
        self.labels = labels
        self._lowered: dict[float, LabelPolicies] = {}
        self.lang = lang
        self.languages = languages
        self.links = tuple(armed for armed in rules if armed.links)
        patient = {armed.id for armed in self.links if armed.check and not (armed.composite or armed.spares)}
        self.patient = tuple(armed for armed in self.links if armed.id in patient)
        self.eager = tuple(armed for armed in self.links if armed.id not in patient)
        lookers = [armed for armed in rules if not armed.searches and not armed.spares]
        self.lookers = tuple(armed for armed in lookers if not armed.needs)
        self.woken: dict[str, list[Armed]] = {}
        for armed in lookers:
            for name in armed.needs:
                self.woken.setdefault(name, []).append(armed)
        self.calm = tuple(armed for armed in self.lookers if not armed.stirring)
        self.stirred = tuple(armed for armed in self.lookers if armed.stirring)
        self.copiers = tuple(armed for armed in rules if armed.copies)
        waiting = [armed for armed in rules if armed.waits and not armed.spares]
        stirred = [armed.stirring[0] for armed in (*lookers, *waiting) if armed.stirring]
        self.stirring = Alarm.of(dict.fromkeys(stirred))
        # Words of a language are told of where they count for nothing, too.
        named = {
            armed.id
            for armed in waiting
            if (armed.terms or armed.patterns) and not any(parts.languages for parts in armed.terms)
        }
        self.waiting = tuple(one if one and one.id in named else None for one in active) if named else ()
        self.watched: dict[str, float] = {}
        for watch in (armed.watches[0] for armed in lookers if armed.watches):
            self.watched[watch.label] = min(watch.limit, self.watched.get(watch.label, watch.limit))
        self.restless = any(armed.restless for armed in lookers)
        self.weighty = tuple(
            armed is not None
            and not (armed.spares or armed.id in named)
            and (not armed.pleads or armed.id in self.woken)
            for armed in active
        )

    def awake(self, heard: Collection[Asked]) -> Sequence[Armed]:
        """Return the lookers to ask where no more than this of `stirring` may hold."""
        return [*self.calm, *self.roused(heard)] if heard else self.calm

    def roused(self, heard: Collection[Asked]) -> list[Armed]:
        """Return those of `stirred` that get what they wait for, or may."""
        return [armed for armed in self.stirred if armed.stirring[0] in heard]

    def lowered(self, points: float) -> LabelPolicies:
        """Return the labels' policies with ladders so much lower, as in a raid."""
        if not points:
            return self.labels
        if points not in self._lowered:
            self._lowered[points] = self.labels.lowered(points)
        return self._lowered[points]


class Allowance:
    """Where the terms of an allow rule stand; a hit wholly inside one of the spans may be spared."""

    __slots__ = ("_reach", "_starts", "rule")

    def __init__(self, rule: Armed, spans: Iterable[Span]) -> None:
        ascending = sorted(spans)
        self.rule = rule
        self._starts = [start for start, _ in ascending]
        # How far the spans that begin up to here reach: a lookup instead of a walk, so that a
        # message full of allowed words doesn't cost quadratic time.
        self._reach = list(accumulate((end for _, end in ascending), max))

    def holds(self, span: Span) -> bool:
        """Return whether the span lies wholly inside one of the allowed ones."""
        before = bisect_right(self._starts, span[0])
        return before > 0 and span[1] <= self._reach[before - 1]


class Unheeded(NamedTuple):
    """A place where words of a rule stand that don't count, since the message is in another language."""

    rule: str
    languages: frozenset[str]
    span: Span


class Findings(NamedTuple):
    """What was found in a text: what counts, what may spare it, and what is of other languages.

    Attributes:
        by_link: What counts of links, of rules without conditions; None where all is in `hits`.
    """

    hits: Sequence[Hit] = ()
    allowed: Sequence[Allowance] = ()
    foreign: Sequence[Unheeded] = ()
    by_link: Sequence[Hit] | None = ()


class Evidence:
    """What was found in a message; conditions, exceptions and standing are weighed by `decide`.

    Nothing follows from what speaks in the author's favour unless something speaks against them, a rule or
    a model; so all of it is looked for, and hits are made, when they are first asked for.

    Attributes:
        folded: The text and its plain view.
        place: What holds where it was said.
        links: The links of the text, or None where no rule looked for them.
        harmless: No rule that could count against the author has found anything, those in `waiting` apart.
        waiting: Rules that may have found something, and whose conditions tell whether it counts.
    """

    __slots__ = ("_find", "_found", "_spoken", "folded", "harmless", "links", "place", "waiting")

    def __init__(
        self,
        folded: Folded,
        place: Place,
        links: Sequence[Link] | None = None,
        find: Callable[[Callable[[], Spoken]], Findings] | None = None,
        *,
        harmless: bool = True,
        waiting: Sequence[Armed] = (),
    ) -> None:
        self.folded = folded
        self.place = place
        self.links = links
        self.harmless = harmless
        self.waiting = waiting
        self._find = find
        self._found: Findings | None = None if find else Findings()
        self._spoken: Spoken | None = None

    @property
    def hits(self) -> Sequence[Hit]:
        """What was found, by the order of the rules, then of the text."""
        return self.hits_where(lambda _: True)

    def hits_where(self, may_count: Callable[[Armed], bool]) -> Sequence[Hit]:
        """Return `hits` without those of links that no rule may count."""
        hits, by_link = self._all.hits, self._all.by_link
        if by_link is None or not self.links:
            return hits
        if not self.place.patient:
            return [*hits, *by_link]
        linked = {hit.rule: [each for each in by_link if each.rule == hit.rule] for hit in by_link}
        for armed in self.place.patient:
            if may_count(armed):
                linked[armed.id] = armed.link_hits(self.links)
        return [*hits, *(hit for armed in self.place.links for hit in linked.get(armed.id, ()))]

    @property
    def allowed(self) -> Sequence[Allowance]:
        """Where allow rules may spare hits."""
        return self._all.allowed

    @property
    def foreign(self) -> Sequence[Unheeded]:
        """What would have been found, were the message in another language."""
        return self._all.foreign

    def spoken(self) -> Spoken:
        """Return the message's language; to guess it takes longer than a scan, so it is asked when needed."""
        if self._spoken is None:
            self._spoken = Spoken.of(self.place.lang, self.place.languages, self.folded.text)
        return self._spoken

    @property
    def _all(self) -> Findings:
        if self._found is None:
            assert self._find is not None
            self._found, self._find = self._find(self.spoken), None
        return self._found
