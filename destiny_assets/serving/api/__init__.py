"""The REST API `/v1`: HTTP in, `KnowledgeService` and `Library` called, JSON out. `app.create_app` puts it together."""
