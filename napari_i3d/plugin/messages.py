"""Messages of the core in the words of the docks: it speaks of options of the command, which are buttons here."""

_WORDS = {
    "use --gaps split or --gaps interpolate": "set 'Gaps' in the Extract dock to split or interpolate",
    "extract with --pad and --frequency 1": "extract with 'a row for every frame' ticked and 'Every n-th frame' 1",
    "set pad, and frequency 1": "tick 'a row for every frame', and set 'Every n-th frame' to 1",
    "then give the same command again": "then press Run again",
    "use --weights untrained": "choose untrained weights",
    "i3d_suffix: layout": "name of the features file: layout",
    "use --save_metadata, or the --layout of the program": "tick 'first and last frame in the file', or choose the "
    "program under 'Made for'",
    "--sample_mode center_crop": "'Image': 'center of the box'",
    "run `napari-i3d weights download`": "press Download in the Extract dock",
    "video_w is set and video_h is not": "a width is set and no height",
    "video_h is set and video_w is not": "a height is set and no width",
}


def in_dock_words(message: object) -> str:
    """Return a message, or that of an error, with the names that settings have in the docks."""
    text = str(message)
    for option, setting in _WORDS.items():
        text = text.replace(option, setting)
    return text
