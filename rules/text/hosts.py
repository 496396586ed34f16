"""Tells a bare host ("discord.gift") from a file name ("main.py") and the joint of two sentences."""

import re

from rules.text.letter_shapes import CAPITAL, SMALL, SMALL_CAPITALS

# Endings that are seldom anything else.
_PLAIN_ENDINGS = frozenset(
    """
    agency auction bet bid biz bond boo buzz cam cards casino center chat church cash claims click cloud
    club com community cool credit crypto cyou dating deals dev digital domains download edu email
    example exchange exposed finance fund gdn gift gifts gold gov hosting icu info int kim limo link
    links live loan loans ltd media men mil mobi mom movie net network nft ninja ngo online org page
    poker porn pro promo pub pw quest sbs cfd sex sexy shop site social software solutions space
    store stream tech technology test tips tokyo tools top trading tube vegas video vip wallet web
    webcam website wiki works xxx xyz zone ac ad ae af ag ai ao aq au aw ax az bb bd bf bg bh
    bi bj bm bn bo br bs bt bw bz ca cd cf cg ch ci ck cl cm cn co cr cv cw cx cy cz dj dk dm dz ec
    ee eg er fi fj fk fm fo fr gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hn hr ht hu ie
    io iq ir je jm jo jp ke kg kh km kn kp kr kw ky kz lb lc li lk lr ls lt lu lv ly mc mg mh mk mm mn
    mo mp mq mr mt mv mw mx mz nc nf ng nl np nr nz pf pg ph pk pn pr pt qa ro ru rw sb sc sd
    sg sj sk sl sm sn sr ss sv sx sy sz tc td tf tg th tj tk tl tm tn tr tt tv tw tz ua ug uk uy uz vc
    vg vn vu wf ws ye yt za zm zw рф укр бел срб
    """.split()  # noqa: SIM905 (a list wouldn't fit)
)

# Endings that are also words, of English or of another large language; they want company.
_WORDS = frozenset(
    """
    al am ar as at ba be by cu de do es et eu ga go id il im in is it ki la ma me mu my na ne ni no nu om
    pa pe sa se si so st su to us va ve vi art baby band bar beauty best blog care city coach day dog family
    fan farm fish fit fun game games good haus help how house life lol love market money name new news now one
    photo pics pink place plus press red rest rip rocks run sale school show skin studio style team today
    town trade wang watch win work world wtf
    """.split()  # noqa: SIM905 (a list wouldn't fit)
)

# Endings that are also suffixes of files.
_SUFFIXES = frozenset("app bat cab cc foo map md ml mov pl ps py rs sh zip".split())  # noqa: SIM905 (as above)

_ALL = _PLAIN_ENDINGS | _WORDS | _SUFFIXES

# Not of digits alone: "in 5.lol" and "at 10.in Berlin" are joints.
_CARRIES_SIGN = re.compile(r"(?=.*[^\W\d_]).*[\d-]")


def is_host(typed: str, *, has_path: bool) -> bool:
    """Return whether this dotted name, found without a scheme, is a host; upper and lower case as typed.

    A doubtful ending is believed with a path, "www." before it or, if it is a word, a
    digit, a hyphen or a third label: "free-nitro.fun", "login.steam.fun".
    """
    *names, ending = typed.split(".")
    if has_path or names[0].lower() == "www":
        return latin(ending) in _ALL
    if ending.istitle():
        return False  # "See you there.Live now": a sentence begins
    ending = latin(ending)
    if ending in _SUFFIXES:
        return False
    if ending in _WORDS:
        signs = len(names) > 1 and min(map(len, names)) > 1
        return signs or any(map(_CARRIES_SIGN.search, names))
    return ending in _PLAIN_ENDINGS


def is_ending(ending: str) -> bool:
    """Return whether there are hosts with this ending, whatever else it may be."""
    return ending.casefold() in _ALL


def is_plain_ending(ending: str) -> bool:
    """Return whether this is the ending of hosts, and neither a word nor the suffix of a file."""
    return ending.casefold() in _PLAIN_ENDINGS


def as_shown(label: str) -> str:
    """Return a label of a host as a browser shows it: punycode (RFC 3492) undone where it can be."""
    if label.startswith("xn--"):
        try:
            return label[4:].encode().decode("punycode").casefold()
        except (UnicodeError, ValueError, OverflowError):
            return label
    return label.casefold()


def latin(word: str) -> str:
    """Return a label as it looks: punycode undone, and Latin where all of it looks so."""
    word = as_shown(word)
    if word.isascii() or not any(one in SMALL_CAPITALS or (one.isascii() and one.isalpha()) for one in word):
        return word
    folded = "".join(SMALL.get(one) or CAPITAL.get(one) or one for one in word)
    return folded if folded.isascii() else word
