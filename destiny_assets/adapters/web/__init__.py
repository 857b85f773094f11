"""Web pages as a source: lists of addresses, robots.txt, polite and guarded requests."""
