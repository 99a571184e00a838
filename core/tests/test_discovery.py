"""Discovery: whatever one installed plugin does, the others are found and it is listed."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from casebridge_core import ConnectorCatalog, PluginError, PluginLoadError
from casebridge_core.discovery import PluginSource, discover

Install = Callable[..., None]

GOOD = "from casebridge_core import hookimpl\n@hookimpl\ndef itsm_setup_guide(): ...\n"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Lay an installed distribution out, as pip would, with one module and its entry points."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(
        distribution: str,
        source: str = GOOD,
        *,
        entry_points: str | None = None,
        metadata: str | None = None,
        path: Path = tmp_path,
    ) -> None:
        module = f"found_{distribution.replace('-', '_')}"
        path.mkdir(exist_ok=True)
        (path / f"{module}.py").write_text(source)
        meta = path / f"{distribution.replace('-', '_')}-1.2.dist-info"
        meta.mkdir()
        if metadata is None:
            metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n"
        if metadata:
            (meta / "METADATA").write_text(metadata)
        if entry_points is None:
            entry_points = f"[casebridge]\n{distribution} = {module}\n"
        (meta / "entry_points.txt").write_text(entry_points)

    return make


def found(*names: str) -> tuple[list[str], dict[str, PluginError]]:
    discovery = discover(only=names)
    failures = {failure.source.name: failure.error for failure in discovery.failures}
    return [plugin.source.name for plugin in discovery.loaded], failures


def test_an_installed_plugin_is_found_with_its_distribution(install: Install) -> None:
    install("zebra")

    (plugin,) = discover(only=["zebra"]).loaded

    assert plugin.source == PluginSource(name="zebra", distribution="zebra", version="1.2")
    assert getattr(plugin.module, "__name__", None) == "found_zebra"


def test_plugins_come_in_the_order_of_their_names(install: Install) -> None:
    for name in ("zebra", "ant", "mole"):
        install(name)

    assert found("zebra", "ant", "mole") == (["ant", "mole", "zebra"], {})


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("import nowhere_to_be_found", "ModuleNotFoundError: No module named"),
        ("def broken(:", "SyntaxError: invalid syntax"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("import asyncio\nraise asyncio.CancelledError", "failed: CancelledError"),
        ("raise RuntimeError('two\\nlines')", "RuntimeError: two lines"),
        ("class Mute(BaseException): __str__ = None\nraise Mute", "failed: Mute"),
        ("null\x00byte", "failed: SyntaxError"),
    ],
)
def test_a_plugin_that_breaks_on_import_hides_no_other(
    install: Install, source: str, problem: str
) -> None:
    install("ant")
    install("broken", source)
    install("zebra")

    loaded, failures = found("ant", "broken", "zebra")

    assert loaded == ["ant", "zebra"]
    assert list(failures) == ["broken"]
    assert isinstance(failures["broken"], PluginLoadError)
    assert "importing found_broken failed: " in str(failures["broken"])
    assert problem in str(failures["broken"])
    assert failures["broken"].__cause__ is not None


def test_ctrl_c_during_an_import_is_not_swallowed(install: Install) -> None:
    install("broken", "raise KeyboardInterrupt")

    with pytest.raises(KeyboardInterrupt):
        discover(only=["broken"])


def test_an_attribute_that_is_not_there_is_a_failure_of_its_plugin(install: Install) -> None:
    install("ant", entry_points="[casebridge]\nant = found_ant:missing\n")

    assert "AttributeError" in str(found("ant")[1]["ant"])


def test_one_malformed_list_of_entry_points_hides_no_other(install: Install) -> None:
    install("ant")
    install("broken", entry_points="[casebridge]\nno equals sign\n")
    install("stranger", entry_points="[console_scripts]\nno equals sign\n")

    loaded, failures = found("ant")

    assert loaded == ["ant"]
    assert list(failures) == ["broken"]
    assert "its entry points cannot be read: TypeError" in str(failures["broken"])


def test_a_distribution_without_metadata_is_found_all_the_same(install: Install) -> None:
    install("bare", metadata="")

    (plugin,) = discover(only=["bare"]).loaded

    assert plugin.source == PluginSource(name="bare", distribution="", version="")


def test_metadata_that_cannot_be_read_hides_no_other(install: Install) -> None:
    def point(distribution: object) -> EntryPoint:
        entry = EntryPoint("ant", "found_ant", "casebridge")
        vars(entry)["dist"] = distribution
        return entry

    class Torn:
        @property
        def name(self) -> str:
            raise LookupError

    install("ant")

    (plugin,) = discover(points=[point(Torn())]).loaded

    assert plugin.source == PluginSource(name="ant", distribution="", version="")


def test_two_plugins_of_one_name_are_both_refused(install: Install) -> None:
    install("ant")
    install("other", entry_points="[casebridge]\nant = found_other\n")

    discovery = discover(only=["ant"])

    assert discovery.loaded == ()
    assert [failure.source.distribution for failure in discovery.failures] == ["ant", "other"]
    assert all("uninstall one" in str(failure.error) for failure in discovery.failures)


def test_a_distribution_that_is_installed_twice_counts_once(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("ant")
    monkeypatch.syspath_prepend(str(tmp_path / "first"))
    install("ant", path=tmp_path / "first")

    assert found("ant") == (["ant"], {})


def test_what_is_not_on_the_list_is_not_even_imported(install: Install) -> None:
    install("ant")
    install("broken", "raise SystemExit")

    discovery = discover(only=["ant"])

    assert "broken" in [source.name for source in discovery.disabled]
    assert discovery.failures == ()


def test_an_empty_list_enables_nothing(install: Install) -> None:
    install("ant")

    discovery = discover(only=[])

    assert (discovery.loaded, discovery.failures) == ((), ())
    assert "ant" in [source.name for source in discovery.disabled]


def test_no_list_enables_everything(install: Install) -> None:
    install("ant")

    discovery = discover()

    assert "ant" in [plugin.source.name for plugin in discovery.loaded]
    assert discovery.disabled == ()


def test_a_name_on_the_list_that_is_not_installed_is_a_failure() -> None:
    loaded, failures = found("absent")

    assert loaded == []
    assert "is enabled but not installed" in str(failures["absent"])


def test_a_plugin_that_goes_is_gone(install: Install, tmp_path: Path) -> None:
    install("ant")
    (tmp_path / "ant-1.2.dist-info" / "entry_points.txt").write_text("")

    assert found("ant")[0] == []


def test_the_catalog_is_built_of_what_is_installed(install: Install) -> None:
    install("ant")
    install("broken", "raise SystemExit")

    catalog = ConnectorCatalog.installed(only=["ant", "broken"])

    assert [source.name for source in catalog.cross_cutting] == ["ant"]
    assert [failure.source.name for failure in catalog.failures] == ["broken"]
