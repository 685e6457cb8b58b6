"""The Docker image, as far as it can be checked without building it."""

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
    """Return the versions of Ray in all recipes."""
    (argument,) = (rest for rest in arguments("ARG") if rest.startswith("RAY_VERSION="))
    named = {argument.removeprefix("RAY_VERSION=")}
    for path in DEPLOY.rglob("*.yaml"):
        named |= set(re.findall(r"ray\[[\w,]+\]==([\w.]+)", path.read_text()))
    return named | {cluster_spec(kind)["rayVersion"] for kind in KUBERAY}


def test_all_recipes_use_one_version_of_ray_that_the_package_allows():
    (version,) = ray_versions()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = [Requirement(text) for text in project["dependencies"]]
    (ray,) = (requirement for requirement in requirements if requirement.name == "ray")
    assert ray.specifier.contains(version)


def test_all_manifests_use_the_image_of_this_version():
    image = f"registry.example.com/tune-mnist:{tune_mnist.__version__}"
    used = {pod["spec"]["containers"][0]["image"] for kind in KUBERAY for pod in pods(kind)}
    assert used == {image}
    assert f"--tag {image}" in (DEPLOY / "Dockerfile").read_text()


def test_the_dockerfile_has_valid_instructions_and_pinned_bases():
    assert {word for word, _ in instructions()} <= KNOWN
    for base in arguments("FROM"):
        assert re.match(r"python:3\.\d+-slim-\w+( AS \w+)?$", base)


def test_the_image_runs_without_root_and_requires_the_token():
    words = [word for word, _ in instructions()]
    (user,) = arguments("USER")
    assert int(user) > 0
    assert f"useradd --uid {user} " in " ".join(arguments("RUN"))
    assert words.index("USER") > max(i for i, word in enumerate(words) if word == "RUN")
    assert "RAY_AUTH_MODE=token" in arguments("ENV")[0].split()


def test_the_image_copies_all_files_that_the_wheel_is_built_from(tmp_path):
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
