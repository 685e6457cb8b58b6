"""The image, as far as it can be checked without building it: there is no Docker in the tests."""

import re
import shutil
import subprocess
import sys
import tomllib

from packaging.requirements import Requirement

import tune_mnist
from tests.deploy.recipes import DEPLOY, KUBERAY, ROOT, cluster_spec, instructions, pods

KNOWN = {"FROM", "ARG", "WORKDIR", "COPY", "RUN", "ENV", "USER", "CMD"}


def arguments(word: str) -> list[str]:
    return [rest for name, rest in instructions() if name == word]


def ray_versions() -> set[str]:
    """The version of Ray wherever a recipe names it."""
    (argument,) = (rest for rest in arguments("ARG") if rest.startswith("RAY_VERSION="))
    named = {argument.removeprefix("RAY_VERSION=")}
    for path in DEPLOY.rglob("*.yaml"):
        named |= set(re.findall(r"ray\[[\w,]+\]==([\w.]+)", path.read_text()))
    return named | {cluster_spec(kind)["rayVersion"] for kind in KUBERAY}


def test_all_recipes_run_one_ray_which_the_package_allows():
    (version,) = ray_versions()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = [Requirement(text) for text in project["dependencies"]]
    (ray,) = (requirement for requirement in requirements if requirement.name == "ray")
    assert ray.specifier.contains(version)


def test_all_manifests_run_the_image_of_this_version():
    image = f"registry.example.com/tune-mnist:{tune_mnist.__version__}"
    used = {pod["spec"]["containers"][0]["image"] for kind in KUBERAY for pod in pods(kind)}
    assert used == {image}
    assert f"--tag {image}" in (DEPLOY / "Dockerfile").read_text()


def test_it_has_instructions_that_docker_knows_and_pinned_bases():
    assert {word for word, _ in instructions()} <= KNOWN
    for base in arguments("FROM"):
        assert re.match(r"python:3\.\d+-slim-\w+( AS \w+)?$", base)


def test_it_runs_as_a_user_who_is_not_root_and_asks_for_the_token():
    words = [word for word, _ in instructions()]
    (user,) = arguments("USER")
    assert int(user) > 0
    assert f"useradd --uid {user} " in " ".join(arguments("RUN"))
    assert words.index("USER") > max(i for i, word in enumerate(words) if word == "RUN")
    assert "RAY_AUTH_MODE=token" in arguments("ENV")[0].split()


def test_what_it_copies_is_all_that_the_wheel_is_built_from(tmp_path):
    shown = (DEPLOY / "Dockerfile.dockerignore").read_text().split()
    for line in arguments("COPY"):
        if line.startswith("--from"):
            continue
        *sources, target = line.split()
        for source in sources:
            assert f"!{source}" in shown
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, tmp_path / target)
            else:
                shutil.copy(ROOT / source, tmp_path / target)
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    assert wheel.name.startswith(f"tune_mnist-{tune_mnist.__version__}-")
