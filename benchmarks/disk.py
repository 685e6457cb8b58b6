"""Peak disk usage of a search with 16 VGG trials, each with half a gigabyte of weights.

Run: python benchmarks/disk.py [options of search]..., for example --scheduler asha-stopping

The size of a checkpoint does not depend on the images, so the search uses small images.
The size of the results folder is measured ten times per second.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

SAMPLE_SECONDS = 0.1
CONCURRENT = 2


def main() -> None:
    """Run the search, and print the peak disk usage in gigabytes and in checkpoints."""
    options = sys.argv[1:]
    with tempfile.TemporaryDirectory() as output:
        directory = Path(output) / "disk"
        process = subprocess.Popen(  # noqa: S603 - our own command
            [
                *(sys.executable, "-m", "tune_mnist.search", "--space", "vggnet"),
                *("--dataset", "digits", "--fraction", "0.1", "--image-size", "28"),
                *("--num-samples", "16", "--max-epochs", "4", "--final-seeds", "0", *options),
                *("--max-concurrent", str(CONCURRENT), "--cpus-per-trial", "1"),
                *("--output-dir", output, "--name", "disk"),
            ],
            stdout=subprocess.DEVNULL,
        )
        peak, checkpoint = 0, 1
        while process.poll() is None:
            peak = max(peak, size_of(directory))
            sizes = (size_of(path) for path in directory.glob("checkpoints/*/epoch-*"))
            checkpoint = max(checkpoint, *sizes, 0)
            time.sleep(SAMPLE_SECONDS)
        print(f"{CONCURRENT} trials at a time, options {options}, exit {process.returncode}")
        print(f"largest checkpoint {checkpoint / 1e9:.2f} GB, peak {peak / 1e9:.2f} GB")
        print(f"peak in checkpoints {peak / checkpoint:.2f}, limit {CONCURRENT + 2}")


def size_of(directory: Path) -> int:
    """Return the total size in bytes of the files in a folder, while a search writes to it."""
    total = 0
    for path in directory.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:  # deleted in the meantime
            continue
    return total


if __name__ == "__main__":
    main()
