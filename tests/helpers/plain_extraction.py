"""Features of one chunk by plain means, from the documented rules alone: no code of the package has a part in it."""

from collections.abc import Callable, Sequence

import numpy as np
import torch


def resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize an image (H, W, 3) as the predecessor does: bilinear, half-pixel centers, no antialiasing."""
    tensor = torch.tensor(np.array(image), dtype=torch.float32).permute(2, 0, 1)[None]
    resized = torch.nn.functional.interpolate(tensor, (height, width), mode="bilinear", align_corners=False)
    return resized[0].permute(1, 2, 0).numpy()


def cut_out(image: np.ndarray, box: np.ndarray, sample_mode: str) -> np.ndarray:
    """Cut a box out of an image: truncated, clipped, and for ``expand_bboxes`` made square and moved inside."""
    height, width = image.shape[:2]
    left, upper, right, lower = (int(side) for side in box)
    left, right = max(left, 0), min(right, width)
    upper, lower = max(upper, 0), min(lower, height)
    if sample_mode == "expand_bboxes":
        w, h = right - left, lower - upper
        if w > h:
            upper, lower = upper - (w - h) // 2, lower + (w - h) // 2
        else:
            left, right = left - (h - w) // 2, right + (h - w) // 2
        dx = -left if left < 0 else min(width - right, 0)
        dy = -upper if upper < 0 else min(height - lower, 0)
        left, right, upper, lower = left + dx, right + dx, upper + dy, lower + dy
        return image[max(upper, 0) : min(lower, height), max(left, 0) : min(right, width)]
    return image[upper:lower, left:right]


def plain_row(
    frames: np.ndarray,
    boxes: Sequence[np.ndarray],
    start: int,
    network: Callable[[torch.Tensor], torch.Tensor],
    *,
    sample_mode: str = "expand_bboxes",
    video_size: tuple[int, int] | None = None,
    normalization: str = "symmetric",
) -> np.ndarray:
    """Compute the features of the chunk that begins at video frame `start`, with the boxes of its 8 frames."""
    crops = []
    for image, box in zip(frames[start : start + 8], boxes, strict=True):
        whole = resize(image, video_size[1], video_size[0]) if video_size else image
        crop = cut_out(whole, box, sample_mode)
        crops.append(resize(crop, 224, 224) if sample_mode == "expand_bboxes" else resize(crop, 256, 340))
    chunk = np.stack(crops)
    chunk = chunk * (2 / 255) - 1 if normalization == "symmetric" else (chunk - 114.75) / 57.375
    places = {
        "expand_bboxes": [(0, 0)],
        "center_crop": [(16, 58)],
        "oversample": [(0, 0), (32, 0), (0, 116), (32, 116), (16, 58)],
    }[sample_mode]
    views = [chunk[:, y : y + 224, x : x + 224] for y, x in places]
    if sample_mode == "oversample":
        views += [chunk[:, :, ::-1][:, y : y + 224, x : x + 224] for y, x in places]
    with torch.inference_mode():
        batch = torch.tensor(np.stack(views).transpose(0, 4, 1, 2, 3).copy(), dtype=torch.float32)
        return network(batch).numpy().mean(axis=0)
