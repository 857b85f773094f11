"""The web pages: a shell and its modules as files, read once when the server starts, and the way in and out."""
