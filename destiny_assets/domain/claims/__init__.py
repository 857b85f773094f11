"""Claims: what documents and tables state, as subject, predicate and value, and how far each statement can be believed."""
