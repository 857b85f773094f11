"""The tokenizer of all local models, as MiniLM carries it: token ids for the model, token offsets for the chunker.

The chunker uses it whatever model embeds, so that changing the model changes vectors and leaves chunks alone. Against a
remote model the limit is then approximate: other models' tokenizers cut English into about as many or fewer pieces.
"""

import hashlib
import re
from collections.abc import Sequence
from importlib.resources import files
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from destiny_assets.errors import ModelIntegrityError

TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"

# A document is tokenised in segments cut at white space, which no token crosses: all cores work, memory is bounded.
_SEGMENT_CHARACTERS = 32_768
_SEGMENTS_AT_ONCE = 64
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_WHITE_SPACE = re.compile(r"\s")


class MiniLMTokenizer:
    """The WordPiece tokenizer of all-MiniLM-L6-v2; safe to share between threads. Fills the `TokenCounter` port."""

    def __init__(self) -> None:
        """Load and verify the tokenizer that this package carries (50 ms); raises `ModelIntegrityError`."""
        data = files("destiny_assets.adapters.embedders.bert").joinpath("tokenizer.json").read_bytes()
        if hashlib.sha256(data).hexdigest() != TOKENIZER_SHA256:
            raise ModelIntegrityError("The tokenizer of minilm is not the one that was pinned. Install destiny again.")
        self._tokenizer = Tokenizer.from_buffer(data)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def encode(self, texts: Sequence[str], max_tokens: int) -> list[list[int]]:
        """Token ids of each text with the special tokens around them, cut to `max_tokens` in all."""
        rows = [encoding.ids for encoding in self._tokenizer.encode_batch_fast([_clean(text) for text in texts])]
        return [row if len(row) <= max_tokens else [*row[: max_tokens - 1], row[-1]] for row in rows]

    def token_starts(self, texts: Sequence[str]) -> list[npt.NDArray[np.int64]]:
        """For each text the character offset at which each of its tokens starts, ascending, special tokens left out."""
        return [self._starts(_clean(text)) for text in texts]

    def _starts(self, text: str) -> npt.NDArray[np.int64]:
        edges = _segment_edges(text)
        parts = [np.empty(0, np.int64)]
        for first in range(0, len(edges) - 1, _SEGMENTS_AT_ONCE):
            begins = edges[first : first + _SEGMENTS_AT_ONCE + 1]
            segments = [text[begin:end] for begin, end in pairwise(begins)]
            encodings = self._tokenizer.encode_batch(segments, add_special_tokens=False)
            for begin, encoding in zip(begins, encodings, strict=False):
                starts = np.fromiter((start for start, _ in encoding.offsets), np.int64, len(encoding.offsets))
                parts.append(starts + begin)
        return np.concatenate(parts)


def _clean(text: str) -> str:
    """Lone surrogates, which UTF-8 and so the tokenizer cannot hold, become U+FFFD: offsets stay."""
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def _segment_edges(text: str) -> list[int]:
    edges = [0]
    while len(text) - edges[-1] > _SEGMENT_CHARACTERS:
        aim = edges[-1] + _SEGMENT_CHARACTERS
        space = _WHITE_SPACE.search(text, aim, aim + _SEGMENT_CHARACTERS)
        edges.append(space.start() if space else aim)
    return [*edges, len(text)]
