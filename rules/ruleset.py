"""All rules of a folder of packs, ready and immutable: finds the evidence in a message."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType

import msgspec

from rules.finding.armed import Armed
from rules.finding.asked import Alarm, Asked
from rules.finding.evidence import Allowance, Evidence, Findings, Place, Span, Unheeded
from rules.finding.keywords import Found, KeywordIndex
from rules.finding.owners import indexed, locate
from rules.finding.patterns import LINK, PIECE, FoundPattern, PatternIndex
from rules.finding.spoken import Spoken, said_of
from rules.fold import Folded, fold
from rules.message import Message
from rules.schema.labels import LabelPolicies, Maturity
from rules.schema.policy import Policy
from rules.schema.rule import Rule
from rules.text.links import Link, find_links
from rules.text.views.chain import ALL_SIGNS
from rules.text.views.reading import last_step
from rules.verdict import Hit

__all__ = ["Evidence", "RuleSet"]

# Places are remembered; whoever invents channels must not fill the memory with them.
_MAX_PLACES = 65_536
_MAX_LANGUAGES = 4_096

# Shorter words are no words when they are put together from messages: a, s, s are answers in a quiz.
FEWEST_JOINED = 4


class _Look(msgspec.Struct, frozen=True, gc=False):
    """What a look at a text found, and the signs that it bears."""

    terms: list[Found]
    patterns: list[FoundPattern]
    signs: int


class RuleSet:
    """Immutable: a message sees exactly one rule set, named by the hash of its files.

    Attributes:
        hash: First 16 hexadecimal digits of the SHA-256 over the paths and bytes of all files.
        policy: The numbers that scores are judged by.
        rules: By name, in the order of the files; drafts are among them, though they do nothing.
        loaded_from: The folder.
        promises: What the model that scores keeps, by label and precision: the probability it holds from.
        maturity: How far its labels are trusted.
        armed: The same made ready, without drafts.
        keywords: Handed to the next rule set, which takes over what hasn't changed.
        behaviour: What its rules ask of authors' behaviour; empty where nobody need be watched.
        alarm: What must be there at least for any of that to hold.
    """

    def __init__(
        self,
        rules: Iterable[Rule],
        armed: Mapping[str, Armed],
        policy: Policy,
        *,
        content_hash: str = "",
        loaded_from: Path = Path(),
        previous: KeywordIndex | None = None,
        promises: Mapping[str, Mapping[float, float]] | None = None,
        maturity: Mapping[str, Maturity] | None = None,
    ) -> None:
        self.rules: Mapping[str, Rule] = MappingProxyType({rule.id: rule for rule in rules})
        self.policy = policy
        self.hash = content_hash
        self.loaded_from = loaded_from
        self.promises = promises or {}
        self.maturity = maturity or {}
        self.armed = armed
        self._numbered = tuple(armed.values())
        self.behaviour = tuple(
            {
                Asked.of(one.behaviour): None
                for each in self._numbered
                for one in each.rule.conditions
                if one.behaviour
            }
        )
        self.alarm = Alarm.of(self.behaviour)
        self._scoped = tuple(one for one in self._numbered if not one.everywhere)
        terms, self._owners = indexed(self._numbered)
        self.keywords = KeywordIndex.build(terms, previous)
        self._patterns = PatternIndex.build(
            ((pattern, number) for number, one in enumerate(self._numbered) for pattern in one.patterns),
            self.keywords.pieces,
        )
        self._places: dict[tuple[str, str, str, str | None], Place] = {}
        self._same: dict[tuple[tuple[int, ...], tuple[int, ...], str | None], Place] = {}
        self._policies: dict[tuple[int, ...], LabelPolicies] = {}

    def __repr__(self) -> str:
        return f"RuleSet({self.hash}, {len(self.rules)} rules)"

    def without_rules(self) -> RuleSet:
        """Return a rule set of the same policy and no rules; its hash says so."""
        return RuleSet(
            (),
            {},
            self.policy,
            content_hash=f"{self.hash}-no-rules",
            loaded_from=self.loaded_from,
            promises=self.promises,
            maturity=self.maturity,
        )

    def scan(self, message: Message) -> Evidence:
        """Return what the rules find in a message, where it was said."""
        return self.scan_all([message])[0]

    def scan_all(self, messages: Sequence[Message]) -> list[Evidence]:
        """Return what `scan` does for each of these.

        Each step goes through all of them before the next: the processor keeps what it needs for one.
        """
        places = [self.place(message) for message in messages]
        folded = [fold(message.text) for message in messages]
        looks = self._look_all(folded)
        links = [
            _links(message, look.signs) if place.links else None
            for message, place, look in zip(messages, places, looks, strict=True)
        ]
        return [
            self._evidence(place, each, look, found)
            for place, each, look, found in zip(places, folded, looks, links, strict=True)
        ]

    def place(self, message: Message) -> Place:
        """Return what holds where a message was said."""
        where = (message.tenant, message.channel, message.surface, message.lang)
        return self._places.get(where) or self._find_place(where, message)

    def place_of(self, message: Message, also: Iterable[str]) -> Place:
        """Return what holds where a message was said, with some rules acting whatever their scope."""
        named = frozenset(also)
        scopes = self._policy_scopes(message)
        languages = self.policy.spoken_in(self.policy.scopes[number] for number in scopes)
        said = said_of(message.lang, languages)
        active = [one if one.id in named or one.covers(message, said) else None for one in self._numbered]
        return Place(active, self._labels(scopes), said, languages)

    def scan_at(self, place: Place, message: Message) -> Evidence:
        """Return what `scan` would, had the message been said at this place."""
        folded = fold(message.text)
        links = find_links(message.text, message.entities)
        return self._evidence(place, folded, self._look_all([folded])[0], links)

    def joined(self, message: Message, evidence: Evidence, parts: Sequence[str]) -> Evidence:
        """Return a message's evidence with what is found in it and the author's messages before it, joined.

        Args:
            parts: The texts of successive messages, this one's the last.
        """
        place, hits = evidence.place, {}
        for start in range(len(parts) - 1):
            text = "".join(parts[start:])
            if len(text) < FEWEST_JOINED:
                break
            found = self.scan_at(place, msgspec.structs.replace(message, text=text, entities=()))
            for hit in found.hits:
                if hit.span == (0, len(text)) and place.by_id[hit.rule].joins:
                    seen = f"a word over {len(parts) - start} messages"
                    hits[hit.rule, hit.label] = Hit(hit.rule, hit.label, hit.weight, None, "joined", seen)
        if not hits:
            return evidence
        own = [*evidence.hits, *hits.values()]
        findings = Findings(own, evidence.allowed, evidence.foreign, by_link=None)
        return Evidence(evidence.folded, place, evidence.links, lambda _: findings, harmless=False)

    def _look_all(self, folded: Sequence[Folded]) -> list[_Look]:
        """Return the terms and patterns that are found in each text."""
        sifted = [self._patterns.sift(each) for each in folded]
        looks = []
        for each, (patterns, signs) in zip(folded, sifted, strict=True):
            terms = self.keywords.find(each, pieces=not self.keywords.pieces or signs & PIECE != 0)
            if signs & ALL_SIGNS:
                terms += self.keywords.find_disguised(each, signs)
            looks.append(_Look(terms, patterns, signs))
        return looks

    def _find_place(self, where: tuple[str, str, str, str | None], message: Message) -> Place:
        rules = tuple(number for number, one in enumerate(self._scoped) if one.covers(message, None))
        same = (rules, self._policy_scopes(message), message.lang)
        place = self._same.get(same)
        if place is None:
            if len(self._same) >= _MAX_LANGUAGES:
                self._same.clear()
            place = self._same[same] = self.place_of(message, ())
        if len(self._places) >= _MAX_PLACES:
            self._places.clear()
        self._places[where] = place
        return place

    def _policy_scopes(self, message: Message) -> tuple[int, ...]:
        scopes = enumerate(self.policy.scopes)
        return tuple(n for n, one in scopes if one.match.covers(message.tenant, message.channel))

    def _labels(self, scopes: tuple[int, ...]) -> LabelPolicies:
        if scopes not in self._policies:
            changes = (self.policy.scopes[number] for number in scopes)
            self._policies[scopes] = self.policy.merged(changes, self.maturity)
        return self._policies[scopes]

    def _evidence(
        self,
        place: Place,
        folded: Folded,
        look: _Look,
        links: Sequence[Link] | None,
    ) -> Evidence:
        terms, patterns = look.terms, look.patterns
        by_link = [hit for armed in place.eager for hit in armed.link_hits(links)] if links else ()
        waiting = place.patient if links else ()
        if place.waiting and (terms or patterns):
            waiting = (*waiting, *self._waiting(place.waiting, look))
        if not (terms or patterns or by_link or waiting):
            return Evidence(folded, place, links, partial(self._found, place, folded, None, (), ()))
        find = partial(self._found, place, folded, terms or None, patterns, by_link)
        weighty, owners = place.weighty, self._owners
        harmless = not (
            by_link
            or any(weighty[owners[found.owner].rule] for found in terms)
            or any(weighty[match.owner] for match in patterns)
        )
        return Evidence(folded, place, links, find, harmless=harmless, waiting=waiting)

    def _waiting(self, waiting: Sequence[Armed | None], look: _Look) -> list[Armed]:
        """Return the rules that wait for what the author did and have found terms or patterns in a text."""
        numbers = {self._owners[found.owner].rule for found in look.terms}
        numbers.update(match.owner for match in look.patterns)
        return [armed for number in sorted(numbers) if (armed := waiting[number]) is not None]

    def _found(
        self,
        place: Place,
        folded: Folded,
        terms: Sequence[Found] | None,
        patterns: Sequence[FoundPattern],
        by_link: Sequence[Hit],
        spoken: Callable[[], Spoken],
    ) -> Findings:
        if terms is None:  # what isn't worth finding by itself was passed over
            terms = self.keywords.find_all(folded)
        spans: defaultdict[int, dict[Span, int]] = defaultdict(dict)
        foreign: dict[Unheeded, None] = {}
        for owner, span, steps in locate(self._owners, place, folded, terms):
            armed = self._numbered[owner.rule]
            if owner.languages and not spoken().takes(owner.languages, surely=armed.final):
                foreign[Unheeded(armed.id, owner.languages, span)] = None
            else:  # of a term's hits at one place the least disguised counts
                spans[owner.rule][span] = min(steps, spans[owner.rule].get(span, steps))
        hits, allowed = [], []
        for number in sorted(spans):
            armed = self._numbered[number]
            if armed.spares:
                allowed.append(Allowance(armed, spans[number]))
            else:
                stands = sorted(spans[number].items())
                hits += [hit for span, steps in stands for hit in armed.hits(span, last_step(steps))]
        for match in patterns:
            if (by_pattern := place.active[match.owner]) is not None:
                hits += by_pattern.hits((match.start, match.end), by_pattern.rule.view)
        return Findings(hits, allowed, tuple(foreign), by_link)


def _links(message: Message, signs: int) -> Sequence[Link]:
    """Return the links of a message whose plain view bears these signs."""
    return find_links(message.text, message.entities) if signs & LINK or message.entities else ()
