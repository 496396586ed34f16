"""A genuine artifact, small enough to be trained for each run: pieces, embedding, mean, linear."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import sentencepiece
from onnx import numpy_helper, parser

from models import Classifier, load
from models.ngrams import packed

FOLD = "1"
MAX_TOKENS = 24
LABELS = ("spam", "threat")

SPAM = [
    "free nitro for the first fifty members click my profile",
    "buy cheap gold coins today at my shop with instant delivery",
    "earn two thousand dollars a week from home ask me how",
    "follow my channel and win a brand new phone click now",
    "limited offer cheap followers and likes for your profile",
    "win free coins now just click the offer in my profile",
]
THREAT = [
    "i will find you and you will be sorry",
    "watch your back i know where you live",
    "you are dead when i get to your house",
    "i will burn your house while you sleep",
    "next time we meet i will break your arm",
    "i know your school and i will hurt you there",
]
HARMLESS = [
    "good game everyone that last round was close",
    "does anybody know when the next episode comes out",
    "my cat sleeps on the keyboard while i work",
    "how do i kill a process that hangs in the terminal",
    "thanks for the help with my homework yesterday",
    "the weather here is lovely and the bread smells great",
]
# Words and runs that say little, and nothing that the network says the other way round.
NGRAMS = packed(
    *(np.random.default_rng(seed).normal(0, 0.02, (1024, len(LABELS))).astype(np.float32) for seed in (1, 2))
)
TEXTS = SPAM + THREAT + HARMLESS
TRUTH = np.array([[1, 0]] * len(SPAM) + [[0, 1]] * len(THREAT) + [[0, 0]] * len(HARMLESS))

GRAPH = """
<ir_version: 9, opset_import: ["" : 17]>
mean_of_pieces (int64[n, t] ids, int32[n] lengths) => (float[n, labels] logits)
<int64 zero = {0}, int64 one = {1}, int64[1] pieces = {1}, int64[1] last = {-1}>
{
  vectors = Gather(embedding, ids)
  shape = Shape(ids)
  t = Gather(shape, one)
  positions = Range(zero, t, one)
  long_lengths = Cast<to = 7>(lengths)
  column = Unsqueeze(long_lengths, last)
  inside = Less(positions, column)
  weights = Cast<to = 1>(inside)
  weights3 = Unsqueeze(weights, last)
  kept = Mul(vectors, weights3)
  sum = ReduceSum<keepdims = 0>(kept, pieces)
  divisor = Cast<to = 1>(column)
  mean = Div(sum, divisor)
  product = MatMul(mean, linear)
  logits = Add(product, bias)
}
"""

MANIFEST = """
format = 2
name = "test-mean"
version = "1"
fold = "{fold}"
max_tokens = {max_tokens}
labels = ["spam", "threat"]
maturity = {{ spam = "automatic", threat = "experimental" }}

[calibration]
spam = {{ a = 1.0, b = 0.0 }}
threat = {{ a = 0.5, b = -1 }}

[checksums]
"model.onnx" = "{model}"
"tokenizer.model" = "{tokenizer}"
"ngrams.npz" = "{ngrams}"

[licences]
"sentences of this test" = "Apache-2.0"

[thresholds]
spam = {{ "0.9" = 0.62, "0.95" = 0.81 }}
"""


def tokenizer(sentences: list[str], pieces: int) -> bytes:
    """Train about so many pieces."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences),
        model_writer=model,
        vocab_size=pieces,
        hard_vocab_limit=False,
        num_threads=1,
        minloglevel=2,
    )
    return model.getvalue()


def network(tokenizer: bytes, id_type: str = "int64") -> bytes:
    """Give each piece a vector by the company it keeps, then fit the linear layer by least squares."""
    pieces = sentencepiece.SentencePieceProcessor(model_proto=tokenizer)
    rows = pieces.encode(TEXTS)
    shares = np.array([np.bincount(row, minlength=pieces.vocab_size()) / len(row) for row in rows])
    embedding = np.linalg.svd(shares)[2][:16].T.astype(np.float32)
    linear = np.linalg.lstsq(shares @ embedding, TRUTH * 8.0 - 4.0, rcond=None)[0].astype(np.float32)
    model = parser.parse_model(GRAPH.replace("int64[n, t]", f"{id_type}[n, t]"))
    weights = {"embedding": embedding, "linear": linear, "bias": np.zeros(len(LABELS), np.float32)}
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in weights.items())
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


@pytest.fixture(scope="session")
def files() -> dict[str, bytes]:
    """The files of an artifact in good order, trained once."""
    pieces = tokenizer(TEXTS, 200)
    graph = network(pieces)
    manifest = MANIFEST.format(
        fold=FOLD,
        max_tokens=MAX_TOKENS,
        model=hashlib.sha256(graph).hexdigest(),
        tokenizer=hashlib.sha256(pieces).hexdigest(),
        ngrams=hashlib.sha256(NGRAMS).hexdigest(),
    )
    return {
        "tokenizer.model": pieces,
        "model.onnx": graph,
        "ngrams.npz": NGRAMS,
        "manifest.toml": manifest.encode(),
    }


@pytest.fixture(scope="session")
def narrow_network(files: dict[str, bytes]) -> bytes:
    """The same network for int32 piece numbers."""
    return network(files["tokenizer.model"], "int32")


@pytest.fixture(scope="session")
def larger_tokenizer() -> bytes:
    """A tokenizer that knows more pieces than the network has vectors."""
    return tokenizer([*TEXTS, "0123456789 àéîõü žluťoučký kůň", "съешь ещё этих мягких булок"], 260)


@pytest.fixture
def artifact(files: dict[str, bytes], tmp_path: Path) -> Path:
    """A folder with an artifact in good order, for this test alone."""
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.fixture
def swap(artifact: Path) -> Callable[[str, bytes], None]:
    """Put other bytes in place of one of the files, and their checksum into the manifest."""

    def swap(name: str, content: bytes) -> None:
        was = hashlib.sha256((artifact / name).read_bytes()).hexdigest()
        (artifact / name).write_bytes(content)
        manifest = (artifact / "manifest.toml").read_text()
        manifest = manifest.replace(was, hashlib.sha256(content).hexdigest())
        (artifact / "manifest.toml").write_text(manifest)

    return swap


@pytest.fixture(scope="session")
def classifier(files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    """The artifact, loaded once."""
    folder = tmp_path_factory.mktemp("artifact")
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return load(folder, FOLD)
