"""MkDocs hooks: pages for linked files of the repository outside ``docs/``.

The documents use relative links that also work on GitHub, such as ``../../examples/own_data.py``.
The site shows each linked file as a page below ``repository/``: Markdown rendered, code
highlighted, any other file copied. A link to a file that does not exist is left unchanged, and
MkDocs reports the link.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

_ROOT = Path(__file__).resolve().parents[1]
_PREFIX = "repository/"
_LANGUAGES = {
    "": "text",
    ".cfg": "ini",
    ".csv": "text",
    ".json": "json",
    ".py": "python",
    ".sh": "bash",
    ".toml": "toml",
    ".yaml": "yaml",
    ".yml": "yaml",
}
_LINK = re.compile(r"(?<=\]\()(?P<path>[^)\s#:]+)(?P<anchor>#[^)\s]*)?(?=\))")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the files outside ``docs/`` that a page or the navigation links to."""
    pages = [(_repository_path(page), page.content_string) for page in files.documentation_pages()]
    for path in re.findall(rf"'{_PREFIX}([^']+)'", str(config.nav)):
        pages.append((path, _add(files, config, path)))
    while pages:
        source, text = pages.pop()
        for link in _LINK.finditer(text):
            target = _target(source, link["path"])
            if target and not files.get_file_from_path(_site_path(target)):
                pages.append((target, _add(files, config, target)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, **_: object) -> str:
    """Redirect links to files of the repository to the pages of the files.

    The search of the site skips these pages, unless the navigation contains them.
    """
    source = _repository_path(page.file)
    if page.file.src_uri.startswith(_PREFIX) and page.file.src_uri not in str(config.nav):
        page.meta["search"] = {"exclude": True}
    folder = posixpath.dirname(page.file.src_uri) or "."

    def on_site(link: re.Match[str]) -> str:
        target = _target(source, link["path"])
        if target is None:
            return link[0]
        return posixpath.relpath(_site_path(target), folder) + (link["anchor"] or "")

    return _LINK.sub(on_site, markdown)


def _add(files: Files, config: MkDocsConfig, path: str) -> str:
    """Add a file of the repository to the site; return its text if it is Markdown, else ``""``."""
    source, uri = _ROOT / path, _site_path(path)
    if not uri.endswith(".md"):
        files.append(File.generated(config, uri, abs_src_path=str(source)))
        return ""
    text = source.read_text(encoding="utf-8")
    markdown = text if source.suffix == ".md" else _code_page(path, text)
    files.append(File.generated(config, uri, content=markdown))
    return text if source.suffix == ".md" else ""


def _code_page(path: str, text: str) -> str:
    fence = "`" * 8
    return f"# {path}\n\n{fence} {_LANGUAGES[Path(path).suffix]}\n{text}\n{fence}\n"


def _repository_path(file: File) -> str:
    """Return the path of a page's source, relative to the root of the repository."""
    uri = file.src_uri
    return uri.removeprefix(_PREFIX) if uri.startswith(_PREFIX) else f"docs/{uri}"


def _site_path(path: str) -> str:
    """Return the path of a file's source on the site."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return _PREFIX + path + (".md" if Path(path).suffix in _LANGUAGES else "")


def _target(source: str, link: str) -> str | None:
    """Return the path of a linked file, relative to the repository, or None for other links."""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), link))
    outside = path.startswith("..") or not (_ROOT / path).is_file()
    return None if outside else path
