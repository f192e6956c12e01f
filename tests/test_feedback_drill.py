"""Drill files: read whole, wrong ones refused with every problem."""

from __future__ import annotations

import json

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
    assert drill.depth.cue
    assert drill.unseen


PROGRAMME = (
    "ankle_warm_up", "calf_raise", "glute_bridge", "hip_circle", "hip_hinge", "lateral_band_walk", "leg_swing", "lunge",
    "single_leg_balance", "single_leg_deadlift", "single_leg_squat", "sit_to_stand", "squat", "step_down",
    "unilateral_bridge", "walk_cadence", "weight_bearing_lunge",
)  # fmt: skip


def test_the_library_has_every_drill_of_the_programme_complete():
    assert drill_names() == PROGRAMME
    for name in drill_names():
        drill = load_drill(drill_text(name), f"{name}.toml")
        assert drill.name == name
        assert drill.unseen
        assert drill.easier or drill.harder
        if isinstance(drill, Drill):
            assert drill.tempo.label.startswith(("E-P1-C-P2 ", "C-P1-E-P2 "))
            assert drill.metrics
            assert all(sentence and len(sentence) <= 60 for sentence in drill.sentences), name
            assert drill.compensations or any(metric.text for metric in drill.metrics)


def test_cues_say_where_to_move_and_not_which_muscle_to_use():
    """But for the one sentence that the programme itself prescribes."""
    said = {text for name in drill_names() for text in load_drill(drill_text(name)).sentences}
    muscles = ("glute", "quad", "hamstring", "core", "abs", "muscle", "activate", "contract", "brace")
    assert [text for text in said if any(word in text.lower() for word in muscles)] == []
    assert "Keep the knee aligned with the second toe" in said
    assert any("squeeze the buttocks" in text.lower() for text in said)
    assert any("through the heel" in text for text in said)


TEN_MISTAKES = {
    "repetition.open_deg": ("open_deg = 20", "open_deg = 200", "give 2 to 60"),
    "tempo.down_s": ("down_s = 3", 'down_s = "slow"', "give a number"),
    "target_count": ("target_count = 8\n", "", "is missing; give a value"),
    "signal.one_leg": ('one_leg = "not_worn"', 'one_leg = "nevr"', "give one of never, not_worn, always (nearest: never)"),
    "depth.cue": ("cue = true\ntext = \"A little lower\"", "cue = 1\ntext = \"A little lower\"", "give true or false"),
    "valgus.dwel_ms": ("dwell_ms = 100", "dwell_ms = 100\ndwel_ms = 90", "(nearest: dwell_ms)"),
    "tempo.words": ('words = ["Down", "Hold", "Up", "Rest"]', 'words = ["Down"]', "give 4"),
    "compensations.lean.limit_deg": ("limit_deg = 45", "limit_deg = 450", "give -120 to 120"),
    "target.low_deg": ("low_deg = 80", "low_deg = 95", "put them in this order"),
    "name": ('name = "squat"', 'name = "../squat"', "small letters"),
}
"""Key, what is changed in the squat, and the remedy."""


def test_ten_mistakes_are_ten_problems_with_file_key_and_remedy():
    text = drill_text("squat")
    for old, new, _ in TEN_MISTAKES.values():
        assert old in text
        text = text.replace(old, new, 1)
    with pytest.raises(ConfigError) as caught:
        load_drill(text, "mine.toml")
    lines = str(caught.value).splitlines()
    assert len(lines) == len(TEN_MISTAKES)
    for key, (_, _, remedy) in TEN_MISTAKES.items():
        assert any(line.startswith(f"mine.toml: {key} ") and remedy in line for line in lines), key


@pytest.mark.parametrize("said", ["-f /etc/passwd", "one\ntwo", "bell \x07", "x" * 161])
def test_what_is_said_is_one_line_of_plain_words(said):
    """It is given to a program that speaks."""
    text = drill_text("squat").replace('text = "A little lower"', f"text = {json.dumps(said)}")
    with pytest.raises(ConfigError, match=r"depth\.text"):
        load_drill(text, "mine.toml")


@pytest.mark.parametrize("name", ["../../secret", "/etc/passwd", "squat.toml", "__init__"])
def test_a_name_reaches_no_file_outside_the_library(name):
    with pytest.raises(ConfigError, match="no drill"):
        drill_text(name)


def test_easier_and_harder_are_drills_that_there_are_or_words():
    text = drill_text("squat")
    assert load_drill(text.replace('easier = ["sit_to_stand"]', 'easier = ["a higher box"]')).easier == ("a higher box",)
    with pytest.raises(ConfigError, match=r"easier names 'sit_to_stnd'.*nearest: sit_to_stand"):
        load_drill(text.replace("sit_to_stand", "sit_to_stnd"), "mine.toml")


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("minimum_deg = 30", "minimum_deg = 15", "repetition.minimum_deg"),
        ("low_deg = 80", "low_deg = 95", "target"),
        ("abort_s = 15", "abort_s = 5", "repetition.abort_s"),
        ('name = "butt_wink"', 'name = "lean"', "share the name lean"),
        ('one_leg = "not_worn"', 'side = "left"', "signal.side"),
        ('one_leg = "not_worn"', 'legs = "alternating"\nside = "left"', "signal.side"),
        ('angle = "thigh_tilt"', 'angle = "pelvis_tilt"\nlegs = "one"', "signal.legs"),
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
    assert len(texts) > 80
    assert {"metrics[].take", "compensations[].limit_deg", "signal.legs"} <= set(texts)
    for key, text in texts.items():
        if key.endswith(("_deg", "_s", "_ms", "_dps", "_share", "_percent")):
            assert "Larger" in text, key
            assert "Recommended" in text or "smaller" in text.lower(), key
