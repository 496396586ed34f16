"""Reads the scripts under lines/: who may speak, what is said, and what the slots may become."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

LINES = Path(__file__).parent / "lines"

_TURN = re.compile(r"([A-Z])(?: (edit|delete-unknown|delete|image))?(?: \(([^)]+)\))?: ?(.*)")
_HOLE = re.compile(r"\{(\d+)-(\d+)\}|\{(@?)([^}.]+)(?:\.(\d))?\}|\[([^][]*\|[^][]*)\]")
_ESCAPE = re.compile(r"\\u([0-9a-f]{4})|\\n")


@dataclass(frozen=True)
class Place:
    """Where something is said."""

    channel: str
    lang: str
    tenant: str = "lanternbay"
    surface: str = "chat"

    @property
    def platform(self) -> str:
        """The stream's chat is another platform than the community's rooms."""
        return "live" if self.channel == "lantern-live" else "guild"


@dataclass(frozen=True)
class Turn:
    """One line of a script.

    Attributes:
        role: X to Z strangers, R the relay, T the bot, any other letter a regular.
        deed: "say", "edit" (the role's last message), "delete", "delete-unknown" or "image".
        scene: The scene that this line belongs to.
    """

    role: str
    deed: str
    scene: str
    text: str


@dataclass(frozen=True)
class Dialogue:
    """Turns that belong together, and how many times they are a scene is played."""

    place: Place
    turns: tuple[Turn, ...]
    times: int = 1


@dataclass(eq=False)
class Room:
    """A place where people talk all evening.

    Attributes:
        lanes: How many conversations run there at once.
        rest_s: Seconds of silence between two of them, beside the usual breath.
    """

    place: Place
    lanes: int
    rest_s: float
    dialogues: list[Dialogue] = field(default_factory=list)


@dataclass
class Filler:
    """Fills the holes of a text: {food}, {food.2}, {@A}, {3-9}, [this|that].

    A slot keeps its value within a dialogue; `names` are the speakers by role.
    """

    slots: dict[str, list[str]]
    rng: Random
    names: dict[str, str]
    bound: dict[tuple[str, str], str] = field(default_factory=dict)

    def fill(self, text: str) -> str:
        """Return the text as it will be typed."""
        filled = _HOLE.sub(self._hole, text)
        while filled != text:
            text, filled = filled, _HOLE.sub(self._hole, filled)
        return _ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else "\n", filled)

    def _hole(self, found: re.Match[str]) -> str:
        low, high, at, name, number, choices = found.groups()
        if low:
            return str(self.rng.randint(int(low), int(high)))
        if choices:
            return self.rng.choice(choices.split("|"))
        if len(name) == 1 and name.isupper():
            return at + self.names[name]
        return self._slot(name, number or "1")

    def _slot(self, name: str, number: str) -> str:
        if (name, number) not in self.bound:
            taken = {value for (other, _), value in self.bound.items() if other == name}
            free = [value for value in self.slots[name] if value not in taken]
            self.bound[name, number] = self.rng.choice(free)
        return self.bound[name, number]


def slots() -> dict[str, list[str]]:
    """Return the choices of each slot."""
    return {name: choices.split(" | ") for name, choices in _pairs("slots.txt")}


def cast() -> dict[str, list[str]]:
    """Return the regulars' names by language, with their marks (* + -) still on."""
    return {lang: names.split(", ") for lang, names in _pairs("cast.txt")}


def small_talk(*files: str) -> list[Room]:
    """Return the rooms with all that is said there on an ordinary evening."""
    rooms: list[Room] = []
    for block in _blocks(files):
        if block[0].startswith("@ "):
            channel, lang, *rest = block[0][2:].split()
            options = dict(option.split("=") for option in rest)
            place = Place(channel, lang, options.get("tenant", "lanternbay"))
            rooms.append(Room(place, int(options["lanes"]), float(options.get("rest", 0))))
        else:
            turns = tuple(_turn(line, "small-talk") for line in block)
            rooms[-1].dialogues.append(Dialogue(rooms[-1].place, turns))
    return rooms


def scenes(*files: str, homes: dict[str, Place]) -> list[Dialogue]:
    """Return the scripted scenes; `homes` tells which tenant a channel belongs to."""
    found = []
    for head, *lines in _blocks(files):
        scene, channel, lang, *rest = head.removeprefix("== ").split()
        home = homes.get(channel[1:], Place(channel[1:], lang))
        surface = next((option[8:] for option in rest if option.startswith("surface=")), "chat")
        times = next((int(option[1:]) for option in rest if re.fullmatch(r"x\d", option)), 1)
        place = replace(home, lang=lang, surface=surface)
        found.append(Dialogue(place, tuple(_turn(line, scene) for line in lines), times))
    return found


def raid_forms() -> list[str]:
    """Return the forms of what raiders paste."""
    return list(_lines("raid.txt"))


def crowd_lines() -> dict[str, list[str]]:
    """Return what the stream's crowd shouts, by mood."""
    moods: dict[str, list[str]] = {}
    for line in _lines("stream.txt"):
        if line.startswith("[") and line.endswith("]"):
            moods[line[1:-1]] = shouts = []
        else:
            shouts.append(line)
    return moods


def _turn(line: str, scene: str) -> Turn:
    """Read "A edit (scene): text"; in a bad scene only strangers and the relay are bad."""
    found = _TURN.fullmatch(line)
    if found is None:
        raise ValueError(f"not a turn: {line!r}")
    role, deed, own, text = found.groups()
    if scene.startswith(("bad:", "hard:", "evasion:")) and role not in "XYZ":
        scene = "small-talk"
    return Turn(role, deed or "say", own or scene, text)


def _pairs(file: str) -> Iterator[tuple[str, str]]:
    for line in _lines(file):
        name, _, value = line.partition(": ")
        yield name, value


def _lines(file: str) -> Iterator[str]:
    for line in (LINES / file).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("# "):
            yield line


def _blocks(files: tuple[str, ...]) -> Iterator[list[str]]:
    """Yield the runs of lines between blank lines, a header "@ …" alone."""
    for file in files:
        for block in (LINES / file).read_text(encoding="utf-8").split("\n\n"):
            lines = [line for line in block.splitlines() if line and not line.startswith("# ")]
            if lines and lines[0].startswith("@ "):
                yield lines[:1]
                lines = lines[1:]
            if lines:
                yield lines
