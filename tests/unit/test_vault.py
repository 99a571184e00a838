"""The vault: what is sealed opens in its own place only, and the key file is the owner's alone."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebridge.services.vault import KEY_BYTES, Vault, VaultError

KEY, OTHER_KEY = bytes(range(KEY_BYTES)), bytes(reversed(range(KEY_BYTES)))
CONTEXT = "connector:con_1"
PLAIN = b'{"api_token": "swordfish"}'


@pytest.fixture
def vault() -> Vault:
    return Vault((KEY,))


@given(plain=st.binary(max_size=200), context=st.text(max_size=50))
def test_what_is_sealed_opens_again(plain: bytes, context: str) -> None:
    vault = Vault((KEY,))

    assert vault.open(vault.seal(plain, context=context), context=context) == plain


def test_a_sealed_value_shows_nothing_of_what_is_in_it(vault: Vault) -> None:
    sealed = vault.seal(PLAIN, context=CONTEXT)

    assert b"swordfish" not in sealed
    assert KEY not in sealed


def test_the_same_text_is_sealed_differently_every_time(vault: Vault) -> None:
    assert vault.seal(PLAIN, context=CONTEXT) != vault.seal(PLAIN, context=CONTEXT)


def test_a_value_moved_to_another_record_does_not_open(vault: Vault) -> None:
    sealed = vault.seal(PLAIN, context=CONTEXT)

    with pytest.raises(VaultError, match="connector:con_2 cannot be opened"):
        vault.open(sealed, context="connector:con_2")


def test_no_changed_byte_goes_unnoticed(vault: Vault) -> None:
    sealed = vault.seal(PLAIN, context=CONTEXT)

    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(VaultError):
            vault.open(bytes(changed), context=CONTEXT)


@given(garbage=st.binary(max_size=200))
def test_garbage_is_refused_and_never_a_surprise(garbage: bytes) -> None:
    with pytest.raises(VaultError):
        Vault((KEY,)).open(garbage, context=CONTEXT)


def test_without_its_master_key_a_value_stays_shut_and_the_cure_is_named(vault: Vault) -> None:
    sealed = vault.seal(PLAIN, context=CONTEXT)

    with pytest.raises(VaultError, match="not among those of CASEBRIDGE_KEYS") as caught:
        Vault((OTHER_KEY,)).open(sealed, context=CONTEXT)

    assert "swordfish" not in str(caught.value)


def test_while_keys_rotate_the_first_seals_and_all_of_them_open(vault: Vault) -> None:
    old = vault.seal(PLAIN, context=CONTEXT)
    both = Vault((OTHER_KEY, KEY))

    new = both.seal(PLAIN, context=CONTEXT)

    assert both.open(old, context=CONTEXT) == PLAIN
    assert Vault((OTHER_KEY,)).open(new, context=CONTEXT) == PLAIN


@pytest.mark.parametrize("keys", [(), (b"",), (KEY[:-1],), (KEY, KEY + b"x")])
def test_a_key_must_have_its_length(keys: tuple[bytes, ...]) -> None:
    with pytest.raises(VaultError, match="32 bytes"):
        Vault(keys)


def encoded(*keys: bytes) -> str:
    return ",".join(base64.b64encode(key).decode() for key in keys)


def test_keys_of_the_environment_go_before_the_file(tmp_path: Path, vault: Vault) -> None:
    sealed = vault.seal(PLAIN, context=CONTEXT)

    chosen = Vault.from_settings(encoded(OTHER_KEY, KEY), tmp_path / "casebridge.key")

    assert chosen.open(sealed, context=CONTEXT) == PLAIN
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("keys", ["swordfish", "c3dvcmRmaXNo", "swordfish,swordfish", "ä"])
def test_a_key_that_cannot_be_read_is_named_by_its_place_and_not_quoted(
    tmp_path: Path, keys: str
) -> None:
    with pytest.raises(VaultError) as caught:
        Vault.from_settings(keys, tmp_path / "casebridge.key")

    assert keys not in str(caught.value)
    assert "32 bytes" in str(caught.value)


def test_the_first_start_makes_a_key_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "new" / "casebridge.key"

    sealed = Vault.from_settings("", path).seal(PLAIN, context=CONTEXT)

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o077 == 0
    assert Vault.from_settings("", path).open(sealed, context=CONTEXT) == PLAIN


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644, 0o602])
def test_a_key_file_that_others_can_reach_is_refused_with_the_cure(
    tmp_path: Path, mode: int
) -> None:
    path = tmp_path / "casebridge.key"
    Vault.from_settings("", path)
    path.chmod(mode)

    with pytest.raises(VaultError, match="chmod 600"):
        Vault.from_settings("", path)


def test_a_key_file_can_hold_several_keys_one_a_line(tmp_path: Path, vault: Vault) -> None:
    path = tmp_path / "casebridge.key"
    path.write_text(f"{encoded(OTHER_KEY)}\n{encoded(KEY)}\n")
    path.chmod(0o600)

    chosen = Vault.from_settings("", path)

    assert chosen.open(vault.seal(PLAIN, context=CONTEXT), context=CONTEXT) == PLAIN


@pytest.mark.parametrize("content", ["", "\n", "not base64!", encoded(KEY[:-1])])
def test_a_spoilt_key_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "casebridge.key"
    path.write_text(content)
    path.chmod(0o600)

    with pytest.raises(VaultError):
        Vault.from_settings("", path)


ROUNDS = 60
_RACER = """
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from casebridge.services.vault import Vault
for line in sys.stdin:
    vault = Vault.from_settings("", Path(line.strip()))
    print(vault.seal(b"mine", context="race").hex(), flush=True)
"""


@pytest.fixture
def racers() -> Iterator[list[subprocess.Popen[str]]]:
    """Run processes that build a vault over each key file that they are told."""
    command = [sys.executable, "-c", _RACER]
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                subprocess.Popen(  # noqa: S603 - our own text
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                )
            )
            for _ in range(3)
        ]


def test_processes_that_start_together_end_up_with_one_key(
    tmp_path: Path, racers: list[subprocess.Popen[str]]
) -> None:
    for number in range(ROUNDS):
        path = tmp_path / f"{number}.key"
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write(f"{path}\n")
            racer.stdin.flush()
        for racer in racers:
            assert racer.stdout is not None
            sealed = bytes.fromhex(racer.stdout.readline())
            assert Vault.from_settings("", path).open(sealed, context="race") == b"mine"

    assert len(list(tmp_path.iterdir())) == ROUNDS
