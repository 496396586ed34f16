"""A worker that stops judging: `still_worker.py stuck` in its first batch, `… deaf` after ten records."""

import asyncio
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from streams.commands.cli import main
from streams.judging.moderator import Judged, Moderator
from streams.judging.outbox import Record
from streams.process import judging, serve
from streams.pump import worker
from streams.pump.worker import Worker


class StuckModerator(Moderator):
    """Takes a batch and never comes back."""

    async def judge(self, topic_id: str, records: Sequence[Record]) -> Judged:
        """Wait for nothing, in a thread that can't be ended, as a model would."""
        await asyncio.to_thread(threading.Event().wait)
        return await super().judge(topic_id, records)


class DeafWorker(Worker):
    """After ten records its consumer asks the broker for nothing more, and hears of no new ones."""

    async def _judge_batch(self, taken: Any) -> Any:
        inflight = await super()._judge_batch(taken)
        if sum(self._progress._position.values()) >= 10:
            consumer = self.app.consumer._thread._consumer
            consumer.pause(*consumer.assignment())
        return inflight


if __name__ == "__main__":
    worker.STOP_S = 1.0
    if sys.argv[1] == "stuck":
        judging.Moderator = StuckModerator  # type: ignore[misc]
    else:
        serve.Worker = DeafWorker  # type: ignore[misc]
    main(["serve"])
