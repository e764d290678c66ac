"""Detection of planted animals: the oracle is where the ellipses were drawn."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from helpers.detection_scenes import HEIGHT, WIDTH, Animal, Scene, circle, line, overlap
from napari_i3d._utils.progress import Step, finish
from napari_i3d.detection.detect import detect
from napari_i3d.detection.detection import Detection, Doubt
from napari_i3d.detection.settings import DetectionSettings
from napari_i3d.errors import SettingsError, VideoError


def run(scene: Scene, individuals: int | None = None, **others) -> Detection:
    settings = DetectionSettings(individuals=individuals or len(scene.animals), margin=0.0, **others)
    return finish(detect(scene, settings))  # type: ignore[arg-type]


def found_boxes(detection: Detection, individual: str, n_frames: int) -> NDArray[np.float64]:
    boxes = np.full((n_frames, 4), np.nan)
    tracklet = detection.tracking[individual]
    boxes[tracklet.start : tracklet.stop] = tracklet.boxes
    return boxes


def shares(scene: Scene, detection: Detection, order: Sequence[int]) -> list[float]:
    """The share of frames with an IoU over 0.5, for the animals that ind1, ind2, ... should be."""
    return [
        float((overlap(scene.boxes(animal), found_boxes(detection, f"ind{number}", len(scene))) > 0.5).mean())
        for number, animal in enumerate(order, start=1)
    ]


def order_at(scene: Scene, detection: Detection, frame: int) -> list[int]:
    """Which animal ind1, ind2, ... is in a frame."""
    true = [scene.boxes(index) for index in range(len(scene.animals))]
    order = []
    for individual in detection.tracking:
        found = found_boxes(detection, individual, len(scene))
        order.append(int(np.argmax([overlap(boxes, found)[frame] for boxes in true])))
    return order


@pytest.mark.parametrize(("shade", "ground"), [(60, 170), (230, 40), (120, 170)], ids=["dark", "light", "gray"])
def test_single_animal_has_a_box_in_every_frame(shade: float, ground: float) -> None:
    scene = Scene([Animal(circle((120, 80), 50), shade)], ground=ground)
    detection = run(scene)
    assert list(detection.tracking) == ["ind1"]
    assert overlap(scene.boxes(0), found_boxes(detection, "ind1", len(scene))).min() > 0.6
    assert detection.uncertain == ()
    assert detection.notes == ()


def test_dark_and_light_animals_with_contrast_both() -> None:
    scene = Scene([Animal(circle((60, 80), 35), 40), Animal(circle((180, 80), 35), 245)], ground=140)
    detection = run(scene, contrast="both")
    assert shares(scene, detection, order_at(scene, detection, 10)) == [1.0, 1.0]


def test_margin_grows_boxes_within_the_image() -> None:
    scene = Scene([Animal(line((2, 80), (235, 80)))])
    plain = found_boxes(run(scene), "ind1", len(scene))
    grown = finish(detect(scene, DetectionSettings(individuals=1, margin=0.2))).tracking["ind1"].boxes  # type: ignore[arg-type]
    assert grown[:, 0].min() == 0
    assert grown[:, 2].max() == WIDTH
    middle = slice(40, 80)
    length = (plain[middle, 2:] - plain[middle, :2]).max(axis=1)
    np.testing.assert_allclose(plain[middle, 0] - grown[middle, 0], 0.2 * length, atol=1.01)
    np.testing.assert_allclose(grown[middle, 3] - plain[middle, 3], 0.2 * length, atol=1.01)


def test_crossing_keeps_ids_and_is_reported() -> None:
    scene = Scene([Animal(line((20, 75), (220, 85))), Animal(line((220, 78), (20, 82)))])
    detection = run(scene)
    order = order_at(scene, detection, 5)
    assert sorted(order) == [0, 1]
    assert order_at(scene, detection, 115) == order
    assert min(shares(scene, detection, order)) > 0.85
    (crossing,) = [one for one in detection.uncertain if one.kind is Doubt.CROSSING]
    assert crossing.ids == ("ind1", "ind2")
    assert 45 < crossing.first_frame < 60 < crossing.last_frame < 75
    assert f"may be swapped from frame {crossing.last_frame + 1} on" in crossing.message
    problem = crossing.problem
    assert (problem.id, problem.frame, problem.kind) == ("ind1", crossing.first_frame, "crossing")


def test_animals_that_turn_back_when_they_meet_are_told_by_size() -> None:
    # Both come to the middle, stay together for long, and go back where they came from.
    stay = np.repeat([[0.0, 0.0]], 40, axis=0)
    left = np.concatenate([line((30, 80), (110, 80), 50), stay + np.array([110, 80]), line((110, 80), (30, 80), 50)])
    right = np.concatenate([line((210, 80), (132, 80), 50), stay + np.array([132, 80]), line((132, 80), (210, 80), 50)])
    scene = Scene([Animal(left, 60, 18, 10), Animal(right, 90, 10, 6)])
    detection = run(scene)
    assert order_at(scene, detection, 135) == order_at(scene, detection, 5)
    assert [one.kind for one in detection.uncertain] == [Doubt.CROSSING]


def test_boxes_of_touching_animals_stay_their_own() -> None:
    scene = Scene([Animal(line((60, 80), (109, 80))), Animal(line((180, 80), (131, 80)))])
    detection = run(scene)
    true = scene.boxes(0), scene.boxes(1)
    for number, animal in enumerate(order_at(scene, detection, 5), start=1):
        found = found_boxes(detection, f"ind{number}", len(scene))
        assert overlap(true[animal], found)[-15:].min() > 0.5


def test_late_arrival_starts_late() -> None:
    path = line((-40, 120), (200, 120))
    scene = Scene([Animal(circle((120, 50), 30)), Animal(path)])
    detection = run(scene)
    first = int(np.flatnonzero(np.isfinite(scene.boxes(1)[:, 0]))[0])
    tracklet = detection.tracking["ind2"]
    assert first <= tracklet.start <= first + 8
    assert tracklet.stop == len(scene)
    assert detection.tracking["ind1"].start == 0


def test_leaving_animal_ends_and_comes_back() -> None:
    path = np.concatenate(
        [line((200, 120), (290, 120), 50), line((290, 120), (290, 60), 40), line((290, 60), (180, 60), 50)]
    )
    scene = Scene([Animal(circle((80, 80), 40, 140)), Animal(path)])
    detection = run(scene, max_gap_frames=10)
    order = order_at(scene, detection, 5)
    leaver = detection.tracking[f"ind{order.index(1) + 1}"]
    assert len(leaver.gaps) == 1
    there = np.isfinite(scene.boxes(1)[:, 0])
    gone, back = np.flatnonzero(~there)[[0, -1]]
    assert abs(leaver.gaps[0][0] - gone) <= 8
    assert abs(leaver.gaps[0][1] - back) <= 8
    assert min(shares(scene, detection, order)) > 0.85


def test_two_that_were_out_of_sight_together_may_be_swapped() -> None:
    out, wait, back = line((40, 50), (-40, 50), 40), line((-40, 50), (-40, 50), 30), line((-40, 50), (60, 50), 50)
    left = np.concatenate([out, wait, back])
    right = np.array([WIDTH, HEIGHT]) - left
    detection = run(Scene([Animal(left), Animal(right)]), max_gap_frames=5)
    (unseen,) = detection.uncertain
    assert (unseen.kind, unseen.ids) == (Doubt.UNSEEN, ("ind1", "ind2"))
    assert "ind1 and ind2 are out of sight; they may be swapped from frame" in unseen.message
    assert 15 < unseen.first_frame < 40
    assert 75 < unseen.last_frame < 105


def test_short_gap_is_interpolated_and_reported() -> None:
    path = circle((120, 80), 50)
    path[60:66] = np.nan
    scene = Scene([Animal(path)])
    detection = run(scene)
    assert detection.tracking["ind1"].gaps == ()
    (unseen,) = detection.uncertain
    assert (unseen.kind, unseen.ids) == (Doubt.UNSEEN, ("ind1",))
    assert unseen.first_frame in (60, 61)
    assert unseen.last_frame in (64, 65)
    assert "interpolated" in unseen.message
    (gap,) = run(scene, max_gap_frames=0).tracking["ind1"].gaps
    assert gap == (unseen.first_frame, unseen.last_frame + 1)


def test_still_animal_is_found_if_it_moves_once() -> None:
    path = np.concatenate([np.repeat([[60.0, 80.0]], 90, axis=0), line((60, 80), (180, 80), 30)])
    scene = Scene([Animal(path)])
    assert shares(scene, run(scene), [0]) == [1.0]


def test_flicker_of_light_is_no_animal() -> None:
    light = np.random.default_rng(1).uniform(-25, 25, 120)
    scene = Scene([Animal(circle((120, 80), 50))], light=light)
    detection = run(scene)
    assert shares(scene, detection, [0]) == [1.0]
    assert detection.uncertain == ()


def test_shadow_is_not_part_of_the_box() -> None:
    scene = Scene([Animal(circle((120, 80), 50), 30)], shadow=25)
    detection = run(scene)
    assert overlap(scene.boxes(0), found_boxes(detection, "ind1", len(scene))).min() > 0.6


@pytest.mark.parametrize("noise", [6.0, 12.0])
def test_noise_makes_no_individuals(noise: float) -> None:
    scene = Scene([Animal(circle((60, 80), 35)), Animal(circle((180, 80), 35))], noise=noise)
    detection = run(scene)
    assert shares(scene, detection, order_at(scene, detection, 10)) == [1.0, 1.0]


def test_more_animals_than_asked_for_keeps_the_largest() -> None:
    big, small = Animal(circle((60, 80), 35), 60, 16, 9), Animal(circle((180, 80), 35), 60, 6, 4)
    scene = Scene([small, big])
    assert shares(scene, run(scene, 1), [1]) == [1.0]


def test_animals_never_apart_are_fewer_than_asked_for() -> None:
    path = circle((120, 80), 40)
    scene = Scene([Animal(path), Animal(path + np.array([4, 2]))])
    detection = run(scene)
    assert list(detection.tracking) == ["ind1"]
    assert "1 of 2 individuals found" in detection.notes[0]


def test_many_animals_on_their_own_tracks() -> None:
    animals = [Animal(line((20, y), (220, y)), 60, 9, 5) for y in (20, 60, 100, 140)]
    scene = Scene(animals)
    detection = run(scene)
    order = order_at(scene, detection, 5)
    assert sorted(order) == [0, 1, 2, 3]
    assert min(shares(scene, detection, order)) == 1.0
    assert detection.uncertain == ()


def test_motionless_animal_is_found_against_its_surroundings() -> None:
    still = np.repeat([[60.0, 80.0]], 120, axis=0)
    scene = Scene([Animal(still), Animal(circle((180, 80), 35))])
    over_time = run(scene)
    assert len(over_time.tracking) == 1
    assert "never moved" in over_time.notes[0]
    jitter = still + np.random.default_rng(0).normal(0, 2, still.shape)
    scene = Scene([Animal(jitter), Animal(circle((180, 80), 35))])
    around = run(scene, reference="surroundings")
    assert min(shares(scene, around, order_at(scene, around, 10))) > 0.95


def test_moving_camera_is_refused_and_named() -> None:
    camera = np.stack([np.arange(120), np.zeros(120)], axis=1)
    with pytest.raises(VideoError, match=r'camera and a light that stand still, found .*%.*reference="surroundings"'):
        run(Scene([Animal(circle((120, 80), 50))], camera=camera))


def test_video_without_animals_is_refused() -> None:
    with pytest.raises(VideoError, match=r"scene\.mp4: no individual found"):
        run(Scene([]), 1)


def test_frame_of_other_brightness_costs_that_frame_only() -> None:
    light = np.zeros(120)
    light[50] = -165
    scene = Scene([Animal(circle((120, 80), 50))], light=light)
    detection = run(scene)
    boxes = found_boxes(detection, "ind1", len(scene))
    assert (overlap(scene.boxes(0), boxes) > 0.5).all()


def test_large_image_is_reduced_and_boxes_are_in_its_pixels() -> None:
    class Large(Scene):
        def __getitem__(self, number: int) -> NDArray[np.uint8]:
            return np.kron(super().__getitem__(number), np.ones((4, 4, 1), np.uint8))

    scene = Large([Animal(circle((120, 80), 50, 60))])
    scene.shape = (60, 4 * HEIGHT, 4 * WIDTH, 3)
    boxes = run(scene).tracking["ind1"].boxes
    assert overlap(4 * scene.boxes(0), boxes).min() > 0.7


def test_progress_counts_up_to_the_end_and_can_be_cancelled() -> None:
    scene = Scene([Animal(circle((120, 80), 50))])
    steps: list[Step] = list(detect(scene, DetectionSettings(individuals=1)))  # type: ignore[arg-type]
    assert [step.done for step in steps] == list(range(1, len(steps) + 1))
    assert {step.total for step in steps} == {len(steps)}
    assert scene.read == len(scene)
    work = detect(scene, DetectionSettings(individuals=1))  # type: ignore[arg-type]
    for _ in range(40):
        next(work)
    read = scene.read
    work.close()
    assert read < scene.read + 1 <= 2 * len(scene)


def test_same_video_gives_the_same_boxes() -> None:
    scene = Scene([Animal(line((20, 75), (220, 85))), Animal(line((220, 78), (20, 82)))])
    first, second = run(scene), run(scene)
    assert first.uncertain == second.uncertain
    for individual, tracklet in first.tracking.items():
        np.testing.assert_array_equal(tracklet.boxes, second.tracking[individual].boxes)


@pytest.mark.parametrize(
    "wrong",
    [
        {"individuals": 0},
        {"individuals": 101},
        {"individuals": True},
        {"individuals": 1, "threshold": 0},
        {"individuals": 1, "threshold": float("nan")},
        {"individuals": 1, "margin": -0.1},
        {"individuals": 1, "margin": "0.1"},
        {"individuals": 1, "min_area": 0},
        {"individuals": 1, "contrast": "bright"},
        {"individuals": 1, "reference": "space"},
        {"individuals": 1, "max_gap_frames": -1},
    ],
)
def test_wrong_settings_are_named(wrong: dict) -> None:
    name = list(wrong)[-1]
    with pytest.raises(SettingsError, match=name):
        DetectionSettings(**wrong)
