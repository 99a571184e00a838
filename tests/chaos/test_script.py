"""A script is a pure function of its seed."""

from __future__ import annotations

from chaos.script import ANALYSTS, PEOPLE, WEATHER, write_script


def test_a_seed_is_always_the_same_storm() -> None:
    assert write_script(5, seconds=60, size=40) == write_script(5, seconds=60, size=40)
    assert write_script(5, seconds=60, size=40) != write_script(6, seconds=60, size=40)


def test_acts_are_in_order_and_of_every_kind() -> None:
    script = write_script(5, seconds=300, size=100)

    moments = [act.at for act in script.acts]
    assert moments == sorted(moments)
    assert 0 < moments[0] < moments[-1] < 300
    assert {act.what for act in script.acts} == {*ANALYSTS, *PEOPLE, *WEATHER}


def test_cases_come_to_the_size_before_and_during_the_storm() -> None:
    script = write_script(5, seconds=120, size=40)
    still = write_script(5, seconds=120, size=40, creates=False)

    created = sum(act.what == "create" for act in script.acts)
    assert (created, script.standing) == (20, 20)
    assert "create" not in {act.what for act in still.acts}
    assert still.standing == 40
