"""A worker with a fault at its Nth batch: `faulty_worker.py raise N`, `faulty_worker.py slow N SECONDS`."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from streams.commands.cli import main
from streams.judging.moderator import Judged, Moderator
from streams.judging.outbox import Record
from streams.process import judging

FAULT, BATCH = sys.argv[1], int(sys.argv[2])


class FaultyModerator(Moderator):
    """Judges as ever, but for one batch."""

    batches = 0

    async def judge(self, topic_id: str, records: Sequence[Record]) -> Judged:
        """Raise, or dawdle, at the batch that was asked for."""
        self.batches += 1
        judged = await super().judge(topic_id, records)
        if self.batches == BATCH and FAULT == "raise":
            raise RuntimeError("a fault, on purpose")
        if self.batches == BATCH and FAULT == "slow":
            await asyncio.sleep(float(sys.argv[3]))
        return judged


if __name__ == "__main__":
    judging.Moderator = FaultyModerator  # type: ignore[misc]
    main(["serve"])
