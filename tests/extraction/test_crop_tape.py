"""Chunks from the tape of crops are those stacked one by one, as views where crops lie evenly."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from helpers.networks import FakeNetwork
from napari_i3d.errors import SettingsError
from napari_i3d.extraction.chunk_encoder import ChunkEncoder
from napari_i3d.extraction.crop_stream import FrameCrop
from napari_i3d.extraction.crop_tape import CropTape
from napari_i3d.extraction.device import Device
from napari_i3d.extraction.planning.chunks import TrackletChunks, tracklet_chunks
from napari_i3d.extraction.settings import ExtractionSettings

SIDE = 12


def crop_at(animal: int, frame: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1000 * animal + frame)
    return torch.rand(3, SIDE, SIDE, generator=generator)


def arrivals(animals: list[TrackletChunks], n_frames: int) -> Iterator[list[FrameCrop]]:
    for frame in range(n_frames):
        there = [(number, chunks) for number, chunks in enumerate(animals) if chunks.need(frame)]
        yield [FrameCrop(chunks, frame, crop_at(number, frame)) for number, chunks in there]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("frequency", [1, 3, 8, 11])
@pytest.mark.parametrize("lengths", [(90,), (90, 90), (90, 40, 71, 90, 90)])
def test_rows_equal_those_of_stacked_crops(frequency: int, lengths: tuple[int, ...], precision: str) -> None:
    settings = ExtractionSettings(frequency=frequency, batch_size=5, device="cpu", precision=precision)
    animals = [tracklet_chunks(number, 0, length, settings) for number, length in enumerate(lengths)]
    network = FakeNetwork()
    encoder = ChunkEncoder(network, settings)
    batches = [batch for portion in arrivals(animals, 90) for batch in encoder.add(portion)]
    batches += encoder.finish()
    rows = {name: row for batch in batches for name, row in zip(batch.chunks, batch.rows, strict=True)}
    assert len(rows) == sum(len(chunks.starts) for chunks in animals)
    for animal, chunks in enumerate(animals):
        for number, start in enumerate(chunks.starts.tolist()):
            crops = [crop_at(animal, frame) for frame in range(start, start + 8)]
            chunk = torch.stack(crops, dim=1)[None].to(Device(settings).dtype)
            np.testing.assert_array_equal(rows[animal, number], network(chunk)[0].float().numpy())


def test_even_crops_give_a_view_and_others_a_copy() -> None:
    tape = CropTape(Device(ExtractionSettings(device="cpu")))
    crops = [crop_at(0, frame) for frame in range(40)]
    assert [tape.append(crop) for crop in crops] == list(range(40))
    even = np.add.outer(np.arange(4), 2 * np.arange(8))
    uneven = even + np.array([[0], [0], [1], [1]])
    for slots in (even, uneven):
        expected = torch.stack([torch.stack([crops[slot] for slot in row], dim=1) for row in slots.tolist()])
        assert torch.equal(tape.chunks(slots), expected)
    assert tape.chunks(even).untyped_storage().data_ptr() == tape.chunks(even[:1]).untyped_storage().data_ptr()
    assert tape.chunks(uneven).untyped_storage().data_ptr() != tape.chunks(even).untyped_storage().data_ptr()


class ChangesInput(FakeNetwork):
    def forward(self, chunks: torch.Tensor) -> torch.Tensor:
        return super().forward(chunks.mul_(2))


def test_network_that_changes_its_input_is_refused() -> None:
    settings = ExtractionSettings(batch_size=2, device="cpu")
    encoder = ChunkEncoder(ChangesInput(), settings)
    portions = arrivals([tracklet_chunks(0, 0, 20, settings)], 20)
    crops = [arrival for portion in portions for arrival in portion]
    with pytest.raises(SettingsError, match="leaves its input unchanged"):
        list(encoder.add(crops))
