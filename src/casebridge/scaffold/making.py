"""Filling in the template, and writing what came of it where nothing is overwritten."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

import msgspec
from jinja2 import Environment, StrictUndefined

_TEMPLATE: Final = files("casebridge.scaffold") / "template"
_VENDOR: Final = re.compile(r"[a-z][a-z0-9_]{1,31}")
_LONGEST_KIND: Final = 20
_ENDING: Final = ".jinja"
_PACKAGE: Final = "__package__"


class License(StrEnum):
    """What the new plugin is licensed under."""

    APACHE = "Apache-2.0"
    MIT = "MIT"
    NONE = "none"


class ScaffoldError(Exception):
    """The plugin cannot be made; the message says what to do."""


class NewPlugin(msgspec.Struct, frozen=True, kw_only=True):
    """What a plugin is made from. ``vendor`` is how connectors name it, such as ``acme``."""

    vendor: str
    title: str
    author: str
    license: License
    year: int

    @property
    def package(self) -> str:
        """The import package."""
        return f"casebridge_{self.vendor}"

    @property
    def distribution(self) -> str:
        """What is installed with pip."""
        return f"casebridge-{self.vendor.replace('_', '-')}"

    @property
    def kind(self) -> str:
        """What its classes are named after: the vendor, unless that makes the lines too long."""
        kind = self.vendor.title().replace("_", "")
        return kind if len(kind) <= _LONGEST_KIND else "Vendor"


def check_vendor(vendor: str) -> None:
    """See that a vendor's name fits the contract.

    Raises:
        ScaffoldError: it does not.
    """
    if _VENDOR.fullmatch(vendor) is None:
        raise ScaffoldError(
            "a vendor's name is 2 to 32 characters of a-z, 0-9 and _, and begins with a letter"
        )


def render(plugin: NewPlugin) -> dict[str, str]:
    """Return every file of a new plugin: its path, with slashes, and its text.

    Raises:
        ScaffoldError: the vendor's name does not fit.
    """
    check_vendor(plugin.vendor)
    environment = Environment(  # noqa: S701 - it makes source files, not pages
        undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True
    )
    names = {
        **msgspec.structs.asdict(plugin),
        "package": plugin.package,
        "distribution": plugin.distribution,
        "kind": plugin.kind,
    }
    rendered = {
        path.removesuffix(_ENDING).replace(_PACKAGE, plugin.package): environment.from_string(
            source.read_text(encoding="utf-8")
        ).render(names)
        for path, source in _walk(_TEMPLATE, "")
    }
    return {path: text for path, text in rendered.items() if text or path.endswith("py.typed")}


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write the files into a folder that is not there yet, or is empty.

    Raises:
        ScaffoldError: there is something in it already; nothing was written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ScaffoldError(f"{folder} is there already and not empty; name another with --into")
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith((_ENDING, "py.typed")):
            yield f"{prefix}{entry.name}", entry
