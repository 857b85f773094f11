"""Source code: the text as it is, with its classes and functions as headings, so that chunks are cut along them.

Tree-sitter's grammars read every language alike, also code with a slip in it or of another version than this interpreter
(Python's own `ast` reads neither); where a part of a file is torn beyond that, no headings are found in it.
What each language calls its parts is in `programming_languages`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.metadata import version
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from destiny_assets.adapters.parsers.encodings import DecodedText
from destiny_assets.adapters.parsers.limits import check_characters
from destiny_assets.adapters.parsers.programming_languages import LANGUAGES, Language
from destiny_assets.domain.documents import Heading, ParsedDocument
from destiny_assets.domain.markup import bare_links

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

_VERSION = "1"
_DEEPEST = 6
# Generated code and data beyond this is read as text without structure: a tree takes some 20 times the memory of its text.
_STRUCTURED_BYTES = 4 * 2**20
_TITLE_CHARACTERS = 80
# Names that many files of a project share say nothing without their folder's.
_SHARED_NAMES = frozenset({"__init__", "__main__", "index", "main", "mod", "lib", "conftest", "package-info"})
_FUNCTIONS = frozenset({"arrow_function", "function_expression", "function", "class", "generator_function"})


@lru_cache(maxsize=len(LANGUAGES))
def code_version(language: Language) -> str:
    """The parser's identity for one language."""
    return f"code-{language.name}/{_VERSION}+{version(language.package.replace('_', '-'))}"


def code_versions() -> tuple[str, ...]:
    """The identities for all languages."""
    return tuple(code_version(language) for language in LANGUAGES)


def parse_code(decoded: DecodedText, uri: str, language: Language) -> ParsedDocument:
    """A file of source code; one that no parts are found in has no headings, and is cut by its lines."""
    text = decoded.text
    check_characters(len(text), uri)
    path = PurePosixPath(uri)
    shared = path.stem.lower() in _SHARED_NAMES and path.parent.name
    # No header fields, status or relations are looked for: words in code speak of what the program handles.
    return ParsedDocument(
        title=f"{path.parent.name}/{path.name}" if shared else path.name,
        text=text,
        media_type=language.media_type,
        parser=code_version(language),
        encoding=decoded.encoding,
        headings=tuple(_headings(text, language)),
        links=bare_links(text),
    )


@lru_cache(maxsize=len(LANGUAGES))
def _parser(language: Language) -> "Parser":
    import tree_sitter

    grammar = getattr(import_module(language.package), language.function)()
    return tree_sitter.Parser(tree_sitter.Language(grammar))


@dataclass(frozen=True, slots=True)
class _Part:
    """A definition, or what stands between two of them, in bytes of the encoded text."""

    level: int
    title: str
    start: int


def _headings(text: str, language: Language) -> Iterator[Heading]:
    data = text.encode("utf-8", "replace")
    if len(data) > _STRUCTURED_BYTES:
        return
    root = _parser(language).parse(data).root_node
    last = -1
    characters, read = 0, 0
    for part in _parts(root.children, language, data, 1):
        # A heading is a line; of several parts in one line, as in minified code, the first stands for all.
        start = data.rfind(b"\n", 0, part.start) + 1
        if start <= last or not part.title:
            continue
        characters, read = characters + len(data[read:start].decode("utf-8")), start
        last = start
        yield Heading(part.level, part.title, characters)


def _parts(nodes: Sequence["Node"], language: Language, data: bytes, level: int) -> Iterator[_Part]:
    """The definitions among siblings, each with the comments right above it, and the runs of other code between them."""
    after_definition = False
    lead: Node | None = None
    before: Node | None = None
    for node in nodes:
        if node.start_byte == 0 and data.startswith(b"#!"):
            continue
        if "comment" in node.type or node.type in language.attached:
            if lead is None or before is None or not _adjoin(before, node, data):
                lead = node
            before = node
            continue
        start = lead if lead is not None and before is not None and _adjoin(before, node, data) else node
        lead = before = None
        definition = _definition(node, language)
        if definition is not None:
            after_definition = True
            yield _Part(level, _title(definition, data), start.start_byte)
            if definition.type in language.containers and level < _DEEPEST:
                yield from _parts(_members(definition), language, data, level + 1)
        elif after_definition and node.is_named:
            # Code below a function is not that function's.
            after_definition = False
            yield _Part(level, _first_line(node, data), start.start_byte)


def _members(definition: "Node") -> list["Node"]:
    """What stands in a container's body; Ruby has the comments above the first of it outside."""
    body = definition.child_by_field_name("body")
    if body is None:
        return definition.children
    before = [node for node in definition.children if "comment" in node.type and node.end_byte <= body.start_byte]
    return [*before, *body.children]


def _definition(node: "Node", language: Language) -> "Node | None":
    """The definition that a node is or wraps; variables are some only where they name a function or class."""
    if node.type in language.wrappers:
        return next((found for child in node.named_children if (found := _definition(child, language))), None)
    if node.type not in language.definitions:
        return None
    if node.type in ("lexical_declaration", "variable_declaration"):
        values = [child.child_by_field_name("value") for child in node.named_children]
        return node if any(value is not None and value.type in _FUNCTIONS for value in values) else None
    # In C a struct is named wherever it is used.
    is_used = node.type.endswith("_specifier") and node.child_by_field_name("body") is None
    return None if is_used else node


def _title(node: "Node", data: bytes) -> str:
    named: Node | None = node
    for field in ("name", "declarator", "type"):
        found = node.child_by_field_name(field)
        if found is not None:
            named = found
            break
    else:
        inner = next((child for child in node.named_children if child.child_by_field_name("name")), None)
        named = inner.child_by_field_name("name") if inner is not None else None
    if named is None:
        return _first_line(node, data)
    while (inner := named.child_by_field_name("declarator")) is not None:
        named = inner
    title = _words(data[named.start_byte : named.end_byte])
    for field in ("receiver", "trait"):
        owner = node.child_by_field_name(field)
        if owner is not None:
            said = _words(data[owner.start_byte : owner.end_byte]).strip("()").split()
            title = (
                f"{said[-1].lstrip('*')}.{title}" if field == "receiver" and said else f"{' '.join(said)} for {title}"
            )
    return title[:_TITLE_CHARACTERS] or _first_line(node, data)


def _first_line(node: "Node", data: bytes) -> str:
    end = data.find(b"\n", node.start_byte)
    return _words(data[node.start_byte : node.end_byte if end < 0 else min(end, node.end_byte)])[:_TITLE_CHARACTERS]


def _words(written: bytes) -> str:
    return " ".join(written.decode("utf-8", "replace").split())


def _adjoin(first: "Node", second: "Node", data: bytes) -> bool:
    """Whether no blank line parts two nodes; a comment may hold the end of its own line."""
    between = data[first.end_byte : second.start_byte]
    ends_line = data[first.end_byte - 1 : first.end_byte] == b"\n"
    return between.count(b"\n") + ends_line <= 1 and not between.strip()
