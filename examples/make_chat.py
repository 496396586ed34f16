"""Writes chat.jsonl: ninety seconds of a lively community, the same byte for byte on each run."""

import argparse
import base64
import heapq
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain, count
from pathlib import Path
from random import Random

import chat_script as script
from chat_oddities import oddities
from chat_people import BEGIN, People, Person
from chat_script import Dialogue, Filler, Place, Room, Turn

HERE = Path(__file__).parent
LENGTH_S = 86.0
SEED = 20261122

RAID_S = (35.0, 53.0)
RAIDERS = 60
RAID_HOST = "riot-den.example"
SLOW_MODE = "slow mode is on for new accounts, thanks for the reports everyone :lamp:"

# When (seconds), in which mood and how fast (messages a second) the stream's crowd shouts.
MOODS = [
    (0, 18, "calm", 2.5),
    (18, 30, "tense", 6.0),
    (30, 50, "calm", 2.5),
    (50, 64, "tense", 6.0),
    (64, 70, "hype", 16.0),
    (70, 76, "gg", 15.0),
    (76, 86, "calm", 3.0),
]
STREAM = Place("lantern-live", "en")

_ENTITIES = {
    "emote": re.compile(r"(?<!\w):[A-Za-z]+:"),
    "link": re.compile(r"h(?:tt|xx)ps?://\S+"),
    "code": re.compile(r"`[^`]+`"),
    "quote": re.compile(r"^> .*$", re.MULTILINE),
}
# Characters that a reader of the file couldn't see, or that would turn its lines around.
_UNSEEN = re.compile("[\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")


@dataclass(eq=False)
class Said:
    """A message, an edit or a deletion before it has an id.

    Attributes:
        who: None where the platform doesn't tell.
        original: The message that is edited or deleted; None for a new one, or a lost one.
        mentions: Who is named with an @.
    """

    at: float
    who: Person | None
    place: Place
    scene: str
    text: str
    kind: str = "created"
    original: "Said | None" = None
    reply_to: "Said | None" = None
    mentions: list[Person] = field(default_factory=list)
    images: list[dict[str, str]] = field(default_factory=list)
    id: str = ""


class Stage:
    """Plays scripts on a clock and keeps what was said."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.people = People(rng)
        self.slots = script.slots()
        self.said: list[Said] = []

    def play(self, dialogue: Dialogue, start: float) -> float:
        """Play a dialogue; return when it ends, in seconds from the start of the chat."""
        roles = sorted({turn.role for turn in dialogue.turns} | set(_named(dialogue)))
        parts = self.people.speakers(roles, dialogue.place.lang, start)
        filler = Filler(self.slots, self.rng, {role: person.name for role, person in parts.items()})
        now = start
        spoken: list[tuple[str, Said]] = []
        for turn in dialogue.turns:
            now += self._pause(turn)
            spoken.append((turn.role, self._speak(turn, now, dialogue.place, parts, filler, spoken)))
        self.said.extend(said for _, said in spoken)
        self.people.occupy(parts, now)
        return now

    def crowd(self) -> None:
        """Let the stream's chat shout along with what is on screen."""
        lines = script.crowd_lines()
        company = [*chain.from_iterable(self.people.by_lang.values()), *self.people.viewers]
        for begin, end, mood, rate in MOODS:
            deck: list[str] = []
            for at in _moments(self.rng, begin, end, rate):
                if not deck:
                    deck = self.rng.sample(lines[mood], len(lines[mood]))
                command = self.rng.random() < 0.03
                self._shout(at, self.rng.choice(lines["commands"]) if command else deck.pop(), mood, company)

    def raid(self) -> None:
        """Let fresh accounts paste nearly the same thing within a few seconds, until a moderator answers."""
        begin, end = RAID_S
        place = Place("general", "en")
        forms = script.raid_forms()
        for _ in range(RAIDERS):
            tail = self.rng.choice(["", "!!", "now", "🔥", "🔥🔥", "lol", "before it closes"])
            words = {"{host}": RAID_HOST, "{n}": str(self.rng.randint(1, 9)), "{tail}": tail}
            text = re.sub(r"\{\w+\}", lambda m, words=words: words[m[0]], self.rng.choice(forms)).strip()
            at = self.rng.triangular(begin, end, begin + 5)
            self._add(at, self.people.stranger(), place, "bad:raid", text)
        keeper = next(person for person in self.people.by_lang["en"] if "moderator" in person.roles)
        self._add(end + 1.5, keeper, place, "small-talk", SLOW_MODE)

    def _shout(self, at: float, line: str, mood: str, company: list[Person]) -> None:
        line, _, answer = line.partition(" => ")
        filler = Filler(self.slots, self.rng, {})
        text = filler.fill(line)
        wall = len(_ENTITIES["emote"].findall(text)) > 3 or text.count("🏮") > 3
        scene = "trap:gg-wave" if mood == "gg" else "trap:emote-wall" if wall else "small-talk"
        self._add(at, self.rng.choice(company), STREAM, "bot" if answer else scene, text)
        if answer:
            self._add(at + 0.3, self.people.bot, STREAM, "bot", filler.fill(answer))

    def _add(self, at: float, who: Person, place: Place, scene: str, text: str) -> None:
        self.said.append(Said(at, who, place, scene, text))

    def _speak(
        self,
        turn: Turn,
        now: float,
        place: Place,
        parts: dict[str, Person],
        filler: Filler,
        spoken: list[tuple[str, Said]],
    ) -> Said:
        if turn.deed == "delete-unknown":
            return Said(now, None, place, turn.scene, "", "deleted")
        who = parts[turn.role]
        if turn.deed in ("edit", "delete"):
            last = next(said for role, said in reversed(spoken) if role == turn.role)
            kind = "edited" if turn.deed == "edit" else "deleted"
            return Said(now, who, place, turn.scene, filler.fill(turn.text), kind, last.original or last)
        said = Said(now, who, place, turn.scene, filler.fill(turn.text))
        said.mentions = [person for role, person in parts.items() if "{@" + role + "}" in turn.text]
        if turn.deed == "image":
            said.images = [self._image()]
        if spoken and spoken[-1][0] != turn.role and self.rng.random() < 0.2:
            said.reply_to = spoken[-1][1].original or spoken[-1][1]
        return said

    def _pause(self, turn: Turn) -> float:
        """Return seconds of thinking and typing; a bot does neither."""
        if turn.role == "T":
            return 0.3
        return 0.3 + 0.015 * min(len(turn.text), 90) + self.rng.expovariate(2.2)

    def _image(self) -> dict[str, str]:
        number = self.rng.getrandbits(256)
        url = f"https://media.lanternbay.example/i/{number % 100_000:05}.webp"
        return {"type": "image", "url": url, "sha256": f"{number:064x}"}


def perform(seed: int = SEED) -> list[Said]:
    """Return everything that is said, by time."""
    stage = Stage(Random(seed))
    rooms = script.small_talk("general.txt", "fps.txt", "kids.txt", "clubs.txt", "europe.txt", "world.txt")
    homes = {room.place.channel: room.place for room in rooms}
    scenes = script.scenes("traps.txt", "troubles.txt", homes=homes)
    _evening(stage, rooms, scenes)
    stage.raid()
    stage.crowd()
    return sorted(stage.said, key=lambda said: said.at)


def _evening(stage: Stage, rooms: list[Room], scenes: list[Dialogue]) -> None:
    """Play the scenes at their times, and in each lane of each room one conversation after the other."""
    order = count()  # breaks ties of time, so that the heap never compares what it holds
    queue: list[tuple[float, int, Dialogue | Room]] = []
    for at, what in chain(_spread(scenes, stage.rng), _openings(rooms, stage.rng)):
        heapq.heappush(queue, (at, next(order), what))
    decks: dict[Room, list[Dialogue]] = {room: [] for room in rooms}
    while queue:
        now, _, what = heapq.heappop(queue)
        if isinstance(what, Dialogue):
            stage.play(what, now)
        elif now < LENGTH_S - 2:
            decks[what] = decks[what] or stage.rng.sample(what.dialogues, len(what.dialogues))
            breath = what.rest_s + stage.rng.uniform(0.2, 1.0)
            heapq.heappush(queue, (stage.play(decks[what].pop(), now) + breath, next(order), what))


def _spread(scenes: list[Dialogue], rng: Random) -> Iterator[tuple[float, Dialogue]]:
    """Yield the scenes evenly over the chat, in random order; a scene's plays fall into different thirds."""
    thirds: list[list[Dialogue]] = [[], [], []]
    for number, dialogue in enumerate(scenes):
        for play in range(dialogue.times):
            thirds[(number + play) % 3].append(dialogue)
    plays = [dialogue for third in thirds for dialogue in rng.sample(third, len(third))]
    for number, dialogue in enumerate(plays):
        yield 1.5 + (LENGTH_S - 8) * number / len(plays), dialogue


def _openings(rooms: list[Room], rng: Random) -> Iterator[tuple[float, Room]]:
    for room in rooms:
        for _ in range(room.lanes):
            yield rng.uniform(0, 2), room


def _named(dialogue: Dialogue) -> list[str]:
    """Return the roles that somebody names; they need a person even if they never speak."""
    return re.findall(r"\{@?([A-Z])\}", "".join(turn.text for turn in dialogue.turns))


def _moments(rng: Random, begin: float, end: float, rate: float) -> Iterator[float]:
    at = begin + rng.expovariate(rate)
    while at < end:
        yield at
        at += rng.expovariate(rate)


def records(seed: int = SEED) -> list[dict[str, object]]:
    """Return the records in the order and form in which chat.jsonl holds them."""
    said = perform(seed)
    for number, one in enumerate(said, 1):
        lost = one.kind == "deleted" and one.original is None
        one.id = one.original.id if one.original else f"m{number + 40_000 * lost:05}"
    lines = [_record(one) for one in said]
    strange = oddities()
    for number, oddity in enumerate(strange):
        at = round(4 + (LENGTH_S - 8) * number / len(strange), 3)
        raw = base64.b64encode(oddity.raw.replace(b'"x1"', f'"x{100 + number}"'.encode())).decode()
        lines.append({"at": at, "key": oddity.key, "scene": oddity.scene, "raw": raw})
    return sorted(lines, key=lambda line: line["at"])


def _record(said: Said) -> dict[str, object]:
    """Return the record of a message; fields that have no value are left out."""
    place = said.place
    at = round(said.at, 3)
    sent_at = BEGIN + timedelta(milliseconds=round(at * 1000))
    value = {
        "id": said.id,
        "author": said.who and said.who.as_json(),
        "text": said.text if said.kind != "deleted" else None,
        "tenant": place.tenant,
        "platform": place.platform,
        "channel": place.channel,
        "surface": place.surface if place.surface != "chat" else None,
        "kind": said.kind if said.kind != "created" else None,
        "sent_at": sent_at.isoformat("T", "milliseconds").replace("+00:00", "Z"),
        "lang": place.lang if place.platform == "guild" else None,
        "reply_to": said.reply_to and said.reply_to.id,
        "mentions": [person.id for person in said.mentions],
        "entities": _entities(said),
        "attachments": said.images,
        "scene": said.scene,
    }
    key = f"{place.tenant}/{place.platform}/{said.who.id}" if said.who else None
    kept = {name: field for name, field in value.items() if field not in (None, [])}
    return {"at": at, "key": key, "value": kept}


def _entities(said: Said) -> list[dict[str, object]]:
    """Return what a platform would mark, with half-open spans in code points, by position."""
    spans = [(m.span(), name) for name, pattern in _ENTITIES.items() for m in pattern.finditer(said.text)]
    for person in said.mentions:
        begin = said.text.index("@" + person.name)
        spans.append(((begin, begin + 1 + len(person.name)), "mention"))
    return [{"type": name, "span": list(span)} for span, name in sorted(spans)]


def encoded(lines: list[dict[str, object]]) -> bytes:
    """Return JSON Lines in UTF-8; what the eye can't see is written as an escape."""
    text = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)
    return _UNSEEN.sub(lambda m: f"\\u{ord(m[0]):04x}", text).encode()


def main() -> None:
    """Write the chat beside this script, or where the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE / "chat.jsonl")
    out = parser.parse_args().out
    lines = records()
    out.write_bytes(encoded(lines))
    print(f"{out.name}: {len(lines)} records, {out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
