"""Which operating-system account PostgreSQL runs as: ours, except that it refuses root.

As root (containers, mostly) it runs as a system account that owns the data folder and nothing else.
"""

import os
import pwd
import stat
import subprocess
from pathlib import Path
from typing import TypedDict

from destiny_assets.errors import ServerError
from destiny_assets.local.servers import Account

# The account the wheel's own launcher creates, so that one machine gets one such account.
_NAME = "pgserver"


class RunAs(TypedDict, total=False):
    """The arguments of `subprocess.run` that change the account."""

    user: int
    group: int
    extra_groups: list[int]


def run_as(account: Account | None) -> RunAs:
    """The arguments of `subprocess.run` for this account; none for our own."""
    return {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}


def unprivileged(data: Path) -> Account | None:
    """The account to run as: None unless we are root, then the owner of existing ``data``, else the system account.

    Raises `ServerError` when the system account can be neither found nor created.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    try:
        found = pwd.getpwnam(_NAME)
    except KeyError:
        found = _create()
    return Account(found.pw_uid, found.pw_gid)


def open_the_way(path: Path) -> None:
    """Let other accounts walk through (not list) the folders above ``path``, where a folder forbids it.

    Needed only as root: ``/root`` is closed to the account that PostgreSQL runs as. The wheel's own launcher also makes
    them listable; walking through is enough.
    """
    for folder in path.resolve().parents:
        mode = stat.S_IMODE(folder.stat().st_mode)
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


def _create() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _NAME]
    try:
        subprocess.run(command, check=True, capture_output=True)
        return pwd.getpwnam(_NAME)
    except (OSError, subprocess.CalledProcessError, KeyError) as error:
        raise ServerError(
            f"PostgreSQL does not run as root, and the account {_NAME} for it could not be created. "
            "Run Destiny as an ordinary user."
        ) from error
