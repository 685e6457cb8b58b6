"""Entry point of all commands, with stop signals, one-line errors and exit statuses."""

import atexit
import errno
import os
import re
import shlex
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NoReturn

import click
import cloup

from tune_mnist.errors import USER_ERROR, UserError, error_line
from tune_mnist.notices import notices_shown
from tune_mnist.output import accept_all_characters, finish_output
from tune_mnist.process import started_ray_early
from tune_mnist.quoting import MAX_QUOTED, printable, shortened
from tune_mnist.stop_signals import stop_signals
from tune_mnist.suggestions import alternatives, closest, hyperparameter_meant

# Errors of the operating system that the user can fix: a full disk, a quota, a missing permission,
# an impossible name, a folder in place of a file. Any other OSError keeps its traceback.
USER_ERRORS = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM),
    *(errno.ENAMETOOLONG, errno.ELOOP, errno.EIO, errno.EISDIR, errno.ENOTDIR, errno.ENOTEMPTY),
)


class SpaceCommand(cloup.Command):
    """Command whose hyperparameters are set in a space file, not by options.

    Args:
        hyperparameters: Description of each hyperparameter, keyed by name. The error for an
            unknown option says where hyperparameters are set.
        arguments: Further arguments for ``cloup.Command``.
    """

    def __init__(self, *, hyperparameters: Mapping[str, str], **arguments: Any) -> None:
        super().__init__(**arguments)
        self.hyperparameters = hyperparameters


def run(command: click.Command) -> NoReturn:
    """Run a command with the arguments of this process, and exit the process.

    A mistake of the user is reported as one line on standard error, without a traceback, and the
    exit status is 2. After Ctrl-C, one line says that the command was interrupted, followed by the
    message of the KeyboardInterrupt, if it has one.
    """
    stop_signals.install()
    accept_all_characters(sys.stdout)
    accept_all_characters(sys.stderr)
    try:
        with notices_shown():
            status = command.main(standalone_mode=False)
        finish_output()
    except click.ClickException as error:
        _fail(_message(error))
    except UserError as error:
        _fail(str(error))
    except OSError as error:
        if error.errno not in USER_ERRORS:
            raise
        # A failed rename names two files: the temporary one and the one that the user knows.
        place = error.filename2 or error.filename
        _fail(f"{place}: {error.strerror}" if place else str(error.strerror))
    except (KeyboardInterrupt, click.Abort) as error:
        # Click turns a KeyboardInterrupt or an EOFError into an Abort without its message.
        interrupt = error.__cause__ if isinstance(error, click.Abort) else error
        said = interrupt.args if isinstance(interrupt, KeyboardInterrupt) else ()
        click.echo(printable("; ".join(["interrupted", *map(str, said)])), err=True)
        _exit(stop_signals.status)
    _exit(status if isinstance(status, int) else 0)


def duration(text: str) -> float:
    """Parse a duration such as ``90``, ``90s``, ``25m`` or ``1.5h``, and return it in seconds.

    Args:
        text: A number, optionally followed by a unit: ``s`` (default), ``m`` or ``h``.

    Raises:
        click.BadParameter: The text is not a duration.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    if not match:
        raise click.BadParameter(
            f"'{text}' is not a duration: give seconds, or a number with s, m or h, such as 25m"
        )
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def typed_command(name: str) -> str:
    """Return the command line of this process, to be recorded in the results.

    The command line has the form ``python -m tune_mnist.<name> ...``, even if the command was
    started as ``tune-mnist <name> ...``.

    Args:
        name: Name of the command, such as ``search``.
    """
    arguments = sys.argv[1:]
    if arguments[:1] == [name]:
        arguments = arguments[1:]
    return shlex.join(["python", "-m", f"tune_mnist.{name}", *arguments])


def _unknown_option(flag: str, ctx: click.Context) -> str:
    """Return the error message for an unknown option, with the options that it probably means."""
    helps: dict[str, str] = {}
    for option in ctx.command.get_params(ctx):
        helps |= dict.fromkeys(option.opts, getattr(option, "help", None) or "")
        helps |= dict.fromkeys(option.secondary_opts, "")
    helps = {name: text for name, text in helps.items() if name.startswith("--")}
    unknown = f"No such option '{shortened(flag, MAX_QUOTED)}'"
    if isinstance(ctx.command, SpaceCommand):
        meant = hyperparameter_meant(flag, helps, ctx.command.hyperparameters)
        if meant is not None:
            return f"{unknown}: {meant} is a hyperparameter, whose range is set in a --space file"
    close = closest(flag, helps, helps)
    if close:
        return f"{unknown} (did you mean {alternatives(close)}?)"
    return f"{unknown}: --help lists the options"


def _exit(status: int) -> NoReturn:
    """Exit the process; after a stop signal, skip the clean-up of the interpreter.

    The interpreter frees all modules of PyTorch and Ray one by one, which can take more than ten
    seconds on a busy machine. ``docker stop`` and Slurm kill a process soon after their signal.
    It is skipped, too, if a search ends by an error while a thread can still be inside Ray.
    """
    if stop_signals.received or (status == USER_ERROR and started_ray_early()):
        atexit._run_exitfuncs()
        with suppress(OSError, ValueError):  # the reader of a pipe may have been stopped, too
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def _message(error: click.ClickException) -> str:
    """Return the message of a Click error, listing the closest known names first."""
    if isinstance(error, click.NoSuchOption) and error.ctx is not None:
        return _unknown_option(error.option_name, error.ctx)
    found = getattr(error, "possibilities", None)
    if not found:
        message = error.format_message()
        # Click 8.5 has no class of its own for this error.
        extra = message.startswith("Got unexpected extra argument")
        return f"{message}: --help lists the options" if extra else message
    return f"{error.message.removesuffix('.')} (did you mean {alternatives(found)}?)"


def _fail(message: str) -> NoReturn:
    click.echo(error_line(message), err=True)
    _exit(USER_ERROR)
