"""I3D (ResNet-50) features of tracked individuals, frame by frame.

The public names are loaded when they are first used, so that importing the package costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

from napari_i3d._utils.extras import needed_for

if TYPE_CHECKING:
    from napari_i3d import explore as explore
    from napari_i3d import learning as learning
    from napari_i3d import plots as plots
    from napari_i3d.annotations.agreement import agreement as agreement
    from napari_i3d.annotations.annotation import Annotation as Annotation
    from napari_i3d.annotations.annotation import VideoFacts as VideoFacts
    from napari_i3d.annotations.bouts import Bout as Bout
    from napari_i3d.annotations.bouts import Origin as Origin
    from napari_i3d.annotations.editing.editor import AnnotationEditor as AnnotationEditor
    from napari_i3d.annotations.ethogram import Behavior as Behavior
    from napari_i3d.annotations.ethogram import Ethogram as Ethogram
    from napari_i3d.annotations.statistics import behavior_statistics as behavior_statistics
    from napari_i3d.annotations.statistics import behavior_transitions as behavior_transitions
    from napari_i3d.annotations.statistics import time_budgets as time_budgets
    from napari_i3d.batch.extract_to_store import extract_to_store as extract_to_store
    from napari_i3d.errors import NapariI3DError as NapariI3DError
    from napari_i3d.extraction.extract import extract_features as extract_features
    from napari_i3d.extraction.settings import ExtractionSettings as ExtractionSettings
    from napari_i3d.extraction.thumbnails import make_thumbnails as make_thumbnails
    from napari_i3d.features.features import Features as Features
    from napari_i3d.features.io.conversion import convert_features as convert_features
    from napari_i3d.features.io.layouts import export_features as export_features
    from napari_i3d.features.io.reading import read_features as read_features
    from napari_i3d.features.io.writing import write_features as write_features
    from napari_i3d.plugin.viewer import tracked_video as tracked_video
    from napari_i3d.plugin.viewer import view as view
    from napari_i3d.projects.annotation_reader import read_annotation as read_annotation
    from napari_i3d.projects.annotation_reader import write_annotation as write_annotation
    from napari_i3d.projects.tracking_reader import read_tracking as read_tracking
    from napari_i3d.rendering.annotated_video import render_video as render_video
    from napari_i3d.rendering.options import RenderedVideo as RenderedVideo
    from napari_i3d.rendering.options import RenderOptions as RenderOptions
    from napari_i3d.synthetic import write_synthetic_clip as write_synthetic_clip
    from napari_i3d.tracking.checks import Problem as Problem
    from napari_i3d.tracking.checks import check_tracking as check_tracking
    from napari_i3d.tracking.editing.editor import TrackingEditor as TrackingEditor
    from napari_i3d.tracking.gaps import resolve_gaps as resolve_gaps
    from napari_i3d.tracking.io.reading import TrackingReading as TrackingReading
    from napari_i3d.tracking.io.writing import write_tracking as write_tracking
    from napari_i3d.tracking.keypoints import KeypointBoxes as KeypointBoxes
    from napari_i3d.tracking.tracklets import Tracking as Tracking
    from napari_i3d.tracking.tracklets import Tracklet as Tracklet
    from napari_i3d.video.video import Video as Video
    from napari_i3d.video.video import open_video as open_video

__version__ = "0.1.0"

_HOMES = {
    "Annotation": "annotations.annotation",
    "AnnotationEditor": "annotations.editing.editor",
    "Behavior": "annotations.ethogram",
    "Bout": "annotations.bouts",
    "Ethogram": "annotations.ethogram",
    "ExtractionSettings": "extraction.settings",
    "Features": "features.features",
    "KeypointBoxes": "tracking.keypoints",
    "NapariI3DError": "errors",
    "Origin": "annotations.bouts",
    "Problem": "tracking.checks",
    "RenderOptions": "rendering.options",
    "RenderedVideo": "rendering.options",
    "Tracking": "tracking.tracklets",
    "TrackingEditor": "tracking.editing.editor",
    "TrackingReading": "tracking.io.reading",
    "Tracklet": "tracking.tracklets",
    "Video": "video.video",
    "VideoFacts": "annotations.annotation",
    "agreement": "annotations.agreement",
    "behavior_statistics": "annotations.statistics",
    "convert_features": "features.io.conversion",
    "behavior_transitions": "annotations.statistics",
    "check_tracking": "tracking.checks",
    "extract_features": "extraction.extract",
    "extract_to_store": "batch.extract_to_store",
    "resolve_gaps": "tracking.gaps",
    "open_video": "video.video",
    "make_thumbnails": "extraction.thumbnails",
    "read_annotation": "projects.annotation_reader",
    "read_features": "features.io.reading",
    "read_tracking": "projects.tracking_reader",
    "render_video": "rendering.annotated_video",
    "time_budgets": "annotations.statistics",
    "tracked_video": "plugin.viewer",
    "write_annotation": "projects.annotation_reader",
    "write_features": "features.io.writing",
    "export_features": "features.io.layouts",
    "view": "plugin.viewer",
    "write_synthetic_clip": "synthetic",
    "write_tracking": "tracking.io.writing",
}

_MODULES = {"explore": "explore", "learning": "learning", "plots": "plots"}
"""Names that are modules."""

__all__ = [
    "Annotation",
    "AnnotationEditor",
    "Behavior",
    "Bout",
    "Ethogram",
    "ExtractionSettings",
    "Features",
    "KeypointBoxes",
    "NapariI3DError",
    "Origin",
    "Problem",
    "RenderOptions",
    "RenderedVideo",
    "Tracking",
    "TrackingEditor",
    "TrackingReading",
    "Tracklet",
    "Video",
    "VideoFacts",
    "__version__",
    "agreement",
    "behavior_statistics",
    "behavior_transitions",
    "check_tracking",
    "convert_features",
    "explore",
    "export_features",
    "extract_features",
    "extract_to_store",
    "learning",
    "make_thumbnails",
    "open_video",
    "plots",
    "read_annotation",
    "read_features",
    "read_tracking",
    "render_video",
    "resolve_gaps",
    "time_budgets",
    "tracked_video",
    "view",
    "write_annotation",
    "write_features",
    "write_synthetic_clip",
    "write_tracking",
]


def __getattr__(name: str) -> Any:
    value: Any
    if name in _MODULES:
        value = importlib.import_module(f"{__name__}.{_MODULES[name]}")
    elif name in _HOMES:
        with needed_for(f"napari_i3d.{name}", "all"):
            value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
