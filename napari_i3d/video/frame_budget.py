"""Memory shared by the cached frames of several videos."""

import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_i3d.video.frame_cache import FrameCache

DEFAULT_LIMIT_MB = 512
"""Megabytes (2**20 bytes) of cached frames of all videos together."""


class FrameBudget:
    """Memory for the frames of several videos; those in use share it evenly, and take it from the others.

    Each video in use keeps at least 4 frames, however large.
    """

    def __init__(self, limit_mb: float = DEFAULT_LIMIT_MB) -> None:
        self.limit_mb = limit_mb
        self.lock = threading.RLock()
        """Held by all caches while they change their frames."""
        self._caches: weakref.WeakSet[FrameCache] = weakref.WeakSet()

    @property
    def used_bytes(self) -> int:
        """Bytes of all cached frames."""
        with self.lock:
            return sum(cache.used_bytes for cache in self._caches)

    def add(self, cache: "FrameCache") -> None:
        """Add a cache to those that share the memory."""
        with self.lock:
            self._caches.add(cache)

    def share_bytes(self, cache: "FrameCache") -> int:
        """Return the bytes that a cache may hold while in use."""
        with self.lock:
            others = sum(other.in_use for other in self._caches if other is not cache)
        return int(self.limit_mb * 2**20) // (1 + others)

    def make_room(self) -> None:
        """Drop frames until the limit is kept, first those of the videos used longest ago."""
        limit_bytes = int(self.limit_mb * 2**20)
        caches = list(self._caches)
        for cache in caches:
            if cache.in_use:
                cache.forget(self.share_bytes(cache))
        excess = sum(cache.used_bytes for cache in caches) - limit_bytes
        for cache in sorted((cache for cache in caches if not cache.in_use), key=lambda cache: cache.asked_s):
            if excess <= 0:
                break
            before = cache.used_bytes
            cache.forget(before - excess, fewest=0)
            excess -= before - cache.used_bytes
