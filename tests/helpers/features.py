import numpy as np
import pytest

from napari_i3d.features.features import Features


def make_features(
    spans: dict[str | int, tuple[int, int]], seed: int = 0, n_video_frames: int | None = None
) -> Features:
    """Features with one row for each frame of each span (first, last), as padded extraction makes them."""
    random = np.random.default_rng(seed)
    frames = {i: np.arange(first, last + 1, dtype=np.float64) for i, (first, last) in spans.items()}
    return Features(
        rows={i: random.standard_normal((len(f), 2048)).astype(np.float32) for i, f in frames.items()},
        frames=frames,
        chunk_starts={
            i: np.clip(frames[i].astype(np.int64) - 3, first, last - 7) for i, (first, last) in spans.items()
        },
        first_frame={i: first for i, (first, _) in spans.items()},
        last_frame={i: last for i, (_, last) in spans.items()},
        fps=25.0,
        provenance={"weights": {"name": "untrained", "trained": False}}
        | ({} if n_video_frames is None else {"video": {"frames": n_video_frames}}),
    )


@pytest.fixture
def features() -> Features:
    return make_features({"male": (0, 19), "fe/male ü": (5, 14), 3: (100, 108)})
