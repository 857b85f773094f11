"""Who gives a command, for the audit log."""

import getpass
import os

ACTOR_VARIABLE = "DESTINY_ACTOR"


def actor() -> str:
    """``cli:`` and the account's name; what `DESTINY_ACTOR` says where the API gives the command for somebody."""
    if named := os.environ.get(ACTOR_VARIABLE):
        return named
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        # A container's account may have no name.
        return f"cli:{os.getuid()}"
