"""Explicit references and entities without a language model: pure functions from parsed documents to rows.

Per document `traces.read_document` keeps what can be seen in one document alone; `linker.Linker` is grown from the
traces of the whole corpus and turns chunks into entities, mentions and references.
"""
