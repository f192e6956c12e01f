"""Drill files: read whole, wrong ones refused with every problem."""

from __future__ import annotations

import pytest

from imu.errors import ConfigError
from imu.feedback import Drill, drill_names, drill_text, load_drill
from imu.feedback.drill_reader import describe


def test_the_library_has_a_squat_as_the_programme_prescribes_it():
    assert "squat" in drill_names()
    drill = load_drill(drill_text("squat"), "squat.toml")
    assert drill.tempo.seconds == (3.0, 1.0, 2.0, 1.0)
    assert drill.target.aim_deg == 90
    assert drill.valgus.text == "Keep the knee aligned with the second toe"
    assert not drill.depth.cue
    assert drill.unseen


def test_every_drill_of_the_library_loads():
    for name in drill_names():
        assert load_drill(drill_text(name), f"{name}.toml").name == name


def test_all_problems_are_reported_together_with_file_key_and_remedy():
    text = (
        drill_text("squat")
        .replace("open_deg = 20", "open_deg = 200")
        .replace("down_s = 3", 'down_s = "slow"')
        .replace("target_count = 8\n", "")
        .replace('one_leg = "not_worn"', 'one_leg = "sometimes"')
        .replace("cue = false", "cue = 1")
        .replace("dwell_ms = 100", "dwell_ms = 100\ndwel_ms = 90")
        .replace('words = ["Down", "Hold", "Up", "Rest"]', 'words = ["Down"]')
    )
    with pytest.raises(ConfigError) as caught:
        load_drill(text, "mine.toml")
    lines = str(caught.value).splitlines()
    assert all(line.startswith("mine.toml: ") for line in lines)
    for key, remedy in {
        "repetition.open_deg": "give 8 to 60",
        "tempo.down_s": "give a number",
        "target_count": "is missing; give a value",
        "signal.one_leg": "give one of never, not_worn, always",
        "depth.cue": "give true or false",
        "valgus.dwel_ms": "is unknown; remove it",
        "tempo.words": "give 4",
    }.items():
        assert any(line.startswith(f"mine.toml: {key} ") and remedy in line for line in lines), key
    assert len(lines) == 7


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("minimum_deg = 30", "minimum_deg = 15", "repetition.minimum_deg"),
        ("low_deg = 80", "low_deg = 95", "target"),
        ("apart_deg = 6", "apart_deg = 15", "signal.apart_deg"),
        ("partial_deg = 60", "partial_deg = 120", "depth.partial_deg"),
        ("aim_deg = 90", "aim_deg = nan", "target.aim_deg"),
    ],
)
def test_values_that_contradict_each_other_are_refused(old, new, key):
    with pytest.raises(ConfigError, match=key):
        load_drill(drill_text("squat").replace(old, new), "mine.toml")


def test_broken_toml_and_a_table_that_is_none_are_refused():
    with pytest.raises(ConfigError, match=r"mine.toml: not TOML .*line 1"):
        load_drill("name = \n", "mine.toml")
    with pytest.raises(ConfigError, match="tempo is 3; make it a table"):
        load_drill("tempo = 3", "mine.toml")


def test_an_unknown_name_lists_the_library():
    with pytest.raises(ConfigError, match="squat"):
        drill_text("skwat")


def test_every_field_explains_itself():
    texts = dict(describe(Drill))
    assert len(texts) > 40
    for key, text in texts.items():
        if key.endswith(("_deg", "_s", "_ms", "_dps", "_share", "_percent")):
            assert "Larger" in text, key
            assert "Recommended" in text or "smaller" in text.lower(), key
