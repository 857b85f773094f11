"""The command line: arguments in, tables or JSON out. Work is done elsewhere, and heavy imports wait until a command needs them."""
