"""Rulings: what a human decided on a text, which automation doesn't override."""

from __future__ import annotations

import msgspec

from rules.schema.labels import CARE_LABELS
from rules.verdict import Action, Judgement


class Ruling(msgspec.Struct, frozen=True):
    """A human's word on a text, where a message was said.

    Attributes:
        id: Verdicts say `decided_by: "human:<id>"`, or `lowered_by` where they spare it.
        action: ALLOW spares the text, REMOVE takes it away.
        evidence: What it was spoken against: names of rules, and "model:<label>". Whatever else is found
            counts. Empty is all that is found.
        own: The message is by the same author as the one that was decided on.
    """

    id: str
    action: Action
    evidence: frozenset[str] = frozenset()
    own: bool = False

    @property
    def name(self) -> str:
        """As verdicts say it."""
        return f"human:{self.id}"

    @property
    def spares(self) -> bool:
        """The text may stay."""
        return self.action is Action.ALLOW

    def covers(self, name: str) -> bool:
        """Return whether it was spoken against this rule, or "model:<label>"."""
        return not self.evidence or name in self.evidence

    def over(self, judgement: Judgement) -> Judgement:
        """Return the judgement with a removal in force; it costs its author what it would have cost.

        A removal settles what automation is in doubt about. Where nothing speaks against a text it
        holds for its own author only: others may say it with nothing bad in mind.
        """
        doubtful = judgement.action is not Action.ALLOW or judgement.would_be is not None
        if self.spares or not (self.own or (doubtful and judgement.label not in CARE_LABELS)):
            return judgement
        return msgspec.structs.replace(
            judgement, action=self.action, decided_by=self.name, good=False, hold_s=None, on_expiry=None,
            quiet=False,
        )  # fmt: skip
