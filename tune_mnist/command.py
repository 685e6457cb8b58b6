"""What all commands share: options in common, and errors in one line."""

import errno
import os
import re
import sys
from pathlib import Path
from typing import NoReturn

import click

from tune_mnist.errors import USER_ERROR, UserError, error_line
from tune_mnist.machine import Cgroups, allowed_cpus
from tune_mnist.output import accept_all_characters, finish_output
from tune_mnist.private_folder import private_folder
from tune_mnist.stop_signals import stop_signals

# A full disk, a quota, a missing permission, an impossible name, a folder where a file belongs:
# for the user to mend, unlike a fault of the program.
MENDABLE = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM),
    *(errno.ENAMETOOLONG, errno.ELOOP, errno.EIO, errno.EISDIR, errno.ENOTDIR, errno.ENOTEMPTY),
)


def run(command: click.Command) -> NoReturn:
    """Run a command; a user's mistake becomes one line on stderr and exit status 2."""
    stop_signals.install()
    accept_all_characters(sys.stdout)
    accept_all_characters(sys.stderr)
    try:
        status = command.main(standalone_mode=False)
        finish_output()
    except click.ClickException as error:
        _fail(error.format_message())
    except UserError as error:
        _fail(str(error))
    except OSError as error:
        if error.errno not in MENDABLE:
            raise
        # Of a file that is to get its name, the second is the name.
        place = error.filename2 or error.filename
        _fail(f"{place}: {error.strerror}" if place else str(error.strerror))
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        sys.exit(stop_signals.status)
    sys.exit(status if isinstance(status, int) else 0)


models_option = click.option(
    "--models",
    multiple=True,
    metavar="FILE|MODULE",
    help="Python file, or package.module, with networks of your own; may be repeated.",
)
"""Option of all commands that build a network."""


def set_up_process() -> None:
    """Set what libraries read from the environment when they are imported.

    Threads of PyTorch that spin while they wait bring a busy machine to a crawl, and OpenMP knows
    the affinity of the process, but not the CPU quota of a container. Ray cannot be imported by a
    user without a home folder (HTCondor, some containers): a private temporary one replaces it.

    Raises:
        UserError: There is no home folder, and no temporary one can be made.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    cgroups = Cgroups()
    if cgroups.cpus() is not None:
        os.environ.setdefault("OMP_NUM_THREADS", str(allowed_cpus(cgroups)))
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = str(private_folder())


def duration(text: str) -> float:
    """Return the seconds that a text such as ``90``, ``90s``, ``25m`` or ``1.5h`` means.

    Raises:
        click.BadParameter: it means none.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    if not match:
        raise click.BadParameter(f"'{text}': give seconds, or a number with s, m or h: 25m")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def _fail(message: str) -> NoReturn:
    click.echo(error_line(message), err=True)
    sys.exit(USER_ERROR)
