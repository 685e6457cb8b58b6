"""Import of the report's modules in the background."""

import subprocess
import sys


def test_the_modules_of_the_report_are_imported_in_the_background():
    code = (
        "import sys, tune_mnist.reporting.preload as preload; before = set(sys.modules);"
        " preload.preload().join(); print('plotly.graph_objects' in before,"
        " {'plotly.graph_objects', 'tune_mnist.reporting.page'} <= set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False True\n"
