"""The programming languages whose structure is read: how files of each are recognised, its grammar, what it calls its parts.

The table, and no code that walks trees. Kotlin, Scala and Swift are left out: 4 MB of grammar each.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

_SHEBANG = re.compile(r"#![ \t]*\S*?(?:/env[ \t]+(?:-S[ \t]+)?)?(?P<program>[a-z]+)[\d.]*(?:[ \t]|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Language:
    """A language: `package` and `function` give its grammar; node types that are definitions, and those that hold others.

    `wrappers` are nodes that add to the one definition inside them (decorators, ``export``); `attached` are nodes before a
    definition that belong to it besides comments (Rust's attributes).
    """

    name: str
    package: str
    suffixes: tuple[str, ...]
    definitions: frozenset[str]
    containers: frozenset[str]
    wrappers: frozenset[str] = frozenset()
    attached: frozenset[str] = frozenset()
    programs: tuple[str, ...] = ()
    function: str = "language"

    @property
    def media_type(self) -> str:
        """The media type of its files."""
        return f"text/x-{self.name}"


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_C = "function_definition struct_specifier enum_specifier union_specifier type_definition"
_SCRIPT = "function_declaration generator_function_declaration class_declaration method_definition lexical_declaration variable_declaration"
_TYPED = (
    "abstract_class_declaration interface_declaration type_alias_declaration enum_declaration internal_module module"
)
_JAVA = (
    "class_declaration interface_declaration enum_declaration record_declaration annotation_type_declaration method_declaration "
    "constructor_declaration"
)
_CSHARP = (
    "namespace_declaration class_declaration interface_declaration struct_declaration record_declaration enum_declaration "
    "delegate_declaration method_declaration constructor_declaration property_declaration operator_declaration"
)

LANGUAGES = (
    Language(
        "python", "tree_sitter_python", (".py", ".pyi", ".pyw"),
        _set("function_definition class_definition"), _set("class_definition"), _set("decorated_definition"), programs=("python",),
    ),
    Language(
        "javascript", "tree_sitter_javascript", (".js", ".mjs", ".cjs", ".jsx"),
        _set(_SCRIPT), _set("class_declaration"), _set("export_statement"), programs=("node",),
    ),
    Language(
        "typescript", "tree_sitter_typescript", (".ts", ".mts", ".cts"),
        _set(f"{_SCRIPT} {_TYPED}"), _set("class_declaration abstract_class_declaration internal_module module"),
        _set("export_statement ambient_declaration expression_statement"), _set("decorator"), ("deno",), "language_typescript",
    ),
    Language(
        "tsx", "tree_sitter_typescript", (".tsx",),
        _set(f"{_SCRIPT} {_TYPED}"), _set("class_declaration abstract_class_declaration internal_module module"),
        _set("export_statement ambient_declaration expression_statement"), _set("decorator"), function="language_tsx",
    ),
    Language("go", "tree_sitter_go", (".go",), _set("function_declaration method_declaration type_declaration"), _set("")),
    Language(
        "rust", "tree_sitter_rust", (".rs",),
        _set("function_item struct_item enum_item union_item trait_item impl_item mod_item type_item macro_definition "
             "function_signature_item"),
        _set("trait_item impl_item mod_item"), attached=_set("attribute_item"),
    ),
    Language("java", "tree_sitter_java", (".java",), _set(_JAVA), _set("class_declaration interface_declaration enum_declaration "
             "record_declaration")),
    Language("c", "tree_sitter_c", (".c", ".h"), _set(_C), _set("")),
    Language(
        "cpp", "tree_sitter_cpp", (".cc", ".cpp", ".cxx", ".hpp", ".hh", ".hxx"),
        _set(f"{_C} class_specifier namespace_definition alias_declaration"),
        _set("class_specifier struct_specifier namespace_definition"), _set("template_declaration"),
    ),
    Language(
        "csharp", "tree_sitter_c_sharp", (".cs",), _set(_CSHARP),
        _set("namespace_declaration class_declaration interface_declaration struct_declaration record_declaration"),
    ),
    Language(
        "ruby", "tree_sitter_ruby", (".rb", ".rake"),
        _set("module class method singleton_method singleton_class"), _set("module class singleton_class"), programs=("ruby",),
    ),
    Language(
        "php", "tree_sitter_php", (".php",),
        _set("function_definition class_declaration interface_declaration trait_declaration enum_declaration method_declaration "
             "namespace_definition"),
        _set("class_declaration interface_declaration trait_declaration enum_declaration namespace_definition"),
        programs=("php",), function="language_php",
    ),
    Language("shell", "tree_sitter_bash", (".sh", ".bash"), _set("function_definition"), _set(""), programs=("sh", "bash", "dash", "ksh")),
)  # fmt: skip

BY_MEDIA_TYPE: Mapping[str, Language] = {language.media_type: language for language in LANGUAGES}
BY_SUFFIX: Mapping[str, Language] = {suffix: language for language in LANGUAGES for suffix in language.suffixes}
_BY_PROGRAM = {program: language for language in LANGUAGES for program in language.programs}


def language_of(uri: str, text: str) -> Language | None:
    """The language a file is written in: its name's suffix says so, or without one the program named in its first line."""
    suffix = PurePosixPath(uri).suffix.lower()
    if suffix:
        return BY_SUFFIX.get(suffix)
    found = _SHEBANG.match(text) if text.startswith("#!") else None
    return _BY_PROGRAM.get(found["program"]) if found else None
