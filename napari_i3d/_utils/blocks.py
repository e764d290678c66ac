"""Go through long arrays in blocks, so that what is computed of them takes little memory."""

from collections.abc import Iterator

BLOCK_ITEMS = 1 << 16


def blocks(n_items: int, size: int = BLOCK_ITEMS) -> Iterator[slice]:
    """Yield the slices of consecutive blocks of `n_items` items."""
    for start in range(0, n_items, size):
        yield slice(start, min(start + size, n_items))
