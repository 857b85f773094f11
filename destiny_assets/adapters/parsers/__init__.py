"""Readers of document formats, one module a format; `reader.DocumentReader` is the door.

Structure and facts are found by pure functions in `destiny_assets.domain`; here are bytes and libraries. Each module names
its version: raise the number when its output changes, so that its documents (and no others) are read again.
"""
