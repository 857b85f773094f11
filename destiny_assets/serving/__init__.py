"""What readers call: `KnowledgeService` and its doors. Never imports Dagster."""
