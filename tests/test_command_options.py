"""Options of the commands, which are derived from declarations, and their help."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import click
import cloup
import pytest
from click.testing import CliRunner
from pydantic import BaseModel, Field

from tests.messages import assert_named, assert_refused
from tune_mnist.__main__ import cli
from tune_mnist.command_options import SETTINGS, derived, grouped, own
from tune_mnist.declarations import Choices, Duration, Option
from tune_mnist.training.config import HYPERPARAMETERS
from tune_mnist.tuning.options.option_fields import OptionFields
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.spaces.space import load_space

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {"torch", "ray", "optuna", "pandas", "scipy", "sklearn", "pyarrow", "plotly"}


class Oven(BaseModel):
    heat: Annotated[int, Option("How hot"), Field(ge=1, description="Degrees.")]
    bread: Annotated[str, Choices(("rye", "wheat")), Option("What"), Field(description="Dough.")]
    limit: Annotated[
        Annotated[float, Duration()] | None,
        Option("How hot", default="no limit"),
        Field(description="Time."),
    ] = None
    fan: Annotated[bool, Option("How hot"), Field(description="With the fan.")] = False
    hidden: int = 3


def baked(*arguments: str) -> dict[str, object]:
    """Return the arguments that a command with the options of an oven receives."""
    seen: dict[str, object] = {}
    options = [own("--name", "What", "Name of the loaf."), *derived(Oven)]

    @cloup.command(params=grouped(("What", "How hot"), options), context_settings=SETTINGS)
    def bake(**given: object) -> None:
        seen.update(given)

    bake.main(list(arguments), standalone_mode=False)
    return seen


def help_of(command: str) -> str:
    result = CliRunner().invoke(cli, [command, "--help"], env={"COLUMNS": "100"})
    assert result.exit_code == 0
    return result.output


def test_an_omitted_option_is_none() -> None:
    given = baked("--heat", "200", "--bread", "rye")
    assert given == {"name": None, "heat": 200, "bread": "rye", "limit": None, "fan": None}


def test_values_are_converted_to_the_type_of_the_field() -> None:
    given = baked("--heat", "200", "--bread", "rye", "--limit", "2m", "--fan", "--name", "x")
    assert given == {"name": "x", "heat": 200, "bread": "rye", "limit": 120.0, "fan": True}


def test_a_field_without_a_default_is_required() -> None:
    with pytest.raises(click.MissingParameter):
        baked("--bread", "rye")


def test_an_invalid_choice_is_refused_with_a_suggestion() -> None:
    assert_refused("bread 'wheet' 'wheat' rye", baked, "--heat", "200", "--bread", "wheet")


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        (
            "search",
            [
                r"--searcher \[tpe\|.*random\|.*",
                r"--scheduler \[asha\|.*none\]",
                r"--init \[derived\|torch\]",
                r"--precision \[auto\|fp32\|bf16\]",
                r"--device \[auto\|cpu\|cuda\]",
                r"--dataset \[mnist\|.*digits.*\]",
                r"--objective val_accuracy\[,parameters\]\[,train_seconds\]",
            ],
        ),
        (
            "train",
            [
                r"--model \[lenet\|alexnet\|resnet\|vggnet\|.*\.\.\.\]",
                r"--optimizer \[sgd\|.*\]",
                r"--lr-schedule \[constant\|cosine.*\]",
            ],
        ),
    ],
)
def test_help_lists_the_choices(command: str, lines: list[str]) -> None:
    shown = help_of(command)
    for line in lines:
        assert re.search(rf"^  {line}", shown, re.MULTILINE), line


def test_help_is_grouped_and_every_option_has_a_description() -> None:
    for name, command in cli.commands.items():
        for option in command.params:
            if isinstance(option, click.Option) and option.name != "help":
                assert option.help, f"{name} {option.name}"
                assert option.help[0].isupper(), option.help
    headings = re.findall(r"^(\w.*):$", help_of("search"), re.MULTILINE)
    assert headings[:4] == ["Search", "Budget", "Early stopping", "Data"]


def test_every_search_option_and_hyperparameter_has_a_command_line_option() -> None:
    search = {option.name for option in cli.commands["search"].params}
    fields = {name for name, field in OptionFields.model_fields.items() if not field.exclude}
    assert fields <= search
    train = {option.name for option in cli.commands["train"].params}
    assert set(HYPERPARAMETERS) - {"max_epochs"} <= train


@pytest.mark.parametrize("command", ["search", "train", "report", "predict", "export"])
def test_help_imports_no_heavy_package(command: str) -> None:
    code = (
        "import sys\n"
        f"from tune_mnist.{command} import {command}\n"
        f"try: {command}.main(['--help'])\n"
        f"except SystemExit: print('loaded', *({HEAVY} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "loaded"


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        (["--num-samples", "0", "--models", "examples/own_network.py"], "--num-samples 1 0"),
        (["--models", "examples/own_nets.py"], "--models examples/own_nets.py"),
        (["--gpus-per-trial", "1.5"], "--gpus-per-trial 1.5"),
        (["--objective", "speed"], "objective 'speed' val_accuracy"),
    ],
)
def test_an_invalid_value_is_refused_before_the_imports_of_a_search(
    arguments: list[str], facts: str
) -> None:
    code = (
        "import sys\n"
        "from tune_mnist.search import search\n"
        "try: search.main(sys.argv[1:], standalone_mode=False)\n"
        f"except Exception as error: print(error, *({HEAVY} & set(sys.modules)), sep='|')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    message, *heavy = done.stdout.strip().split("|")
    assert_named(facts, message)
    assert not heavy


def test_the_readme_names_no_option_that_is_not_there() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    known = {name for command in cli.commands.values() for o in command.params for name in o.opts}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))
    assert named - known <= {"--help"}


def test_a_wrong_value_is_named_by_its_field_in_python() -> None:
    assert_refused("final_seeds -1", SearchOptions.for_space, load_space("lenet"), final_seeds=-1)
