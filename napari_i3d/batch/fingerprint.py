"""Fingerprint of everything that the numbers of a job depend on."""

import json
from typing import Any

from napari_i3d.backbones.pretrained import WeightsFacts
from napari_i3d.batch.checkpoints.checkpoints import Fingerprint
from napari_i3d.extraction.planning.plan import Job
from napari_i3d.extraction.planning.request import WITHOUT_EFFECT
from napari_i3d.extraction.planning.shards import shard_length
from napari_i3d.extraction.provenance import crops_sha256, versions


def fingerprint(job: Job, weights: WeightsFacts, video_sha256: str) -> Fingerprint:
    """Return everything that the numbers of a job depend on; jobs with the same fingerprint have the same shards."""
    settings = {name: value for name, value in job.settings.as_dict().items() if name not in WITHOUT_EFFECT}
    of_programs = {f"version of {name}": text for name, text in versions().items() if name != "python"}
    values = {
        "video": video_sha256,
        "tracking": crops_sha256(job),
        "weights": weights.sha256,
        **settings,
        "length of shards": shard_length(job),
        **of_programs,
    }
    plain: dict[str, Any] = json.loads(json.dumps(values))
    return plain
