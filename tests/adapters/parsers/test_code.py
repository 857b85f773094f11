"""Source code: its parts as headings at exact offsets, whatever the language and however broken."""

import ast
from pathlib import Path

import pytest

from destiny_assets.adapters.parsers.programming_languages import LANGUAGES, language_of
from destiny_assets.adapters.parsers.reader import DocumentReader
from destiny_assets.domain.documents import ParsedDocument

ROOT = Path(__file__).parents[3]
PYTHON = '''#!/usr/bin/env python3
"""What this is: é."""
import os

LIMIT = 1


# Told before it.
@decorated
def first(a):
    """Told in it."""
    return "status: rejected"

AFTER = 2

class Box(Base):
    """A box — of things."""

    size = 1

    # How it opens.
    def open(self): ...

    shape = 2

    async def close(self):
        def inner(): ...


if __name__ == "__main__":
    first(1)
'''
# For each language: a text, and the headings as (level, title, the line it begins with).
SAMPLES = {
    "a.js": (
        "const a = require('b');\n\n// told\nfunction f() {}\nclass K {\n  m() {}\n}\nconst g = () => 1;\nmodule.exports = { f };\n",
        [(1, "f", "// told"), (1, "K", "class K {"), (2, "m", "  m() {}"), (1, "g", "const g = () => 1;"),
         (1, "module.exports = { f };", "module.exports = { f };")],
    ),
    "a.ts": (
        "/** told */\nexport class Foo<T> extends Bar {\n  /** m */\n  @dec()\n  method(x: number): void {}\n}\nexport interface I { a: string }\n",
        [(1, "Foo", "/** told */"), (2, "method", "  /** m */"), (1, "I", "export interface I { a: string }")],
    ),
    "a.tsx": ("export function App() {\n  return <p>hi</p>;\n}\n", [(1, "App", "export function App() {")]),
    "a.go": (
        "package x\n\n// T is.\ntype T struct{ a int }\n\n// M does.\nfunc (t *T) M() {}\n\nfunc run() {}\n\nvar x = 1\n",
        [(1, "T", "// T is."), (1, "T.M", "// M does."), (1, "run", "func run() {}"), (1, "var x = 1", "var x = 1")],
    ),
    "a.rs": (
        "use a::b;\n\n/// One\n/// two\n#[derive(Debug)]\npub struct S { a: u8 }\n\nimpl Tr for S {\n    /// m\n    fn m(&self) {}\n}\n",
        [(1, "S", "/// One"), (1, "Tr for S", "impl Tr for S {"), (2, "m", "    /// m")],
    ),
    "A.java": (
        "package a;\n/** told */\n@Ann\npublic class F {\n  int a;\n  /** m */\n  @Override public int m(int x) { return 1; }\n  F() {}\n}\n",
        [(1, "F", "/** told */"), (2, "m", "  /** m */"), (2, "F", "  F() {}")],
    ),
    "a.c": (
        "#include <a.h>\n\n/* told */\nstatic int *foo(int a) {\n  return 0;\n}\n\nstruct s { int a; };\nstruct s x;\n",
        [(1, "foo", "/* told */"), (1, "s", "struct s { int a; };"), (1, "struct s x;", "struct s x;")],
    ),
    "a.cpp": (
        "namespace ns {\n// told\ntemplate <typename T>\nclass Foo {\n public:\n  void m() {}\n};\nvoid Foo::bar() {}\n}\n",
        [(1, "ns", "namespace ns {"), (2, "Foo", "// told"), (3, "m", "  void m() {}"), (2, "Foo::bar", "void Foo::bar() {}")],
    ),
    "a.cs": (
        "namespace N {\n  /// <summary>told</summary>\n  public class C {\n    public int P { get; set; }\n    public void M() {}\n  }\n}\n",
        [(1, "N", "namespace N {"), (2, "C", "  /// <summary>told</summary>"), (3, "P", "    public int P { get; set; }"),
         (3, "M", "    public void M() {}")],
    ),
    "a.rb": (
        "module M\n  # told\n  class C < D\n    def m; end\n\n    def self.s\n    end\n  end\nend\n",
        [(1, "M", "module M"), (2, "C", "  # told"), (3, "m", "    def m; end"), (3, "s", "    def self.s")],
    ),
    "a.php": (
        "<?php\n/** told */\nclass C {\n  public function m() {}\n}\nfunction f() {}\n",
        [(1, "C", "/** told */"), (2, "m", "  public function m() {}"), (1, "f", "function f() {}")],
    ),
    "run": ("#!/usr/bin/env bash\n# told\nfoo() {\n  echo\n}\nfoo\n", [(1, "foo", "# told"), (1, "foo", "foo")]),
}  # fmt: skip


def read(text: str, uri: str) -> ParsedDocument:
    return DocumentReader().parse(text.encode(), uri=uri)


def outline(document: ParsedDocument) -> list[tuple[int, str, str]]:
    return [
        (heading.level, heading.title, document.text[heading.start :].partition("\n")[0])
        for heading in document.headings
    ]


def test_python_is_cut_into_functions_methods_and_what_stands_between() -> None:
    document = read(PYTHON, "tools/box.py")
    assert outline(document) == [
        (1, "first", "# Told before it."),
        (1, "AFTER = 2", "AFTER = 2"),
        (1, "Box", "class Box(Base):"),
        (2, "open", "    # How it opens."),
        (2, "shape = 2", "    shape = 2"),
        (2, "close", "    async def close(self):"),
        (1, 'if __name__ == "__main__":', 'if __name__ == "__main__":'),
    ]
    assert document.title == "box.py"
    assert document.media_type == "text/x-python"
    # The status of what a program handles is not the document's.
    assert document.status is None


@pytest.mark.parametrize("uri", SAMPLES)
def test_a_language_shows_its_parts(uri: str) -> None:
    text, expected = SAMPLES[uri]
    assert outline(read(text, uri)) == expected


def test_every_language_has_a_sample() -> None:
    shown = {language_of(uri, text) for uri, (text, _) in SAMPLES.items()} | {language_of("a.py", "")}
    assert shown == set(LANGUAGES)


def test_code_of_another_version_or_with_a_slip_shows_the_parts_that_are_whole() -> None:
    text = 'def slip():\n    return 1 +\n\nprint "old"\n\ndef whole():\n    pass\n'
    document = read(text, "a.py")
    assert document.text == text
    assert (1, "whole", "def whole():") in outline(document)


def test_code_torn_beyond_parsing_is_text() -> None:
    text = "def torn(:\n  x = = 2\n\nclass Good:\n    def whole(self): pass\n"
    document = read(text, "a.py")
    assert (document.text, document.headings, document.media_type) == (text, (), "text/x-python")


def test_code_in_one_line_has_one_heading() -> None:
    assert outline(read("function a(){}function b(){}\n", "a.min.js")) == [(1, "a", "function a(){}function b(){}")]


def test_a_file_whose_name_says_nothing_is_named_with_its_folder() -> None:
    assert read("x = 1\n", "shop/__init__.py").title == "shop/__init__.py"
    assert read("x = 1\n", "__init__.py").title == "__init__.py"


def test_a_rare_language_is_text() -> None:
    document = read("PROGRAM HELLO\nEND\n", "a.f90")
    assert (document.media_type, document.headings) == ("text/plain", ())


def test_every_function_of_this_project_is_a_heading_at_its_place() -> None:
    for path in sorted((ROOT / "destiny_assets" / "domain").glob("*.py")):
        text = path.read_text("utf-8")
        document = read(text, path.name)
        starts = {heading.start: heading.title for heading in document.headings}
        lines = [0]
        for line in text.split("\n"):
            lines.append(lines[-1] + len(line) + 1)
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                at = lines[first - 1]
                while at > 0 and text[text.rfind("\n", 0, at - 1) + 1 : at].startswith("#"):
                    at = text.rfind("\n", 0, at - 1) + 1
                assert starts[at] == node.name, f"{path.name}: {node.name}"
