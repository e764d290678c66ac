"""Exploring features: maps, clusters, similar moments, changes, and comparisons of two files.

Functions take a `FeatureTable` (rows of several videos and individuals, each tied to its video frame), `Features` of
one video or of several by name, or a plain array whose row n is frame n.

A function that takes long has an attribute `steps` with the same parameters, for progress:
``novelty.steps(table)`` is a generator that yields `Step`s and returns the result; `finish` runs it to its end.
"""

from napari_i3d._utils.progress import Step, Steps, finish
from napari_i3d.explore.change_points import Change, kernel_changes
from napari_i3d.explore.clustering import Clusters, clusters
from napari_i3d.explore.comparison import Comparison, compare
from napari_i3d.explore.components import Components, principal_components
from napari_i3d.explore.embedding import Map, MapMethod, map_rows
from napari_i3d.explore.foote_novelty import Novelty, novelty
from napari_i3d.explore.label_runs import (
    LabelRun,
    LabelRunStatistics,
    label_run_statistics,
    label_runs,
    transitions,
)
from napari_i3d.explore.retrieval import Hit, SimilarMoments, similar_moments
from napari_i3d.explore.self_similarity import SimilarityImage, Tile, similarity_image, similarity_tiles
from napari_i3d.explore.standardize import scaling_of, standardize
from napari_i3d.features.io.csv_table import write_rows
from napari_i3d.features.scaling import Scaling
from napari_i3d.features.sequence import FeatureSequence
from napari_i3d.features.table import FeatureTable, TableLike, table_of_arrays, table_of_features
from napari_i3d.individuals import Span

__all__ = [
    "Change",
    "Clusters",
    "Comparison",
    "Components",
    "FeatureSequence",
    "FeatureTable",
    "Hit",
    "LabelRun",
    "LabelRunStatistics",
    "Map",
    "MapMethod",
    "Novelty",
    "Scaling",
    "SimilarMoments",
    "SimilarityImage",
    "Span",
    "Step",
    "Steps",
    "TableLike",
    "Tile",
    "clusters",
    "compare",
    "finish",
    "kernel_changes",
    "label_run_statistics",
    "label_runs",
    "map_rows",
    "novelty",
    "principal_components",
    "scaling_of",
    "similar_moments",
    "similarity_image",
    "similarity_tiles",
    "standardize",
    "table_of_arrays",
    "table_of_features",
    "transitions",
    "write_rows",
]
