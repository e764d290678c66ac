"""Pages for users: links lead to files and headings that exist, and the options and names on them are the program's."""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import napari_i3d
from napari_i3d.cli.main import _parser

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
PAGES = (README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md")))

all_pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def relative_links(page: Path) -> Iterator[tuple[Path, str]]:
    """Yield the file and the anchor of each link and image that does not lead to another site."""
    text = re.sub(r"^```.*?^```", "", read(page), flags=re.DOTALL | re.MULTILINE)
    for first, second in re.findall(r'\]\(([^)\s]+)\)|src="([^"]+)"', text):
        target, _, anchor = (first or second).partition("#")
        if not target.startswith(("http:", "https:")):
            yield (page.parent / target).resolve() if target else page, anchor


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", read(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


@all_pages
def test_relative_links_lead_somewhere(page: Path) -> None:
    for target, anchor in relative_links(page):
        assert target.is_file(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors(target), f"{page.name} links to {target.name}#{anchor}"


def test_readme_is_short_and_leads_to_every_page() -> None:
    assert README.stat().st_size <= 9000
    linked = {target for target, _ in relative_links(README)}
    assert set(PAGES) - {README} <= linked
    assert ROOT / "docs" / "images" / "viewer.png" in linked


def section(page: Path, heading: str) -> str:
    """Return what a page says below a heading, up to the next one of the same level."""
    _, found, rest = read(page).partition(f"\n{heading}\n")
    assert found
    level = heading.split(" ")[0]
    return re.split(rf"^{level} ", rest, flags=re.MULTILINE)[0]


def subcommands() -> dict[str, argparse.ArgumentParser]:
    (actions,) = (action for action in _parser()._actions if isinstance(action, argparse._SubParsersAction))
    return dict(actions.choices)


@pytest.mark.parametrize("command", ["extract", "check", "detect", "plot"])
def test_options_page_lists_exactly_the_options(command: str) -> None:
    actions = [action for action in subcommands()[command]._actions if action.option_strings != ["-h", "--help"]]
    options = {option for action in actions for option in action.option_strings}
    page = section(ROOT / "docs" / "options.md", f"## {command}")
    # Options that several commands share stand in one place.
    linked = "](#tracking-of-other-programs)" in page
    page += section(ROOT / "docs" / "options.md", "### Tracking of other programs") if linked else ""
    assert set(re.findall(r"--\w+", page)) == options
    for action in actions:
        for choice in action.choices or ():
            assert str(choice) in page, f"{action.dest} {choice}"


def test_options_page_lists_every_command() -> None:
    page = read(ROOT / "docs" / "options.md")
    assert set(re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE)) == set(subcommands())


def test_python_page_lists_every_public_name() -> None:
    page = read(ROOT / "docs" / "python.md")
    table = "".join(line.split("|")[1] for line in page.splitlines() if line.startswith("| `"))
    listed = set(re.findall(r"`(\w+)", table))
    assert listed <= set(napari_i3d.__all__)
    types = {"Features", "Problem", "Tracking", "Tracklet", "Video", "__version__"}
    assert set(napari_i3d.__all__) - types <= listed


@pytest.mark.parametrize(("name", "least"), [("labelling", 11), ("correcting", 11), ("learning", 2)])
def test_keys_on_the_pages_are_those_of_their_actions(name: str, least: int) -> None:
    from napari_i3d.plugin.keys import ACTIONS

    defaults = {action.text: re.sub(r"-(?=.)", "+", action.key) for action in ACTIONS}
    page = read(ROOT / "docs" / f"{name}.md")
    tables = re.findall(r"^\| key \| .+\n\| --- .+\n((?:\|.+\n)+)", page, flags=re.MULTILINE)
    listed = re.findall(r"^\| `(\S+)` \| (.+) \|$", "".join(tables), flags=re.MULTILINE)
    assert len(listed) >= least
    for key, text in listed:
        assert defaults.get(text) == key, f"{name}.md: {key} for '{text}', the actions have {defaults.get(text)}"
    # Keys in the text are those of some action, or of behaviors, numbers and napari's shapes.
    known = {*defaults.values(), "1", "R", "[", "]"}
    assert set(re.findall(r"`([^`\s]{1,2}|(?:Ctrl|Alt|Shift)\+\S+)`", page)) <= known
