"""Collects the bouts of a file, and what has to be said about them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from napari_i3d._utils.frame_ranges import Range, merge_ranges
from napari_i3d._utils.text import counted, printable
from napari_i3d.annotations.annotation import Annotation, VideoFacts
from napari_i3d.annotations.bouts import Bout, merge_overlapping
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.annotations.io.format import OTHER_VIDEO, AnnotatedVideo, ReadRequest, ReadResult
from napari_i3d.annotations.io.frame_clock import FrameClock
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import Id, format_id

MAX_BOUTS = 200_000
MAX_BEHAVIORS = 1000
MAX_INDIVIDUALS = 1000
_LISTED = 5


class BoutCollector:
    """The bouts of a file while it is read.

    Parameters
    ----------
    request
        What was given beside the file.

    Attributes
    ----------
    notes : list of str
        Notes for the user: one sentence each, without a period.
    """

    def __init__(self, request: ReadRequest) -> None:
        self.request = request
        self.notes: list[str] = []
        self._bouts: list[Bout] = []
        self._places: list[str] = []
        self._dropped: dict[str, list[str]] = {}
        self._n_nobody = self._n_points = 0
        self._known = {str(individual): individual for individual in request.individuals}

    def add(
        self,
        place: str,
        individual: Id | None,
        behavior: object,
        start: int,
        stop: int,
        *,
        point: bool = False,
        **more: Any,
    ) -> None:
        """Add a bout.

        Parameters
        ----------
        place
            Where it is in the file, for messages: ``row 12``.
        individual
            Who shows the behavior; None: the file does not say.
        behavior
            Its name.
        start, stop
            Frames, half-open, counted from 0. A bout without frames is left out, and the notes say so.
        point
            Whether it is an event without duration: it gets one frame.
        more
            Target, origin, confidence and note of the `Bout`.

        Raises
        ------
        AnnotationError
            A value is invalid, or there are more bouts than any annotation has; the message names the place.
        """
        if individual is None:
            individual, self._n_nobody = self.request.nobody, self._n_nobody + 1
        individual = self.named(individual)
        if "target" in more:
            more["target"] = self.named(more["target"])
        if point:
            stop, self._n_points = start + 1, self._n_points + 1
        if stop <= start:
            return self.drop(place, "it has no frame" if stop == start else "it ends before it begins")
        if len(self._bouts) >= MAX_BOUTS:
            raise AnnotationError(f"expected at most {MAX_BOUTS} bouts, found more")
        try:
            # Names of other programs may have blanks at their ends.
            name = behavior.strip() if isinstance(behavior, str) else behavior
            bout = Bout(individual, name, start, stop, **more)  # type: ignore[arg-type]
        except AnnotationError as error:
            raise AnnotationError(f"{place}: {error.message.text}", error.message.hint) from None
        self._bouts.append(bout)
        self._places.append(place)
        return None

    def named(self, individual: Id) -> Id:
        """Return the known id whose text this is; the id itself if there is none."""
        return self._known.get(individual, individual) if isinstance(individual, str) else individual

    def say_rate(self, video: AnnotatedVideo, clock: FrameClock) -> None:
        """Say by which rate times became frames, if the times of the video's frames are not known."""
        if video.times_s is None:
            rate = 1 / clock.frame_s
            self.notes.append(f"times became frames at an even rate of {rate:.6g} frames per second, without the video")

    def drop(self, place: str, why: str) -> None:
        """Leave out what is at a place of the file; the notes say why."""
        self._dropped.setdefault(why, []).append(place)

    def result(
        self,
        behaviors: Iterable[Behavior | str] = (),
        individuals: Iterable[Id] = (),
        assessed: Mapping[Id, Iterable[Range]] | None = None,
        video: AnnotatedVideo | None = None,
        *,
        throughout: Iterable[Id] = (),
        from_times: bool = False,
        **more: Any,
    ) -> ReadResult:
        """Return the annotation, and the notes.

        Parameters
        ----------
        behaviors
            Those that the file lists, or names of them, in order; others are appended.
        individuals
            Those that the file lists, in order; others are appended.
        assessed
            As in `Annotation`. None: the individuals that have a bout are assessed throughout, and the notes say so.
        video
            What is known of the video; None: what the request says.
        throughout
            Individuals that are assessed throughout, with or without bouts.
        from_times
            Whether frames were computed from times: a bout may end one frame after the video by rounding.
        more
            Annotator and notes of the `Annotation`.

        Raises
        ------
        AnnotationError
            A bout ends after the video; the message names it.
        """
        video = video or self.request.video
        self._within(video.n_frames, from_times)
        n_bouts = len(self._bouts)
        bouts = merge_overlapping(self._bouts)
        notes = self._notes_on_items(n_bouts - len(bouts))
        throughout = [*map(self.named, throughout)]
        ids = list(dict.fromkeys([*map(self.named, individuals), *throughout, *(bout.individual for bout in bouts)]))
        if len(ids) > MAX_INDIVIDUALS:
            raise AnnotationError(f"expected at most {MAX_INDIVIDUALS} individuals, found {len(ids)}")
        everyone = list(dict.fromkeys([*throughout, *(bout.individual for bout in bouts)]))
        if assessed is None:
            end = video.n_frames or max((bout.stop for bout in bouts), default=0)
            assessed = {one: [(0, end)] if end else [] for one in everyone}
            if everyone:
                listed = _listed([format_id(one) for one in everyone])
                whole = "" if video.n_frames else f", up to the last bout (frame {end - 1})" if end else ""
                notes.append(f"all frames of {listed} count as assessed{whole}")
        annotation = Annotation(
            ethogram=self._ethogram(behaviors, bouts),
            bouts=bouts,
            assessed={one: merge_ranges(ranges) for one, ranges in assessed.items()},
            individuals=tuple(ids),
            n_frames=video.n_frames,
            fps=video.fps,
            video=VideoFacts(video.name, video.size) if video.name or video.size else None,
            **more,
        )
        return ReadResult(annotation, tuple(self.notes + notes))

    def _within(self, n_frames: int | None, from_times: bool) -> None:
        """Clip bouts that end one frame after the video by rounding; refuse others beyond its end."""
        if n_frames is None:
            return
        beyond = [at for at, bout in enumerate(self._bouts) if bout.stop > n_frames]
        far = [
            at
            for at in beyond
            if not (from_times and self._bouts[at].stop == n_frames + 1 and self._bouts[at].start < n_frames)
        ]
        if far:
            last = max(self._bouts[at].stop for at in far)
            raise AnnotationError(
                f"{_listed([self._places[at] for at in far])}: expected bouts in the frames of the video "
                f"(0 to {n_frames - 1}), found {self._bouts[far[0]]}; the last ends with frame {last - 1}",
                hint="is it the annotation of another video?",
            )
        for at in beyond:
            self._bouts[at] = replace(self._bouts[at], stop=n_frames)
        if beyond:
            listed = _listed([self._places[at] for at in beyond])
            self.notes.append(f"{listed}: ended one frame after the video by rounding, and was clipped")

    def _notes_on_items(self, n_merged: int) -> list[str]:
        notes = [
            f"{counted(len(places), 'item')} left out ({_listed(places)}): {why}"
            for why, places in self._dropped.items()
        ]
        if self._n_nobody:
            nobody = format_id(self.request.nobody)
            notes.append(f"{counted(self._n_nobody, 'bout')} of no individual in the file, given to {nobody}")
        if self._n_points:
            notes.append(f"{counted(self._n_points, 'event')} without duration became bouts of one frame")
        if n_merged:
            notes.append(f"{counted(n_merged, 'bout')} merged with another of the same behavior that it overlaps")
        return notes

    def _ethogram(self, behaviors: Iterable[Behavior | str], bouts: Iterable[Bout]) -> Ethogram:
        own = {behavior if isinstance(behavior, str) else behavior.name: behavior for behavior in behaviors}
        own |= {bout.behavior: own.get(bout.behavior, bout.behavior) for bout in bouts}
        given = self.request.ethogram
        if given is not None:
            more = [name for name in own if name not in given]
            if more:
                self.notes.append(
                    f"not in the given ethogram, and appended: {_listed([format_id(name) for name in more])}"
                )
            own = {**given, **{name: own[name] for name in more}}
        if len(own) > MAX_BEHAVIORS:
            raise AnnotationError(f"expected at most {MAX_BEHAVIORS} behaviors, found {len(own)}")
        return Ethogram(tuple(Behavior(one.strip()) if isinstance(one, str) else one for one in own.values()))


def known_video(
    request: ReadRequest,
    name: str = "",
    n_frames: int | None = None,
    fps: float | None = None,
    duration_s: float | None = None,
    *,
    rough: bool = False,
) -> tuple[AnnotatedVideo, list[str]]:
    """Compare the video that a file names with the one that was given, and return what is known, and notes.

    Parameters
    ----------
    request
        What was given.
    name, n_frames, fps, duration_s
        What the file says about its video.
    rough
        Whether the program may count a few frames more or less than there are, as those do that ask the container.

    Raises
    ------
    AnnotationError
        The file is of a video with another number of frames.
    """
    given, notes = request.video, []
    differ = abs(n_frames - given.n_frames) if n_frames is not None and given.n_frames is not None else 0
    if differ and rough and n_frames is not None and differ <= max(2, n_frames // 500):
        notes.append(f"{OTHER_VIDEO} of {counted(n_frames, 'frame')}, but this one has {given.n_frames}")
    elif differ and n_frames is not None and given.n_frames is not None:
        raise AnnotationError(
            f"expected the annotation of a video of {counted(given.n_frames, 'frame')}"
            f"{f' ({printable(given.name, 80)})' if given.name else ''}, found one of {counted(n_frames, 'frame')}"
            f"{f' ({printable(name, 80)})' if name else ''}",
            hint="is it the annotation of another video?",
        )
    if name and given.name and AnnotatedVideo(name).stem != given.stem:
        notes.append(f"{OTHER_VIDEO} called {printable(name, 80)}, not {printable(given.name, 80)}")
    if fps and given.fps and abs(fps / given.fps - 1) > 0.01:
        notes.append(f"{OTHER_VIDEO} with {fps:g} frames per second, but this one has {given.fps:g}")
    if duration_s and given.n_frames and given.fps:
        length_s = given.n_frames / given.fps
        if abs(duration_s - length_s) > max(1.0, 0.01 * length_s):
            notes.append(f"{OTHER_VIDEO} of {duration_s:.1f} s, but this one has {length_s:.1f} s")
    known = replace(
        given,
        name=given.name or name,
        n_frames=given.n_frames if given.n_frames is not None else n_frames,
        fps=given.fps or fps or None,
    )
    return known, notes


def _listed(places: Sequence[str]) -> str:
    more = f" and {len(places) - _LISTED} more" if len(places) > _LISTED else ""
    return ", ".join(places[:_LISTED]) + more
