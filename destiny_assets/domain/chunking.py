"""Cutting a document into chunks along its own structure, over one tokenisation of the whole text.

Sections first, then paragraphs, lines, sentences, clauses and words: a text that fits stays whole, one that does not is
cut at the coarsest breaks it has and packed greedily. Packing starts anew at every section, so an edit leaves the
chunks of other sections as they were. No tokenizer, parser or store here.
"""

import re
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from destiny_assets.domain.chunks import Chunk
from destiny_assets.domain.documents import Heading, ParsedDocument

CHUNKER = "recursive-1"
"""Name and version of these rules, part of the identity of all that derives from chunks: raise it when cuts change."""

# A word of over 100 characters is a single token to the model, so tokens alone would not bound a chunk. 16 characters a
# token, three times what prose has, leaves prose and padded tables alone and cuts blobs.
_CHARACTERS_A_TOKEN = 16
# With 128 tokens of text behind it, what is put before stays well inside the model's 256.
_CONTEXT_CHARACTERS = 240

_BREAKS = tuple(
    re.compile(pattern)
    for pattern in (
        r"\n\s*\n",
        r"\n",
        r"(?<=[.!?…])[\"'”’)\]]*\s+|(?<=[。！？])",  # noqa: RUF001 - Chinese and Japanese sentences end so
        r"(?<=[,;:])\s+|(?<=[，、；：])",  # noqa: RUF001 - the same for clauses
        r"\s+",
    )
)
# What tears badly: a fenced block up to its closing fence (or the end), and rows of a table.
_BLOCK = re.compile(
    r"^[ \t]*(?P<fence>`{3,}|~{3,})[^\n]*\n(?:[^\n]*\n)*?[ \t]*(?P=fence)[^\n]*$|^[ \t]*\|[^\n]*(?:\n[ \t]*\|[^\n]*)+",
    re.MULTILINE,
)
# A heading is its line, with the rules that reStructuredText and Setext draw over and under it.
_RULE = r"[ \t]*([=\-~^\"'`#*+.:_])\{group}{{2,}}[ \t]*"
_HEADING = re.compile(rf"(?:{_RULE.format(group=1)}\n)?[^\n]*(?:\n{_RULE.format(group=2)}(?=\n|\Z))?")


def split(document: ParsedDocument, token_starts: npt.NDArray[np.int64], limit: int = 128) -> list[Chunk]:
    """The chunks of a document, in order, without overlap, together holding all its text that is not white space.

    `token_starts` are the character offsets at which the tokens of ``document.text`` start, ascending (`TokenCounter`).
    A chunk has at most `limit` tokens, spans no two sections that have a body each, and has no white space around it.
    """
    headings = sorted(document.headings, key=lambda heading: heading.start)
    cutter = _Cutter(document.text, headings, token_starts, limit)
    chunks: list[Chunk] = []
    path: list[Heading] = []
    ahead = deque(headings)
    for start, end in cutter.cut():
        while ahead and ahead[0].start < end:
            while path and path[-1].level >= ahead[0].level:
                path.pop()
            path.append(ahead.popleft())
        text = document.text[start:end]
        above = [heading.title for heading in path if heading.start < start]
        chunks.append(
            Chunk(
                ordinal=len(chunks),
                start=start,
                end=end,
                text=text,
                heading_path=tuple(heading.title for heading in path),
                tokens=cutter.tokens(start, end),
                embed_text=_with_context(document.title, above, text),
            )
        )
    return chunks


class _Cutter:
    def __init__(self, text: str, headings: Sequence[Heading], token_starts: npt.NDArray[np.int64], limit: int) -> None:
        self._text = text
        self._starts = token_starts
        self._limit = limit
        self._characters = limit * _CHARACTERS_A_TOKEN
        self._headings = [(heading.start, _heading_end(text, heading.start)) for heading in headings]
        self._heading_starts = [start for start, _ in self._headings]
        self._blocks = [span for span in _blocks(text) if self._fits(*span)]
        self._block_starts = [start for start, _ in self._blocks]

    def tokens(self, start: int, end: int) -> int:
        first, last = np.searchsorted(self._starts, (start, end))
        return int(last - first)

    def cut(self) -> Iterator[tuple[int, int]]:
        for start, end in pairwise(self._sections()):
            for piece in self._pieces(start, end, 0):
                found = _stripped(self._text, *piece)
                if found:
                    yield found

    def _fits(self, start: int, end: int) -> bool:
        return end - start <= self._characters and self.tokens(start, end) <= self._limit

    def _sections(self) -> list[int]:
        """Where sections start, and the end of the text; a heading without a body joins the section after it."""
        edges = [0]
        body_from = 0
        for start, end in self._headings:
            if self._text[body_from:start].strip():
                edges.append(start)
            body_from = end
        return [*edges, len(self._text)]

    def _pieces(self, start: int, end: int, level: int) -> Iterator[tuple[int, int]]:
        if self._fits(start, end):
            yield start, end
        elif level == len(_BREAKS):
            yield from self._slices(start, end)
        else:
            edges = [*self._cuts(start, end, level), end]
            begin = stop = start
            for edge in edges:
                if stop > begin and not self._fits(begin, edge) and not self._only_headings(begin, stop):
                    yield from self._pieces(begin, stop, level + 1)
                    begin = stop
                stop = edge
            yield from self._pieces(begin, end, level + 1)

    def _cuts(self, start: int, end: int, level: int) -> Iterator[int]:
        for found in _BREAKS[level].finditer(self._text, start, end):
            at = found.end()
            block = bisect_right(self._block_starts, at) - 1
            inside_block = block >= 0 and self._blocks[block][0] < at < self._blocks[block][1]
            if start < at < end and not inside_block:
                yield at

    def _only_headings(self, start: int, end: int) -> bool:
        for heading_start, heading_end in self._headings[bisect_left(self._heading_starts, start) :]:
            if heading_start >= end:
                break
            if self._text[start:heading_start].strip():
                return False
            start = min(max(start, heading_end), end)
        return not self._text[start:end].strip()

    def _slices(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """A blob without breaks, cut between tokens, or where even tokens are too long, between characters."""
        while start < end:
            stop = min(end, start + self._characters)
            beyond = int(np.searchsorted(self._starts, start)) + self._limit
            if beyond < len(self._starts):
                stop = min(stop, max(int(self._starts[beyond]), start + 1))
            yield start, stop
            start = stop


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    return (found.span() for found in _BLOCK.finditer(text))


def _heading_end(text: str, start: int) -> int:
    found = _HEADING.match(text, start)
    return found.end() if found else start


def _stripped(text: str, start: int, end: int) -> tuple[int, int] | None:
    piece = text[start:end]
    kept = piece.strip()
    if not kept:
        return None
    start += len(piece) - len(piece.lstrip())
    return start, start + len(kept)


def _with_context(title: str, path: Sequence[str], text: str) -> str:
    """The text with the document's title and the headings above it in one line before, none said twice."""
    context = [part for part in (title.strip(), *path) if part]
    if len(context) > 1 and context[0].casefold() == context[1].casefold():
        del context[0]
    opening = text.lstrip("#=*_ \t\n").casefold()
    if context and opening.startswith(context[0].casefold()):
        del context[0]
    line = " > ".join(context)[:_CONTEXT_CHARACTERS]
    return f"{line}\n{text}" if line else text
