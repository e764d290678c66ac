"""Exploring features: maps, clusters, similar moments, changes, and comparisons of two files.

Functions take a `FeatureTable` (rows of several videos and individuals, each tied to its video frame), `Features` of
one video or of several by name, or a plain array whose row n is frame n.
Those that take long have a twin, ``..._steps``: a generator that yields `Step` records of progress and returns the
result; `finish` runs it to its end.
"""

from napari_i3d._utils.progress import Step, Steps, finish
from napari_i3d.annotations.bouts import Bout, BoutStatistics, bout_statistics
from napari_i3d.explore.change_points import Change, kernel_change_steps, kernel_changes
from napari_i3d.explore.clustering import Clusters, cluster_steps, clusters
from napari_i3d.explore.comparison import Comparison, compare
from napari_i3d.explore.components import Components, component_steps, principal_components
from napari_i3d.explore.embedding import Map, MapMethod, map_rows, map_steps
from napari_i3d.explore.foote_novelty import Novelty, novelty, novelty_steps
from napari_i3d.explore.label_runs import bouts, transitions
from napari_i3d.explore.retrieval import Hit, SimilarMoments, similar_moments, similar_steps
from napari_i3d.explore.self_similarity import (
    SimilarityImage,
    Tile,
    similarity_image,
    similarity_image_steps,
    similarity_tiles,
)
from napari_i3d.explore.standardize import scaling_of, scaling_steps, standardize, standardize_steps
from napari_i3d.features.io.csv_table import write_rows
from napari_i3d.features.scaling import Scaling
from napari_i3d.features.sequence import FeatureSequence
from napari_i3d.features.table import FeatureTable, StackLike, table_of_arrays, table_of_features
from napari_i3d.individuals import Span

__all__ = [
    "Bout",
    "BoutStatistics",
    "Change",
    "Clusters",
    "Comparison",
    "Components",
    "FeatureSequence",
    "FeatureTable",
    "Hit",
    "Map",
    "MapMethod",
    "Novelty",
    "Scaling",
    "SimilarMoments",
    "SimilarityImage",
    "Span",
    "StackLike",
    "Step",
    "Steps",
    "Tile",
    "bout_statistics",
    "bouts",
    "cluster_steps",
    "clusters",
    "compare",
    "component_steps",
    "finish",
    "kernel_change_steps",
    "kernel_changes",
    "map_rows",
    "map_steps",
    "novelty",
    "novelty_steps",
    "principal_components",
    "scaling_of",
    "scaling_steps",
    "similar_moments",
    "similar_steps",
    "similarity_image",
    "similarity_image_steps",
    "similarity_tiles",
    "standardize",
    "standardize_steps",
    "table_of_arrays",
    "table_of_features",
    "transitions",
    "write_rows",
]
