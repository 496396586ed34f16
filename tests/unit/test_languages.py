"""Which lists and rules act in which language: as the platform says, the channel, or the text itself."""

from textwrap import dedent

import pytest

from rules.explain import explain
from rules.finding.behaviour import QUIET
from rules.message import Message
from rules.ruleset import RuleSet
from rules.text import language
from rules.verdict import Silent
from tests.rule_folders import NOW, POLICY, judged, loaded, problems, said

SPANISH = """
    # lang: es
    puta
    coger
"""
LONG = "no quiero saber nada más de esa puta historia, que todo el mundo cuenta en la calle"
ENGLISH = "they were going to coger with the puta in the middle of the street last night"


def lists(*, policy: str = "", keys: str = "strength: strong", spanish: str = SPANISH) -> RuleSet:
    """Return a rule set of one list, Spanish unless it says otherwise."""
    rule = f"- {{id: profanity/es, label: profanity, list: lists/es.txt, {keys}}}"
    return loaded(rule, policy=dedent(POLICY) + dedent(policy), es=spanish)


def words(rules: RuleSet, text: str, **fields: object) -> list[str]:
    """Return what was found and counts."""
    message = said(text, **fields)
    return [text[slice(*hit.span)] for hit in rules.scan(message).hits if hit.span]


def fires(rules: RuleSet, message: Message) -> bool:
    """Return whether the rules have anything to say."""
    return bool(judged(rules, message).reasons)


def test_a_list_acts_on_messages_in_its_language() -> None:
    """As the platform says it: what is a word here is none there."""
    assert words(lists(), "puta", lang="es") == ["puta"]
    assert words(lists(), "puta", lang="pl") == []


def test_every_list_acts_where_nobody_knows_the_language() -> None:
    """Two words tell no language, and silence would be the bigger mistake."""
    assert words(lists(), "puta coger") == ["puta", "coger"]


def test_a_list_without_a_language_and_one_for_anywhere_act_on_all() -> None:
    """`und` is what Unicode calls no language."""
    for header in ("", "# lang: und\n", "# lang: es\n# anywhere: true\n"):
        assert words(lists(spanish=f"{header}puta\n"), "puta", lang="pl") == ["puta"]
    assert words(lists(spanish="# lang: es\n# anywhere: false\nputa\n"), "puta", lang="pl") == []
    assert words(lists(spanish="# lang: es, pt\nputa\n"), "puta", lang="pt") == ["puta"]


def test_a_header_stands_in_front_of_the_first_word() -> None:
    """Further down it is a remark like any other."""
    assert words(lists(spanish="puta\n# lang: es\n"), "puta", lang="pl") == ["puta"]


def test_a_text_that_is_long_enough_says_itself_in_which_language_it_is() -> None:
    """A list is silent in a sentence of another language."""
    assert words(lists(), LONG) == ["puta"]
    assert words(lists(), ENGLISH) == []


def test_the_language_of_a_channel_is_that_of_its_messages() -> None:
    """Whatever the text looks like; what the platform says of the message goes before."""
    rules = lists(policy="scopes: [{match: {channels: [es-*]}, languages: [es]}]\n")
    assert words(rules, ENGLISH, channel="es-1") == ["coger", "puta"]
    assert words(rules, ENGLISH, channel="es-1", lang="en") == []
    assert words(rules, ENGLISH, channel="main") == []


def test_in_a_channel_of_several_languages_their_lists_act_unless_the_text_is_in_one() -> None:
    """A text in none of them is nobody's: the lists of the channel act."""
    rules = lists(policy="languages: [es, en]\n")
    assert words(rules, "puta") == ["puta"]
    assert words(rules, LONG) == ["puta"]
    assert words(rules, ENGLISH) == []
    german = "ich weiß nicht was das Wort puta heißt, aber alle sagen es hier auf der Straße"
    assert words(rules, german) == ["puta"]
    assert words(lists(policy="languages: [de, en]\n"), "puta") == []


def test_of_two_scopes_the_later_one_says_the_languages() -> None:
    """As with ladders; a scope that doesn't speak of languages leaves them."""
    rules = lists(
        policy="""
            languages: [en]
            scopes:
              - {match: {tenants: [acme]}, languages: [de]}
              - {match: {channels: [latin]}, languages: [es]}
              - {match: {channels: [latin]}, labels: {profanity: {ladder: {flag: 10}}}}
        """
    )
    assert words(rules, "puta", tenant="acme") == []
    assert words(rules, "puta", tenant="acme", channel="latin") == ["puta"]
    assert words(rules, "puta") == []


def test_a_guess_silences_no_final_rule() -> None:
    """What the platform says does: a list is of its language. But a guess may be wrong."""
    rules = lists(keys="action: remove, final: true")
    assert words(rules, ENGLISH) == ["coger", "puta"]
    assert words(rules, ENGLISH, lang="en") == []


def test_a_guess_silences_no_list_of_a_language_that_is_never_guessed() -> None:
    """Nobody would ever hear of it."""
    assert not language.can_guess("tlh")
    assert words(lists(spanish="# lang: tlh\nputa\n"), ENGLISH) == ["puta"]


def test_a_term_of_several_parts_belongs_to_the_language_of_its_list() -> None:
    """Each of its parts does."""
    rules = lists(spanish="# lang: es\nputa & calle\n")
    assert words(rules, "la puta calle", lang="es") == ["puta calle"]
    assert words(rules, "la puta calle", lang="pl") == []


def test_a_rule_with_languages_acts_where_the_message_is_taken_to_be_in_one() -> None:
    """What isn't known doesn't convict."""
    rules = loaded("- {id: scam/a, label: scam, strength: strong, terms: [puta], scope: {languages: [es]}}")
    assert fires(rules, said("puta", lang="es"))
    assert fires(rules, said(LONG))
    assert not fires(rules, said("puta"))
    assert not fires(rules, said(ENGLISH))
    assert not fires(rules, said("puta", lang="en"))


def test_a_condition_on_the_language_takes_a_guess_too() -> None:
    """Where nobody says it, and the text is long enough."""
    rules = loaded(
        "- {id: spam/a, label: spam, strength: strong, terms: [puta], none: [{language: [en]}]}",
    )
    assert fires(rules, said(LONG))
    assert not fires(rules, said(ENGLISH))
    assert not fires(rules, said("puta"))


def test_the_language_is_asked_only_where_something_depends_on_it() -> None:
    """A guess takes longer than everything else that is done to a message."""
    plain = loaded("- {id: scam/a, label: scam, strength: weak, terms: [street]}")
    for rules, text in ((lists(), "a nice day in the middle of the street"), (plain, ENGLISH)):
        evidence = rules.scan(said(text))
        assert (len(evidence.hits), evidence._spoken) == (int(rules is plain), None)


def test_who_asks_why_is_told_which_words_did_not_count() -> None:
    """And why not: the language was said, guessed, or isn't one of the channel's."""
    rules = lists(policy="scopes: [{match: {channels: [north]}, languages: [de, pl]}]\n")

    def told(text: str, **fields: str) -> list[str]:
        message = said(text, **fields)
        found = explain(message, rules.scan(message), rules, scores=None, reputation=None, now=NOW).foreign
        assert {(one.rule, one.languages) for one in found} == {("profanity/es", ("es",))}
        return [f"{one.matched}: {one.why}" for one in found]

    assert told("puta", lang="pl") == ["puta: the message is in pl"]
    assert told(ENGLISH)[1] == "puta: the message seems to be in en"
    assert told("puta", channel="north") == ["puta: the channel's languages are de, pl"]


def test_a_verdict_names_the_rules_that_its_language_kept_silent() -> None:
    """Each once, with the reason; where nothing of another language stands there is nothing to say."""
    rules = lists()
    (silent,) = judged(rules, said("puta coger puta", lang="pl")).silent
    assert silent == Silent("profanity/es", ("es",), "the message is in pl")
    assert judged(rules, said("puta", lang="es")).silent == ()
    assert judged(rules, said("nothing of it", lang="pl")).silent == ()


def test_it_does_so_too_where_the_rule_waits_for_what_the_author_did() -> None:
    """And nobody has done that."""
    rules = lists(keys='action: hold, behaviour: {messages: "> 9", within: 10s}')
    (silent,) = judged(rules, said("puta", lang="pl"), seen=QUIET).silent
    assert silent.rule == "profanity/es"


def test_links_and_names_do_not_tell_a_language() -> None:
    """They are the same in all."""
    assert language.guess("https://www.the-best-of-the-world.example/where/are/you/my/friends") is None
    assert language.guess("see you tomorrow at the station, where we always meet") == "en"


@pytest.mark.parametrize(
    ("header", "complaint"),
    [
        ("# lang: Spanish", 'lists/es.txt:1: lang: write codes such as en or en, de, not "Spanish"'),
        (
            "# lang: es\n# anywhere: maybe",
            'lists/es.txt:2: anywhere: expected true or false, got "maybe"',
        ),
        ("# lang: fr\n# inflect: true", "inflect: endings are known for lang: ar, de, es, fi, ko, ru, tr"),
        ("# inflect: true", "inflect: endings are known for lang: ar, de, es, fi, ko, ru, tr"),
        ("# lang: es\n# inflect: yes", 'lists/es.txt:2: inflect: expected true or false, got "yes"'),
    ],
)
def test_a_header_that_makes_no_sense_is_named_with_its_line(header: str, complaint: str) -> None:
    """A list that acts nowhere would go unnoticed."""
    rule = "- {id: profanity/es, label: profanity, strength: weak, list: lists/es.txt}"
    (problem,) = problems(rule, es=f"{header}\nputa\n")
    assert complaint in problem


@pytest.mark.parametrize(
    ("policy", "complaint"),
    [
        ("languages: [Spanish]", 'languages: write codes such as en, de or pt, not "Spanish"'),
        ("scopes: [{match: {channels: [a]}, languages: [sp4]}]", 'en, de or pt, not "sp4"'),
        ("scopes: [{match: {channels: [a]}}]", "scopes: changes nothing; write labels or languages"),
    ],
)
def test_a_policy_names_languages_by_their_codes(policy: str, complaint: str) -> None:
    """A channel of no language would be one where nothing is found."""
    (problem,) = problems("- {id: spam/a, label: spam, strength: weak, terms: [x1]}", policy=policy)
    assert complaint in problem
