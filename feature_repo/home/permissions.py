"""Permissions of a home: it contains what shoppers did, so only its owner may read it."""

import os
import stat

from feature_repo.home.home import Home

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def restrict_permissions(home: Home) -> None:
    """Let this process and its children create folders with 0700 and files with 0600.

    An existing home of this user is closed to others too.  A home that belongs to another user,
    such as a mounted volume, stays as it is.  Entry points call it; it changes the process.
    """
    os.umask(_OTHERS)
    try:
        status = home.root.stat()
    except FileNotFoundError:
        return
    if status.st_uid == os.geteuid() and status.st_mode & _OTHERS:
        home.root.chmod(stat.S_IMODE(status.st_mode) & ~_OTHERS)
