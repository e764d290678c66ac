"""The memory of this machine."""

import os


def physical_memory_bytes() -> int | None:
    """Return how much memory this machine has; None if the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return None
