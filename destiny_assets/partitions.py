"""The one way work is divided: by project. Never by document or chunk, whose number has no bound."""

import dagster as dg

PROJECTS = dg.DynamicPartitionsDefinition(name="projects")
