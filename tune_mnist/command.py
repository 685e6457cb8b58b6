"""What all commands share: options in common, and errors in one line."""

import errno
import re
import shlex
import sys
from typing import NoReturn

import click

from tune_mnist.errors import USER_ERROR, UserError, error_line
from tune_mnist.output import accept_all_characters, finish_output
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


def duration(text: str) -> float:
    """Return the seconds that a text such as ``90``, ``90s``, ``25m`` or ``1.5h`` means.

    Raises:
        click.BadParameter: it means none.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    if not match:
        raise click.BadParameter(f"'{text}': give seconds, or a number with s, m or h: 25m")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def typed_command(name: str) -> str:
    """Return what the user has typed, whichever of its two names the command was called by.

    Args:
        name: Name of the command.
    """
    arguments = sys.argv[1:]
    if arguments[:1] == [name]:
        arguments = arguments[1:]
    return shlex.join(["python", "-m", f"tune_mnist.{name}", *arguments])


def _fail(message: str) -> NoReturn:
    click.echo(error_line(message), err=True)
    sys.exit(USER_ERROR)
