"""Embedding models behind the `Embedder` port: local MiniLM, OpenAI-compatible endpoints, fastembed."""
