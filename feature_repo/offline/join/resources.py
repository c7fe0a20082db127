"""Memory and threads that a join may use."""

import os
import re
import resource
from dataclasses import dataclass
from pathlib import Path

from feature_repo.home import SettingError

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KI": 2**10, "MI": 2**20, "GI": 2**30}
_CGROUP = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True)
class Limits:
    """Bytes of memory and number of threads; a join that needs more works in slices or spills."""

    memory: int
    threads: int

    @classmethod
    def of(cls, memory: str | None = None, threads: int | None = None) -> "Limits":
        """Parse the configured limits; by default half of the memory, and every processor."""
        return cls(
            memory=parse_bytes(memory) if memory else _physical() // 2,
            threads=threads or os.cpu_count() or 1,
        )


def parse_bytes(text: str) -> int:
    """Parse a size with its unit into bytes.

    >>> parse_bytes("4GB"), parse_bytes("1.5 GiB")
    (4000000000, 1610612736)

    Raises:
        SettingError: the text is not a size.
    """
    match = re.fullmatch(r"\s*([0-9.]+)\s*([KMG]?I?)B?\s*", text.upper())
    if match is None or match[2] not in _UNITS:
        raise SettingError(f"memory_limit: expected a size like 4GB, found {text!r}.")
    return int(float(match[1]) * _UNITS[match[2]])


def _physical() -> int:
    """Return the smallest of the memory limits of the machine, the container and the process."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    container = _CGROUP.read_text().strip() if _CGROUP.exists() else "max"
    process = [resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA)]
    limits = [limit for limit in process if limit != resource.RLIM_INFINITY]
    return min([machine, *limits, *([int(container)] if container.isdigit() else [])])
