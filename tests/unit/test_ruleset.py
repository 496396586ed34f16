"""What a scan finds, where, and for whom: terms, lists, expressions, links, scopes."""

import pytest

from rules.message import Entity, EntityType, Surface
from rules.reputation import Reputation
from rules.ruleset import RuleSet
from tests.rule_folders import judged, loaded, said


def found(rules: RuleSet, text: str, **fields: object) -> list[tuple[str, str | None]]:
    """Return the rules that found something, each with the typed text."""
    message = said(text, **fields)
    hits = rules.scan(message).hits
    return [(hit.rule, text[slice(*hit.span)] if hit.span else None) for hit in hits]


def one_rule(keys: str, **lists: str) -> RuleSet:
    """Return a rule set of one weak scam rule with these keys."""
    return loaded(f"- {{id: scam/a, label: scam, strength: weak, {keys}}}", **lists)


def test_a_span_points_at_what_was_typed() -> None:
    """Not at its folded spelling: moderators see what the author wrote."""
    rules = one_rule("terms: [free nitro]")
    assert found(rules, "get ＦＲＥＥ Nitro!") == [("scam/a", "ＦＲＥＥ Nitro")]


def test_a_clean_message_leaves_nothing_but_its_plain_view() -> None:
    """Most messages are clean."""
    evidence = one_rule("terms: [free nitro]").scan(said("Hello THERE"))
    assert list(evidence.hits) == []
    assert evidence.folded.text == "hello there"


@pytest.mark.parametrize("term", ["me up", "*hit", "*uck*", "a/n", "中出"])
def test_what_no_longer_word_tells_of_is_found_too(term: str) -> None:
    """However many spaces there are, in ASCII and beside other letters."""
    rules = one_rule(f'terms: ["{term}"]')
    text = term.strip("*").replace(" ", "   ")
    for before in ("x", "é"):
        assert not rules.scan(said(f"{before} {text} y")).harmless
        assert found(rules, f"{before} {text} y") == [("scam/a", text)]
    assert rules.scan(said("nothing of the kind")).harmless


def test_parts_of_a_term_stand_in_any_order_near_each_other() -> None:
    """`A & B ~ C` within some words; a C that is farther away doesn't count either."""
    rules = one_rule('terms: ["free & nitro ~ cold brew"], within: 5 words')
    assert found(rules, "NITRO for everybody is free") == [("scam/a", "NITRO for everybody is free")]
    assert found(rules, "nitro one two three four five six free") == []
    assert found(rules, "nitro cold brew is free") == []
    assert found(rules, "free nitro! one two three four five six, a cold brew") == [("scam/a", "free nitro")]


def test_without_a_distance_the_parts_may_stand_anywhere() -> None:
    """The whole message is the distance then."""
    rules = one_rule('terms: ["free & nitro ~ cold brew"]')
    assert len(found(rules, "free " + "word " * 50 + "nitro")) == 1
    assert found(rules, "cold brew " + "word " * 50 + "free nitro") == []


def test_each_place_where_the_parts_stand_together_is_a_hit() -> None:
    """So that each can be starred out."""
    rules = one_rule("terms: [buy & gold], within: 3 words")
    text = "buy gold now and, as I said, gold is what you should buy"
    assert found(rules, text) == [("scam/a", "buy gold")]
    assert found(rules, "buy gold. more words in between. gold: buy") == [
        ("scam/a", "buy gold"), ("scam/a", "gold: buy"),
    ]  # fmt: skip


def test_a_term_of_two_rules_is_a_hit_of_both() -> None:
    """Rules don't steal from each other."""
    rules = loaded("""
        - {id: scam/a, label: scam, strength: weak, terms: [gift card]}
        - {id: spam/b, label: spam, strength: weak, terms: [gift card]}
    """)
    assert [rule for rule, _ in found(rules, "gift card")] == ["scam/a", "spam/b"]


def test_an_expression_sees_the_view_that_it_asks_for() -> None:
    """The plain view ignores case and width; the typed one shows what was written."""
    assert found(one_rule(r"regex: 'fr[e3]{2} nitro'"), "FR33 Nitro") == [("scam/a", "FR33 Nitro")]
    typed = one_rule(r"regex: 'A{3,}', view: typed")
    assert found(typed, "éé AAAA aaaa") == [("scam/a", "AAAA")]


def test_domains_match_with_their_subdomains_and_defanged() -> None:
    """From a list or in place; file names are not links."""
    rules = one_rule("domains: [lists/bad.txt, evil.example]", bad="dlscord.gift\n")
    assert found(rules, "hxxps://dlscord[.]gift/x") == [("scam/a", "hxxps://dlscord[.]gift/x")]
    assert [text for _, text in found(rules, "go to login.evil.example now")] == ["login.evil.example"]
    assert found(rules, "see main.py, notevil.example and evil.example.org") == []


def test_links_elsewhere_are_hits_and_ours_are_not() -> None:
    """The allow-list of a channel: a host with its subdomains, or a host with a path."""
    rules = one_rule("links: {except: [ourgame.example, video.example/@ourgame]}")
    assert found(rules, "www.ourgame.example, shop.example/sale") == [("scam/a", "shop.example/sale")]
    assert found(rules, "https://video.example/@ourgame/1, main.py") == []
    assert len(found(rules, "https://video.example/@other")) == 1


def test_links_only_to_some_hosts_are_hits_where_no_other_link_is() -> None:
    """One foreign link is enough for the rule to stay silent."""
    rules = one_rule("links: {only: [ourgame.example]}")
    assert len(found(rules, "https://ourgame.example https://www.ourgame.example/x")) == 2
    assert found(rules, "https://ourgame.example https://shop.example") == []


@pytest.mark.parametrize(
    ("scope", "fields", "acts"),
    [
        ("channels: ['kids-*']", {"channel": "kids-1"}, True),
        ("channels: ['kids-*', main]", {"channel": "main"}, True),
        ("channels: ['kids-*']", {"channel": "Kids-1"}, False),
        ("tenants: [acme], channels: ['kids-*']", {"channel": "kids-1"}, False),
        ("tenants: [acme], channels: ['kids-*']", {"tenant": "acme", "channel": "kids-1"}, True),
        ("surfaces: [name, bio]", {"surface": Surface.BIO}, True),
        ("surfaces: [name, bio]", {}, False),
        ("languages: [de, es]", {"lang": "es"}, True),
        ("languages: [de, es]", {"lang": "en"}, False),
    ],
)
def test_a_rule_acts_inside_its_scope_only(scope: str, fields: dict[str, object], acts: bool) -> None:
    """Tenants and channels are globs; everything that is named has to fit."""
    rules = one_rule(f"terms: [gift card], scope: {{{scope}}}")
    assert bool(found(rules, "gift card", **fields)) is acts


def test_a_link_that_the_platform_marked_is_a_link() -> None:
    """Also where the text doesn't show its target, which is then on nobody's list."""
    rules = one_rule("links: {except: [ourgame.example]}")
    marked = (Entity(EntityType.LINK, (0, 4)),)
    assert found(rules, "here", entities=marked) == [("scam/a", "here")]


def test_a_scan_finds_the_same_twice_and_changes_nothing() -> None:
    """A rule set is immutable; whoever holds it sees one set of rules."""
    rules = one_rule("terms: [gift card], regex: 'code'")
    message = said("gift card code")
    assert rules.scan(message).hits == rules.scan(message).hits
    with pytest.raises(TypeError):
        rules.rules["scam/b"] = rules.rules["scam/a"]  # type: ignore[index]


def test_thousands_of_allowed_words_take_no_quadratic_time() -> None:
    """Twenty thousand code points of traps are looked at in linear time."""
    rules = loaded("""
        - {id: profanity/a, label: profanity, strength: weak, terms: ["*cunt*"]}
        - {id: allow/names, allow: [Scunthorpe], spares: [profanity/a]}
    """)
    evidence = rules.scan(said("Scunthorpe " * 1800))
    assert len(evidence.hits) == 1800
    assert all(evidence.allowed[0].holds(hit.span) for hit in evidence.hits if hit.span)


def test_what_rules_make_of_links_comes_in_their_order_with_conditions_or_without() -> None:
    """And behind it what joined messages say, of the same rules too."""
    rules = loaded("""
    - {id: a/one, tags: [one], links: {kind: [full]}, author: {messages: "< 5"}}
    - {id: a/two, tags: [two], links: {kind: [full]}}
    - {id: a/three, tags: [three], links: {kind: [full]}, terms: [prize], author: {messages: "< 5"}}
    """)
    message = said("https://x.example/a")
    evidence = rules.scan(message)
    assert [hit.rule for hit in evidence.hits] == ["a/one", "a/two", "a/three"]
    assert judged(rules, message, reputation=Reputation(messages=1)).tags == ("one", "two", "three")
    assert judged(rules, message, reputation=Reputation(messages=9)).tags == ("two",)
    joined = rules.joined(message, evidence, ["pri", "ze"])
    assert [(hit.rule, hit.view) for hit in joined.hits][2:] == [("a/three", "typed"), ("a/three", "joined")]
