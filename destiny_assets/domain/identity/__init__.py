"""Which records of two tables are the same thing: blocking, features of pairs, a decision, and how right it is."""
