"""What several test modules use: made-up data with known answers, stand-ins, and counters.

``tests`` is on the path (``pythonpath`` in pyproject.toml), so tests import ``helpers.videos`` and so on. Modules named
in ``PLUGINS`` define fixtures, which ``tests/conftest.py`` makes known to all tests.
"""

import os
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
PLUGINS = [
    f"helpers.{name}"
    for name in (
        "folders",
        "videos",
        "processes",
        "clips",
        "networks",
        "demo",
        "batches",
        "cluster",
        "features",
        "published_weights",
        "rendering",
        "windows",
        "hostile.fixtures",
    )
]


def program_environment(**others: str) -> dict[str, str]:
    """Return the environment of a Python process that imports helpers: this one's, and where they are."""
    path = os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH"))))
    return os.environ | {"PYTHONPATH": path} | others
