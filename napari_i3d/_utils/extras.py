"""Optional dependencies."""

import contextlib
from collections.abc import Iterator

from napari_i3d.errors import NapariI3DError


@contextlib.contextmanager
def needed_for(what: str, extra: str, kind: type[NapariI3DError] = NapariI3DError) -> Iterator[None]:
    """Import, in the block, a package that `extra` installs and `what` needs; raise `kind` if it is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name == "napari_i3d":
            raise
        raise kind(
            f"{what} needs {name}, which is not installed", hint=f'install it with pip install "napari-i3d[{extra}]"'
        ) from error
