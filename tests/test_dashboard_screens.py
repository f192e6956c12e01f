"""What each screen says: every painted part publishes its state as words, so the words are what is asserted."""

from __future__ import annotations

from dataclasses import replace
from math import nan, radians

import dashboard_scenes as scenes
import numpy as np
import pytest
from dashboard_bench import open_view, show, visible  # noqa: F401  (fixtures)

from imu.dashboard.patient_view import TROUBLE_AFTER_NS, PatientView
from imu.dashboard.reading import PRAISE, READY, STALE_NS, tempo_state
from imu.dashboard.theme import DARK
from imu.feedback import drill_text, load_drill
from imu.snapshot import DrillView, RepetitionView, ShareView, Snapshot, SummaryView

MS = 1_000_000


def test_connecting_says_what_to_do_and_who_is_missing(view: PatientView):
    said = show(view, scenes.connecting())
    assert said["Steps"] == "Step 1 of 4, Put on and connect"
    assert said["What to do now"] == "Press the buttons of the sensors"
    assert "Left shin, waiting" in said["Sensors"]
    assert "Pelvis, connected, battery 87 percent" in said["Sensors"]
    # nothing is measured yet, so the figure must not claim anything about the knees
    assert said["You, as in a mirror"] == "Where the sensors are worn"


def test_searching_before_any_sensor_is_known(view: PatientView):
    assert show(view, Snapshot())["Sensors"] == "No sound, cues are shown"
    assert show(view, Snapshot(sound=scenes.SOUND))["Sensors"] == "Searching for sensors"


def test_the_steps_go_on(view: PatientView):
    assert show(view, scenes.stand())["Steps"] == "Step 2 of 4, Stand still"
    said = show(view, scenes.movement())
    assert said["Steps"] == "Step 3 of 4, Guided movement"
    assert said["What to do now"] == "Bend both knees slowly and come up again, once"


def test_a_stage_without_an_instruction_still_says_what_to_do(view: PatientView):
    assert show(view, replace(scenes.stand(), instruction=""))["What to do now"].startswith("Stand still")


def test_good_repetition(view: PatientView):
    said = show(view, scenes.drill())
    assert said == {
        "Drill, sensors and sound": "Squat. Sensors. Sound on",
        "Cue": "Good. Keep this rhythm",
        "Count": "Repetition 5 of 8 done",
        "You, as in a mirror": "Both legs measured",
        "You, from the side": "Both legs measured",
        "Depth": "Depth, above target",
        "Tempo": "Down, 3 seconds",
    }


@pytest.mark.parametrize(("depth", "words"), [(79.0, "above"), (80.5, "in"), (99.5, "in"), (101.0, "below")])
def test_depth_in_words(view: PatientView, depth: float, words: str):
    assert show(view, scenes.drill(depth))["Depth"] == f"Depth, {words} target"


@pytest.mark.parametrize("side", ["left", "right"])
def test_alignment_cue_names_its_side(view: PatientView, side):
    said = show(view, scenes.alignment(side))
    assert said["Cue"] == f"{side.capitalize()}. Keep the knee aligned with the second toe"
    assert said["You, as in a mirror"] == f"{side.capitalize()} knee out of line"
    assert [name for name in said if name.startswith("Cue at")] == [f"Cue at the {side} edge"]


def test_tempo_cue_has_no_side(view: PatientView):
    said = show(view, scenes.tempo())
    assert said["Cue"] == "Slower on the way down"
    assert said["Tempo"] == "Down, 3 seconds, out of tempo"
    assert said["You, as in a mirror"] == "Both legs measured"
    assert not [name for name in said if name.startswith("Cue at")]


def test_no_sound_is_said_and_does_not_shrink_the_cue(view: PatientView):
    show(view, scenes.alignment("right"))
    size = view.cue.fit(*view.cue.design_size)[0]
    said = show(view, scenes.no_sound())
    assert "No sound, cues are shown, not heard" in said["Drill, sensors and sound"]
    assert said["Cue"].endswith("Shown, not heard")
    assert view.cue.fit(*view.cue.design_size)[0] == size == 60
    assert "No sound, cues are shown" in show(view, replace(scenes.stand(), sound=scenes.NO_SOUND))["Sensors"]


def test_praise_stops_after_a_fault_and_nothing_is_praised_unseen(view: PatientView):
    s = scenes.drill()
    assert show(view, s)["Cue"] == PRAISE.rstrip(".")
    faulty = replace(s, repetition=replace(s.repetition, marks=("clean", "cued")))
    assert show(view, faulty)["Cue"] == "No cue"
    unseen = replace(s, repetition=replace(s.repetition, depth=nan))
    assert show(view, unseen)["Cue"] == "No cue"


def test_ready_only_before_the_first_repetition(view: PatientView):
    s = replace(scenes.drill(), repetition=RepetitionView(depth=0.0))
    assert show(view, s)["Cue"] == READY.rstrip(".")
    resting = replace(s, repetition=RepetitionView(1, ("clean",), depth=0.0))
    assert show(view, resting)["Cue"] == "No cue"


def test_a_lost_sensor_makes_its_values_unknown_and_says_what_to_do(view: PatientView):
    show(view, scenes.drill())
    said = show(view, scenes.lost())
    assert "4 of 5 sensors" in said["Drill, sensors and sound"]
    assert said["Cue"] == "Stand still, please. The sensor on the right shin is not answering"
    assert said["You, as in a mirror"] == "Not known: right shin"
    assert said["Depth"] == "Depth, not known"
    assert said["What to do"] == "Check the right shin strap. Press its button. Searching"
    # what still works stays: the count, and that it is kept
    assert said["Count"] == "Repetition 5 of 8 done"
    assert said["Count kept"] == "Counting is paused. Your 5 repetitions are kept"
    assert "Tempo" not in said


def test_a_sensor_that_measures_wrongly_is_unknown_and_said(view: PatientView):
    words = "The sensor on the right shin does not measure correctly. Please ask for help"
    wrong = scenes.sensors(shank_right="refused")
    said = show(view, replace(scenes.lost(), sensors=wrong, problem=words))
    assert said["Cue"] == words
    assert said["You, as in a mirror"] == "Not known: right shin"
    assert said["Depth"] == "Depth, not known"
    assert "4 of 5 sensors" in said["Drill, sensors and sound"]
    assert "What to do" not in said  # its strap and its button are not the trouble
    said = show(view, replace(scenes.connecting(), sensors=wrong))
    assert "Right shin, wrong readings" in said["Sensors"]


def test_the_depth_of_one_leg_is_not_the_depth_of_both(view: PatientView):
    s = replace(scenes.lost(), repetition=scenes.drill(40.0).repetition)
    said = show(view, s, 0)
    assert said["Depth"] == "Depth, not known"
    assert said["Cue"] == "No cue"


def test_other_trouble_is_told_without_hiding_the_set_or_a_cue(view: PatientView):
    fault = "The disk is full. Free some space; the set is not recorded any more"
    said = show(view, replace(scenes.drill(), problem=fault))
    assert said["Cue"] == "The disk is full. Free some space; the set is not recorded any more"
    assert said["Tempo"] == "Down, 3 seconds"
    assert "Count kept" not in said
    said = show(view, replace(scenes.alignment("left"), problem=fault))
    assert said["Cue"] == "Left. Keep the knee aligned with the second toe"
    assert said["You, as in a mirror"] == "Left knee out of line"


def test_the_phase_that_is_said_is_the_one_the_tempo_asks_for(view: PatientView):
    s = scenes.drill()
    early = replace(s, repetition=replace(s.repetition, phase=3, pace_s=4.5, progress_s=6.2))
    assert show(view, early)["Tempo"] == "Up, 2 seconds"
    unpaced = replace(s, repetition=replace(s.repetition, phase=3, pace_s=nan, progress_s=nan))
    assert show(view, unpaced)["Tempo"] == "Rest, 1 seconds"
    over = replace(s, repetition=replace(s.repetition, phase=3, pace_s=7.0, progress_s=7.0))
    assert show(view, over)["Tempo"] == "Tempo in seconds: Down 3, Hold 1, Up 2, Rest 1"
    free = replace(s, drill=replace(s.drill, tempo_s=(0.0, 0.0, 0.0, 0.0)))
    assert show(view, free)["Tempo"] == "No tempo prescribed"


def test_unknown_angles_are_never_the_last_value(view: PatientView):
    s = scenes.drill()
    show(view, s)
    known = view.front.state.posture
    show(view, replace(s, angle=scenes.without(s.angle, "shank_right"), repetition=replace(s.repetition, depth=nan)))
    assert view.front.state.posture.left == known.left
    assert view.front.state.posture.right.shank_sagittal is None
    assert view.gauge.state.depth is None
    assert visible(view)["Depth"] == "Depth, not known"


def test_a_segment_that_is_not_worn_is_not_measured_rather_than_unknown(view: PatientView):
    s = scenes.drill()
    s = replace(s, angle=scenes.without(s.angle, "pelvis"), sensors=s.sensors[1:])
    assert show(view, s)["You, as in a mirror"] == "Not measured: pelvis"


def test_stale_data_grey_out_at_once_and_ask_to_stop_when_it_lasts(view: PatientView):
    s = replace(scenes.alignment("right"), t_host_ns=1_000 * MS)
    fresh = show(view, s, s.t_host_ns + STALE_NS)
    assert fresh["You, as in a mirror"] == "Right knee out of line"
    began = s.t_host_ns + STALE_NS + 1
    said = show(view, s, began)
    assert said["You, as in a mirror"].startswith("Not known: pelvis, left thigh")
    assert said["Depth"] == "Depth, not known"
    assert said["Cue"] == "No cue"
    assert said["Count"] == "Repetition 2 of 8 done"
    assert "0 of 5 sensors" in said["Drill, sensors and sound"]
    assert "Cue at the right edge" not in said
    said = show(view, s, began + TROUBLE_AFTER_NS)
    assert said["Cue"] == "Stand still, please. The sensors are not answering"
    # the next packet brings everything back
    back = replace(s, t_host_ns=began + TROUBLE_AFTER_NS)
    assert show(view, back, back.t_host_ns + 5 * MS) == fresh


def test_a_short_stall_does_not_turn_the_screen_over(view: PatientView):
    s = scenes.lost()
    said = show(view, s, 0)
    assert said["Depth"] == "Depth, not known"
    assert "Tempo" in said
    assert "Stand still" not in said["Cue"]
    show(view, scenes.drill(), 400 * MS)
    assert "Tempo" in show(view, s, 900 * MS)
    assert "Count kept" in show(view, s, 900 * MS + TROUBLE_AFTER_NS)


def test_a_replay_is_not_judged_by_the_clock(qtbot):
    v = PatientView(live=False)
    qtbot.addWidget(v)
    v.show()
    v.show_snapshot(replace(scenes.drill(), t_host_ns=1), 10**18)
    assert v.gauge.accessibleDescription() == "Depth, above target"


def test_the_count_changes_only_with_the_snapshot(view: PatientView):
    s = scenes.drill()
    for knee in (74.0, 95.0, 40.0, 3.0):
        for phase in (0, 1, 2, 3):
            same = replace(s, angle=scenes.angles(knee), repetition=replace(s.repetition, phase=phase, depth=radians(knee)))
            assert show(view, same)["Count"] == "Repetition 5 of 8 done"
    one_more = replace(s, repetition=replace(s.repetition, count=6))
    assert show(view, one_more)["Count"] == "Repetition 6 of 8 done"


def test_marks_of_void_repetitions_do_not_shorten_the_set(view: PatientView):
    show(view, scenes.lost())
    assert view.count.shown_marks() == ["clean", "clean", "cued", "clean", "clean", "void", "todo", "todo", "todo"]
    show(view, scenes.drill())
    assert view.count.shown_marks() == ["clean", "clean", "cued", "clean", "clean", "now", "todo", "todo"]


def test_a_long_set_shows_the_marks_around_now(view: PatientView):
    s = scenes.drill()
    drill = replace(s.drill, target_count=30)
    show(view, replace(s, drill=drill, repetition=replace(s.repetition, count=20, marks=("clean",) * 20)))
    marks = view.count.shown_marks()
    assert len(marks) == 12
    assert "now" in marks
    show(view, replace(s, drill=replace(drill, target_count=0), repetition=RepetitionView(3, ("clean",) * 3)))
    assert visible(view)["Count"] == "3 repetitions done"


def test_the_summary_in_words(view: PatientView):
    said = show(view, replace(scenes.finished(), recording="somewhere.mcap"))
    assert said["Summary of the set"] == (
        "Well done, 8 repetitions, 5 of them clean. 6 of 8 knee aligned. 8 of 8 target depth. 7 of 8 tempo kept. "
        "Repetitions 3 and 6: right knee moved inward. Repetition 5: too fast. "
        "The last repetitions were like the first ones. The set is recorded"
    )
    assert "Cue" not in said
    lost = replace(scenes.finished(), recording="somewhere.mcap", problem="The disk is full: the end is not recorded")
    assert show(view, lost)["Summary of the set"].endswith("The disk is full: the end is not recorded")
    # the sensors may be switched off by now: that is no trouble any more
    off = replace(scenes.finished(), sensors=scenes.sensors("lost"), sound=scenes.NO_SOUND)
    assert show(view, off)["Drill, sensors and sound"] == "Squat. Set finished"


def test_a_session_that_broke_off_says_how_far_it_came(view: PatientView):
    s = replace(scenes.finished(), summary=SummaryView())
    assert show(view, s)["Summary of the set"] == "The set has ended after 8 repetitions"
    none = replace(s, repetition=RepetitionView())
    assert show(view, none)["Summary of the set"] == "The set has ended"


def test_a_knee_that_was_not_judged_is_no_clean_repetition(view: PatientView):
    marks = ("counted",) * 6
    shares = (ShareView("–", "", nan, "knee not judged"), ShareView("5", "of 6", 5 / 6, "target depth"))
    notes = (("counted", "Knee alignment not judged: no calibration"),)
    summary = SummaryView("Well done, 6 repetitions.", shares, notes)
    s = replace(scenes.finished(), repetition=RepetitionView(6, marks), summary=summary)
    said = show(view, s)["Summary of the set"]
    assert said == (
        "Well done, 6 repetitions. knee not judged. 5 of 6 target depth. Knee alignment not judged: no calibration"
    )
    picture = scenes.pixels(view.summary.grab().toImage())
    ok = np.array(DARK["ok"].getRgb()[:3])
    assert not np.any(np.all(np.abs(picture[250:].astype(int) - ok) < 3, axis=2))  # no mark says "in order"


def test_a_hold_shows_its_seconds_in_place_of_the_count(view: PatientView):
    s = scenes.drill()
    d = replace(s.drill, held=True, tempo_s=(0.0, 30.0, 0.0, 0.0), target_count=3)
    holding = replace(s, drill=d, repetition=RepetitionView(1, ("clean",), 1, depth=1.0, held_s=12.7))
    show(view, holding)
    assert (view.count.state.held_s, view.count.state.hold_s) == (12, 30)
    assert view.count.words() == "Holding, 10 seconds"
    show(view, replace(holding, repetition=replace(holding.repetition, held_s=nan)))
    assert view.count.words() == "Repetition 1 of 3 done"
    show(view, replace(holding, drill=replace(d, held=False)))
    assert view.count.state.held_s is None


def test_a_drill_that_goes_up_first_has_its_letters_in_that_order():
    up, down = load_drill(drill_text("glute_bridge")), load_drill(drill_text("squat"))
    assert tempo_state(replace(scenes.drill(), drill=up.view)).letters == ("C", "P1", "E", "P2")
    assert tempo_state(replace(scenes.drill(), drill=down.view)).letters == ("E", "P1", "C", "P2")


def test_without_a_drill_there_is_nothing_to_count(view: PatientView):
    """Seen in a replay of a walk: a large 0, an unknown depth and "No repetition was counted"."""
    measured = replace(scenes.drill(), drill=DrillView(), repetition=RepetitionView())
    assert show(view, measured) == {
        "Drill, sensors and sound": "Measurement. Sensors. Sound on",
        "Cue": "No drill is chosen: movement only",
        "You, as in a mirror": "Both legs measured",
        "You, from the side": "Both legs measured",
    }
    said = show(view, replace(measured, stage="finished"))
    assert said["Summary of the set"].startswith("The measurement has ended")
    assert "epetition" not in said["Summary of the set"]
