"""all-MiniLM-L6-v2 as int8 ONNX: mean pooling, unit length, a bounded number of threads."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from tutor.providers.embedding import EmbeddingUnavailable
from tutor.providers.weights import (
    EMBEDDING_MODEL,
    TOKENIZER,
    WeightsInvalid,
    installed_path,
    verify,
)

THREADS = 2
LONGEST_TOKENS = 256
BATCH = 16


class OnnxEmbedding:
    """Loads its files at first use, after their digests were verified.

    Args:
        weights_dir: Where the tokenizer lies; the model comes from its installed package.
    """

    name = "all-MiniLM-L6-v2-int8"

    def __init__(self, weights_dir: Path) -> None:
        self._weights_dir = weights_dir
        self._lock = Lock()
        self._loaded: tuple[Any, Any] | None = None

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one unit vector a text, in order.

        Raises:
            EmbeddingUnavailable: A file is missing or is not the pinned one.
        """
        with self._lock:
            tokenizer, model = self._loaded or self._load()
        vectors: list[list[float]] = []
        for start in range(0, len(texts), BATCH):
            vectors += _embed(tokenizer, model, [*texts[start : start + BATCH]])
        return vectors

    def _load(self) -> tuple[Any, Any]:
        try:
            tokenizer_path = verify(self._weights_dir / TOKENIZER.filename, TOKENIZER)
            model_path = verify(installed_path(EMBEDDING_MODEL), EMBEDDING_MODEL)
        except WeightsInvalid as error:
            raise EmbeddingUnavailable(error.message) from error
        self._loaded = _tokenizer(tokenizer_path), _inference(model_path)
        return self._loaded


@lru_cache(maxsize=4)
def onnx_embedding(weights_dir: Path) -> OnnxEmbedding:
    """Return the process's one model for a folder."""
    return OnnxEmbedding(weights_dir)


def _tokenizer(path: Path) -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.enable_truncation(LONGEST_TOKENS)
    tokenizer.enable_padding()
    return tokenizer


def _inference(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = 1
    # Spinning threads would take the cores from everything else between two questions.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _embed(tokenizer: Any, model: Any, texts: list[str]) -> list[list[float]]:
    import numpy

    encoded = tokenizer.encode_batch(texts)
    feed = {
        "input_ids": numpy.array([each.ids for each in encoded], dtype=numpy.int64),
        "attention_mask": numpy.array([each.attention_mask for each in encoded], dtype=numpy.int64),
        "token_type_ids": numpy.array([each.type_ids for each in encoded], dtype=numpy.int64),
    }
    wanted = {each.name for each in model.get_inputs()}
    states = model.run(None, {name: value for name, value in feed.items() if name in wanted})[0]
    mask = feed["attention_mask"][:, :, None].astype(numpy.float32)
    pooled = (states * mask).sum(axis=1) / numpy.clip(mask.sum(axis=1), 1e-9, None)
    unit = pooled / numpy.clip(numpy.linalg.norm(pooled, axis=1, keepdims=True), 1e-9, None)
    vectors: list[list[float]] = unit.astype(float).tolist()
    return vectors
