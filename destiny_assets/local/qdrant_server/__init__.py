"""A local server that speaks Qdrant's REST API over the embedded engine `qdrant-edge`; run it with ``python -m``."""
