"""The embedded servers and their supervisor: PostgreSQL, a Qdrant-protocol server, ArcadeDB."""
