"""The end of a set in words and shares."""

from __future__ import annotations

from dataclasses import replace
from math import isnan

from drill_motions import drill_of
from feedback_frames import DEG
from test_feedback_set_summary import repetition

from imu.feedback.summary_words import numbered, summary_view
from imu.snapshot import ShareView

NO_KNEE = {"valgus_left": "no calibration", "valgus_right": "no calibration"}


def test_three_shares_and_what_each_repetition_was():
    done = [
        repetition(1), repetition(2, 78), repetition(3, 90, 2.0, "valgus_right"), repetition(4, 90, 1.2, "tempo"),
        repetition(5, 90, 2.0, "void"), repetition(6, 90, 2.0, "valgus_right"), repetition(7, 90, 2.0, "side_shift_left"),
    ]  # fmt: skip
    view = summary_view(drill_of("squat"), done)
    assert view.sentence.startswith("Well done, 6 repetitions, 2 of them clean.")
    assert view.shares == (
        ShareView("4", "of 6", 4 / 6, "knee aligned"),
        ShareView("5", "of 6", 5 / 6, "target depth"),
        ShareView("5", "of 6", 5 / 6, "tempo kept"),
    )
    assert view.notes[:4] == (
        ("cued", "Repetitions 3 and 6: right knee moved inward"),
        ("tempo", "Repetition 4: too fast"),
        ("cued", "Repetition 7: share the weight between both feet (left)"),
        ("void", "Repetition 5: not counted, a sensor was silent"),
    )


def test_knees_that_nobody_judged_are_no_share_and_no_clean_repetition():
    done = [replace(repetition(i), unjudged=NO_KNEE) for i in range(1, 5)]
    view = summary_view(drill_of("squat"), done)
    assert view.sentence == "Well done, 4 repetitions."
    assert (view.shares[0].value, view.shares[0].word) == ("–", "knee not judged")
    assert isnan(view.shares[0].share)
    assert view.notes == (("counted", "Knee alignment not judged: no calibration"),)


def test_which_repetitions_and_which_knee_were_not_judged():
    unsure = {"valgus_left": "the sensors could not tell for sure"}
    done = [repetition(1), replace(repetition(2), unjudged=unsure), replace(repetition(3), unjudged=unsure), repetition(4)]
    view = summary_view(drill_of("squat"), done)
    assert view.shares[0] == ShareView("2", "of 2", 1.0, "knee aligned")
    text = "Alignment of the left knee not judged in repetitions 2 and 3: the sensors could not tell for sure"
    assert view.notes == (("counted", text),)


def test_a_tempo_that_is_not_known_is_not_called_kept():
    lost = replace(repetition(2).phases, ascent_s=float("nan"))
    view = summary_view(drill_of("squat"), [repetition(1), replace(repetition(2), phases=lost)])
    assert view.shares[2] == ShareView("1", "of 1", 1.0, "tempo kept")


def test_who_tires_reads_how_much_and_one_fault_is_no_trend():
    tired = [repetition(i, 92.0 - 3.0 * max(i - 3, 0), 2.0) for i in range(1, 9)]
    marks = dict(summary_view(drill_of("squat"), tired).notes)
    assert marks["tired"] == "First three to last three: depth 92° → 80°"
    once = [
        replace(repetition(i), excursions={"shank_frontal_tilt_left": (12.0 if i == 7 else 1.0) * DEG}) for i in range(1, 9)
    ]
    assert dict(summary_view(drill_of("squat"), once).notes) == {"steady": "The last repetitions were like the first ones"}
    late = [
        replace(repetition(i), excursions={"shank_frontal_tilt_left": (9.0 if i > 5 else 1.0) * DEG}) for i in range(1, 9)
    ]
    assert dict(summary_view(drill_of("squat"), late).notes)["tired"].endswith("left shin inward 1° → 9°")


def test_a_hold_has_the_longest_of_each_side():
    balance = drill_of("single_leg_balance", tempo={"hold_s": 30.0})
    held = [
        replace(repetition(i, side=side), phases=replace(repetition(i).phases, bottom_s=seconds))
        for i, (side, seconds) in enumerate((("left", 21.0), ("right", 33.0), ("left", 15.0)), 1)
    ]
    assert summary_view(balance, held).shares[:2] == (
        ShareView("21 s", "of 30", 0.7, "longest hold, left"),
        ShareView("33 s", "of 30", 1.1, "longest hold, right"),
    )


def test_repetition_numbers_as_people_say_them():
    assert numbered([3]) == "Repetition 3"
    assert numbered([3, 6]) == "Repetitions 3 and 6"
    assert numbered([1, 3, 6]) == "Repetitions 1, 3 and 6"
    assert numbered([2, 3, 4]) == "Repetitions 2 to 4"
