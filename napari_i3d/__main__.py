"""Run the command: ``python -m napari_i3d``."""

import sys

from napari_i3d.cli.main import main

sys.exit(main())
