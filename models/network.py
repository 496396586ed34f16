"""Puts rows of pieces through an ONNX graph, grouped by length so that little padding is computed."""

from bisect import bisect_left
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import InferenceError, ModelError

# Pieces, padding included, that go through the graph at once. What it makes of more of them no longer fits
# into a core's own cache, and each costs more; of fewer, calls cost too much.
MOST_CELLS = 4_096


class Network:
    """A graph that keeps the contract in models/artifact.py; safe to use from several threads."""

    def __init__(self, model: bytes, most_pieces: int, threads: int) -> None:
        """Load the bytes of a model.onnx.

        Raises:
            ValueError: When they are none, or the graph's ends aren't those of the contract.
            ModelError: On a platform that has no onnxruntime.
        """
        self._session = _session(model, threads)
        self._widths = _widths(most_pieces)
        inputs = {end.name: end.type for end in self._session.get_inputs()}
        outputs = {end.name for end in self._session.get_outputs()}
        if set(inputs) != {"ids", "lengths"} or "logits" not in outputs:
            raise ValueError(f"expected inputs ids, lengths and output logits, got {', '.join(inputs)}")
        self._id_type: type[np.integer[Any]] = np.int32 if inputs["ids"] == "tensor(int32)" else np.int64

    def logits(self, rows: list[list[int]]) -> NDArray[np.float32]:
        """Return logits of shape (len(rows), labels); at least one row, and a piece in each.

        Raises:
            InferenceError: When the session fails or answers with what isn't a number.
        """
        groups = self._by_width(rows)
        pieces = [self._run([rows[index] for index in group], width) for width, group in groups]
        order = [index for _, group in groups for index in group]
        logits = np.empty((len(rows), pieces[0].shape[1]), np.float32)
        logits[order] = np.concatenate(pieces)
        return logits

    def _by_width(self, rows: list[list[int]]) -> list[tuple[int, list[int]]]:
        """Group row numbers by padded width, in groups of bounded size.

        The width follows from a row's own length, never from its neighbours: that is
        half of why a score doesn't depend on them. The graph's contract is the other.
        """
        members: dict[int, list[int]] = {}
        for index, row in enumerate(rows):
            width = self._widths[bisect_left(self._widths, len(row))]
            members.setdefault(width, []).append(index)
        return [
            (width, group[first : first + _rows_at_once(width)])
            for width, group in members.items()
            for first in range(0, len(group), _rows_at_once(width))
        ]

    def _run(self, rows: list[list[int]], width: int) -> NDArray[np.float32]:
        lengths = np.array([len(row) for row in rows], np.int32)
        ids = np.zeros((len(rows), width), self._id_type)
        # Not np.concatenate, which would make an array of each row first: a microsecond a message.
        pieces = np.fromiter(chain.from_iterable(rows), self._id_type, int(lengths.sum()))
        ids[np.arange(width) < lengths[:, None]] = pieces
        try:
            logits: NDArray[np.float32] = self._session.run(["logits"], {"ids": ids, "lengths": lengths})[0]
        except Exception as error:  # onnxruntime's errors share no other root
            raise InferenceError(_first_line(error)) from error
        if not np.isfinite(logits).all():
            raise InferenceError("the network answered with something that isn't a number")
        return logits


def _rows_at_once(width: int) -> int:
    return max(1, MOST_CELLS // width)


def _widths(most: int) -> list[int]:
    """Return the widths that rows are padded to, ascending: 8, 12, 15, 18, 24, 32, 48, 64, 96 … and `most`.

    They lie closest where most messages of a chat end, and not everywhere: a call has its price, 50 µs or so,
    and a few dozen messages should not make ten.
    """
    short = (8, 12, 15, 18, 24)
    steps = [*short, *(step for power in range(5, 12) for step in (2**power, 3 * 2 ** (power - 1)))]
    return [*(step for step in steps if step < most), most]


def _session(model: bytes, threads: int) -> Any:
    # Imported here, because some platforms have no wheel of it, and they run without a model.
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError("no onnxruntime on this platform: run without a model, or in the image") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.enable_mem_pattern = False  # a plan is kept for each shape, and batches have many
    # A waiting thread that spins takes the core from the event loop.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # as above
        raise ValueError(_first_line(error)) from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
