"""Who lives in town: regulars, viewers, a bot and a relay, and strangers whenever one is needed."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

import chat_script as script

# When the chat begins.
BEGIN = datetime(2026, 11, 22, 18, tzinfo=UTC)

FIRST_HALVES = ["viper", "real", "mister", "dark", "lucky", "ana", "max", "pixel", "neo", "zoe"]
LAST_HALVES = ["wolf", "bay", "gamer", "star", "fox", "kid", "rider", "moon", "x", "tea"]


@dataclass(frozen=True)
class Person:
    """An account; `created_at` is None where the platform doesn't say."""

    id: str
    name: str
    created_at: datetime | None
    roles: tuple[str, ...] = ()
    bot: bool = False
    relay: bool = False

    def as_json(self) -> dict[str, object]:
        """Return the author object, without what is a default."""
        created = None if self.created_at is None else f"{self.created_at:%Y-%m-%dT%H:%M:%SZ}"
        fields = {"roles": self.roles, "created_at": created, "bot": self.bot, "relay": self.relay}
        return {"id": self.id, "name": self.name, **{name: value for name, value in fields.items() if value}}


class People:
    """Everybody in town, and until when each of them is in a conversation."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._number = 100
        self._busy_until: dict[str, float] = {}
        self.by_lang = {lang: list(map(self._regular, names)) for lang, names in script.cast().items()}
        long_ago = BEGIN - timedelta(days=900)
        self.bot = Person("u-bot", "lampkeeper", long_ago, ("bot",), bot=True)
        self.relay = Person("u-relay", "oldnet-bridge", long_ago, relay=True)
        self.viewers = [self._stranger(days=rng.uniform(20, 900)) for _ in range(140)]

    def speakers(self, roles: list[str], lang: str, now: float) -> dict[str, Person]:
        """Return who plays each role, people who aren't talking elsewhere first."""
        company = self.by_lang[lang]
        regulars = [role for role in roles if role not in "RTXYZ"]
        free = [person for person in company if self._busy_until.get(person.id, 0.0) <= now]
        pool = free if len(free) >= len(regulars) else company
        parts = dict(zip(regulars, self._rng.sample(pool, len(regulars)), strict=True))
        parts |= {role: self.stranger() for role in roles if role in "XYZ"}
        return parts | {"R": self.relay, "T": self.bot}

    def occupy(self, parts: dict[str, Person], until: float) -> None:
        """Keep these people out of other conversations for a while."""
        self._busy_until |= {person.id: until for person in parts.values()}

    def stranger(self) -> Person:
        """Return an account that was made minutes or hours ago."""
        return self._stranger(days=self._rng.uniform(0.01, 0.6))

    def _stranger(self, days: float) -> Person:
        first, last = self._rng.choice(FIRST_HALVES), self._rng.choice(LAST_HALVES)
        return self._person(f"{first}_{last}{self._rng.randint(1, 9999)}", days)

    def _regular(self, marked: str) -> Person:
        name = marked.rstrip("*+-")
        roles = {"*": ("moderator",), "+": ("supporter",)}.get(marked[-1], ())
        days = self._rng.uniform(40, 2400)
        return self._person(name, None if marked[-1] == "-" else days, roles)

    def _person(self, name: str, days: float | None, roles: tuple[str, ...] = ()) -> Person:
        self._number += 1
        created = None if days is None else BEGIN - timedelta(seconds=int(days * 86_400))
        return Person(f"u{self._number}", name, created, roles)
