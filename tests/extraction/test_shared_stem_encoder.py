"""What the engine does with the network of this program, against that network, chunk by chunk."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from napari_i3d.backbones.i3d.network import I3DResNet50
from napari_i3d.backbones.i3d.untrained import untrained_blobs
from napari_i3d.errors import SettingsError
from napari_i3d.extraction.chunk_encoder import ChunkEncoder
from napari_i3d.extraction.crop_stream import FrameCrop
from napari_i3d.extraction.crops import views
from napari_i3d.extraction.device import BatchRunner, is_out_of_memory
from napari_i3d.extraction.planning.chunks import TrackletChunks, tracklet_chunks
from napari_i3d.extraction.settings import ExtractionSettings, SampleMode
from napari_i3d.extraction.shared_stem_encoder import SharedStemEncoder

SIDE = 32  # small images, for speed; the network takes any

Rows = dict[tuple[str, int], np.ndarray]


@pytest.fixture(scope="module")
def network() -> I3DResNet50:
    return I3DResNet50.from_blobs(untrained_blobs())


class Scene:
    """Tracklets with a random image for each of their frames."""

    def __init__(self, spans: dict[str, tuple[int, int]], frequency: int, size: tuple[int, int] = (SIDE, SIDE)) -> None:
        settings = ExtractionSettings(frequency=frequency)
        random = torch.Generator().manual_seed(len(spans))
        self.chunks = {name: tracklet_chunks(name, start, n, settings) for name, (start, n) in spans.items()}
        self.images = {name: torch.rand(n, 3, *size, generator=random) * 2 - 1 for name, (_, n) in spans.items()}

    def arrivals(self, seed: int = 0) -> Iterator[list[FrameCrop]]:
        """Portions of random length; tracklets in an order of their own in each frame."""
        random = np.random.default_rng(seed)
        frames = sorted({n for w in self.chunks.values() for n in range(w.first_frame, w.last_frame + 1)})
        portion: list[FrameCrop] = []
        for frame in frames:
            there = [w for w in self.chunks.values() if w.first_frame <= frame <= w.last_frame and w.need(frame)]
            for k in random.permutation(len(there)):
                image = self.images[str(there[k].id)][frame - there[k].first_frame]
                portion.append(FrameCrop(there[k], frame, image))
            if random.random() < 0.3:
                yield portion
                portion = []
        yield portion

    def expected(self, network: torch.nn.Module, mode: str) -> Rows:
        names, crops = [], []
        for name, chunks in self.chunks.items():
            for number, start in enumerate(chunks.starts - chunks.first_frame):
                names.append((name, number))
                crops.append(self.images[name][start : start + 8].transpose(0, 1))
        with torch.inference_mode():
            answers = [network(view) for view in views(torch.stack(crops), SampleMode(mode))]
        return dict(zip(names, torch.stack(answers).mean(0).numpy(), strict=True))


def computed(computer: Any, portions: Iterator[list[FrameCrop]], batch_size: int) -> Rows:
    batches = [batch for portion in portions for batch in computer.add(portion)]
    assert all(len(batch.chunks) == batch_size for batch in batches)
    batches += computer.finish()
    names = [name for batch in batches for name in batch.chunks]
    assert len(names) == len(set(names))
    return dict(zip(names, np.concatenate([batch.rows for batch in batches]), strict=True))


def assert_same(found: Rows, expected: Rows) -> None:
    assert set(found) == set(expected)
    largest = max(np.abs(row).max() for row in expected.values())
    for name, row in expected.items():
        assert np.abs(found[name] - row).max() <= 1e-5 * largest, name


SPANS = {"a": (0, 21), "late": (5, 17), "shortest": (6, 8), "after": (30, 14), "one more": (29, 9)}


@pytest.mark.parametrize("frequency", [1, 2, 3, 4, 5, 6, 8, 12])
def test_rows_are_those_of_the_plain_network(network: I3DResNet50, frequency: int) -> None:
    scene = Scene(SPANS, frequency)
    settings = ExtractionSettings(frequency=frequency, batch_size=3, sample_mode="center_crop")
    rows = computed(SharedStemEncoder(network, settings), scene.arrivals(), 3)
    assert_same(rows, scene.expected(network, "center_crop"))


def test_neighboring_rows_differ_by_more_than_the_tolerance(network: I3DResNet50) -> None:
    rows = Scene({"a": (0, 10)}, 1).expected(network, "expand_bboxes")
    for one, other in itertools.combinations(rows.values(), 2):
        assert np.abs(one - other).max() > 1e-3 * np.abs(one).max()


def test_batch_size_and_order_do_not_matter(network: I3DResNet50) -> None:
    scene = Scene({"a": (0, 13), "b": (2, 14)}, 1, size=(9, 9))
    expected = scene.expected(network, "expand_bboxes")
    for batch_size in range(1, 18):
        computer = SharedStemEncoder(network, ExtractionSettings(batch_size=batch_size))
        assert_same(computed(computer, scene.arrivals(seed=batch_size), batch_size), expected)


def test_many_overlapping_tracklets_do_not_mix(network: I3DResNet50) -> None:
    random = np.random.default_rng(1)
    spans = {f"animal {k}": (int(random.integers(0, 12)), int(random.integers(8, 11))) for k in range(60)}
    scene = Scene(spans, 1, size=(9, 9))
    rows = computed(SharedStemEncoder(network, ExtractionSettings()), scene.arrivals(), 16)
    assert_same(rows, scene.expected(network, "expand_bboxes"))


def test_ten_views_are_averaged(network: I3DResNet50) -> None:
    scene = Scene({"a": (3, 8)}, 1, size=(256, 340))
    settings = ExtractionSettings(sample_mode="oversample")
    rows = computed(SharedStemEncoder(network, settings), scene.arrivals(), 16)
    assert_same(rows, scene.expected(network, "oversample"))


def test_plain_network_gives_same_from_whole_chunks(network: I3DResNet50) -> None:
    scene = Scene(SPANS, 2)
    settings = ExtractionSettings(frequency=2, batch_size=4)
    assert_same(
        computed(ChunkEncoder(network, settings), scene.arrivals(), 4),
        computed(SharedStemEncoder(network, settings), scene.arrivals(), 4),
    )


def test_frames_and_time_steps_are_let_go(network: I3DResNet50, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene({"a": (0, 40)}, 1, size=(9, 9))
    computer = SharedStemEncoder(network, ExtractionSettings(batch_size=1))
    monkeypatch.setattr(computer.form, "features", lambda pooled: torch.zeros(len(pooled), 2048))
    held = []
    for portion in scene.arrivals():
        for arrival in portion:
            list(computer.add([arrival]))
            held.append(sum(len(view._frames) + len(view._halves) for v in computer._views.values() for view in v))
    assert max(held) <= 5 + 10
    assert held[-1] == 0


class SmallMemory:
    """Stands for a card on which more than so many items at once do not fit."""

    def __init__(self, fits: int) -> None:
        self.fits = fits
        self.tried: list[int] = []

    def guard(self, work: Any, count: Any) -> Any:
        def guarded(*arguments: Any) -> Any:
            self.tried.append(count(*arguments))
            if self.tried[-1] > self.fits:
                raise torch.OutOfMemoryError("not enough memory")
            return work(*arguments)

        return guarded


def test_batches_shrink_without_memory_and_rows_stay(network: I3DResNet50, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene({"a": (0, 18), "b": (0, 20)}, 1, size=(9, 9))
    computer = SharedStemEncoder(network, ExtractionSettings(batch_size=16))
    late, stem = SmallMemory(3), SmallMemory(1)
    form = computer.form
    monkeypatch.setattr(form, "features", late.guard(form.features, len))
    monkeypatch.setattr(form, "pooled_steps", stem.guard(form.pooled_steps, lambda _, frames: len(frames)))
    batches = [batch for portion in scene.arrivals() for batch in computer.add(portion)] + list(computer.finish())
    rows = {name: row for batch in batches for name, row in zip(batch.chunks, batch.rows, strict=True)}
    assert_same(rows, scene.expected(network, "expand_bboxes"))
    assert late.tried[:4] == [16, 8, 4, 2]
    assert max(late.tried[4:]) == 2
    assert max(stem.tried) > 1
    assert stem.tried[-1] == 1


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] . DefaultCPUAllocator: can't allocate memory: you tried to"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
    ],
)
def test_every_memory_error_halves_the_batch(error: Exception) -> None:
    def work(items: Any) -> int:
        if len(items) > 2:
            raise error
        return sum(items)

    assert [result for _, result in BatchRunner(5).run([1, 2, 3, 4, 5], work)] == [3, 7, 5]


def test_other_network_errors_are_no_memory_errors() -> None:
    with pytest.raises(RuntimeError, match="shape"):
        list(BatchRunner(5).run([1, 2], lambda _: torch.ones(2).reshape(3)))


def test_memory_that_system_refuses_is_known_as_such() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 58, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)


def test_chunk_too_large_alone_is_one_line_error() -> None:
    memory = SmallMemory(0)
    with pytest.raises(SettingsError, match="does not suffice for a single chunk"):
        list(BatchRunner(5).run([1, 2, 3], memory.guard(sum, len)))
    assert memory.tried == [3, 1]


def test_chunks_know_their_frames() -> None:
    chunks: TrackletChunks = tracklet_chunks("a", 10, 25, ExtractionSettings(frequency=12))
    assert chunks.starts.tolist() == [10, 22]
    assert [n for n in range(40) if chunks.need(n)] == [*range(10, 18), *range(22, 30)]
    assert [n for n in range(40) if chunks.has_start(n)] == [10, 22]
    assert chunks.number_of(22) == 1
    assert chunks.last_needed == 29
