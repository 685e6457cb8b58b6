"""Names of values in error messages: options for commands, fields for Python and files."""

import click


def as_typed(field: str) -> str:
    """Return the option, such as ``--final-seeds``, with which the user of a command set a field.

    Args:
        field: Name of a field, such as ``final_seeds``.

    Returns:
        Option, or the field itself if no command runs, or if its command line does not set the
        field. The value then comes from a Python call or from a file.
    """
    context = click.get_current_context(silent=True)
    if context is None or context.params.get(field) is None:
        return field
    for option in context.command.get_params(context):
        if option.name == field and isinstance(option, click.Option):
            return option.opts[-1]
    return field
