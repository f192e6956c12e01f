"""Snapshots of a set of squats, scene by scene: what the engine would hand to the screen."""

from __future__ import annotations

from dataclasses import replace
from math import nan, radians

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from imu.conventions import ANGLES, CORE_SEGMENTS, SIDES, Side, angle_column
from imu.outputs import Cue
from imu.packets import Floats, Health
from imu.snapshot import DrillView, RepetitionView, ShareView, Snapshot, SoundView, SummaryView

DRILL = DrillView(
    "Squat", 8, (3.0, 1.0, 2.0, 1.0), depth_target=(radians(80), radians(100)), depth_scale=radians(115)
)
VALGUS = "Keep the knee aligned with the second toe"
SLOWER = "Slower on the way down"
SOUND, NO_SOUND = SoundView("on"), SoundView("none", "no audio device")


def angles(knee_deg: float, valgus: Side | None = None, valgus_deg: float = 16.0) -> Floats:
    """A row of `conventions.ANGLES` of a squat; all other angles are 0."""
    out = np.zeros(len(ANGLES))
    knee = radians(knee_deg)
    for side in SIDES:
        out[angle_column("knee_flexion", side)] = knee
        out[angle_column("hip_flexion", side)] = 0.6 * knee
        out[angle_column("thigh_sagittal_tilt", side)] = 0.6 * knee
        out[angle_column("shank_sagittal_tilt", side)] = 0.4 * knee
        share = min(knee_deg / 90.0, 1.0)
        inwards = radians(valgus_deg if side == valgus else -9.0) * share
        out[angle_column("thigh_frontal_tilt", side)] = inwards
        out[angle_column("shank_frontal_tilt", side)] = 0.5 * inwards
    return out


def without(angle: Floats, *segments: str) -> Floats:
    """These segments' sensors are silent: every angle that needs one is unknown."""
    out = angle.copy()
    for segment in segments:
        part, _, side_name = segment.partition("_")
        for name, side in ANGLES:
            two = {"knee_flexion": ("thigh", "shank"), "hip_flexion": ("thigh", "pelvis")}
            needs = two.get(name, (name.split("_")[0],))
            if part in needs and side in (side_name or side, None):
                out[angle_column(name, side)] = nan
    return out


def sensors(state: str = "streaming", **states: str) -> tuple[Health, ...]:
    """Five sensors; `shank_right="lost"` changes one."""
    return tuple(
        Health(f"S-{k}", segment, states.get(segment, state), battery_percent=91 - 4 * k)
        for k, segment in enumerate(CORE_SEGMENTS, 1)
    )


def cue(text: str, rule: str, side: Side | None) -> Cue:
    return Cue(0, 0, rule, side, text, 3, 0.2, 0.14, 0.03)


def connecting() -> Snapshot:
    states = sensors(shank_left="waiting", shank_right="waiting")
    return Snapshot(stage="connect", sensors=states, sound=SOUND, instruction="Press the buttons of the sensors")


def stand() -> Snapshot:
    return Snapshot(stage="stand", sensors=sensors(), sound=SOUND, drill=DRILL, instruction="Stand still for 3 seconds")


def movement() -> Snapshot:
    text = "Bend both knees slowly and come up again, once"
    return replace(stand(), stage="movement", instruction=text, angle=angles(35.0))


def drill(knee_deg: float = 74.0, valgus: Side | None = None) -> Snapshot:
    """Five done, on the way down of the sixth, a little behind the pace."""
    marks = ("clean", "clean", "cued", "clean", "clean")
    repetition = RepetitionView(5, marks, 0, 2.35, 2.28, radians(knee_deg), radians(knee_deg + 4))
    return Snapshot(
        t_us=20_000_000, stage="drill", drill=DRILL, repetition=repetition, angle=angles(knee_deg, valgus),
        sensors=sensors(), sound=SOUND,
    )  # fmt: skip


def alignment(side: Side) -> Snapshot:
    s = drill(75.0, side)
    repetition = replace(s.repetition, count=2, marks=("clean", "clean"), pace_s=2.3, progress_s=2.2)
    return replace(s, repetition=repetition, cue=cue(VALGUS, "valgus", side), cue_side=side)


def tempo() -> Snapshot:
    s = drill(58.0)
    repetition = replace(s.repetition, pace_s=1.15, progress_s=1.95, target_depth=radians(35))
    return replace(s, repetition=repetition, cue=cue(SLOWER, "tempo", None))


def no_sound() -> Snapshot:
    return replace(alignment("right"), sound=NO_SOUND)


def lost(segment: str = "shank_right") -> Snapshot:
    """One sensor is silent: its angles, and the depth that is the mean of both knees, are unknown."""
    s = drill(12.0)
    repetition = replace(
        s.repetition, marks=(*s.repetition.marks, "void"), phase=-1, pace_s=nan, progress_s=nan, depth=nan, target_depth=nan
    )
    return replace(
        s, repetition=repetition, angle=without(s.angle, segment), sensors=sensors(**{segment: "lost"}),
        problem="The sensor on the right shin is not answering",
    )  # fmt: skip


def finished() -> Snapshot:
    marks = ("clean", "clean", "cued", "clean", "tempo", "cued", "clean", "clean")
    shares = (
        ShareView("6", "of 8", 0.75, "knee aligned"),
        ShareView("8", "of 8", 1.0, "target depth"),
        ShareView("7", "of 8", 0.875, "tempo kept"),
    )
    notes = (
        ("cued", "Repetitions 3 and 6: right knee moved inward"),
        ("tempo", "Repetition 5: too fast"),
        ("steady", "The last repetitions were like the first ones"),
    )
    summary = SummaryView("Well done, 8 repetitions, 5 of them clean.", shares, notes)
    return replace(drill(0.0), stage="finished", repetition=RepetitionView(8, marks), summary=summary)


def pixels(image: QImage) -> NDArray[np.uint8]:
    """(h, w, 3) red, green, blue."""
    plain = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(plain.constBits(), np.uint8).reshape(plain.height(), plain.bytesPerLine())
    return rows[:, : 3 * plain.width()].reshape(plain.height(), plain.width(), 3).copy()


SCENES = {
    "connecting": connecting,
    "stand": stand,
    "movement": movement,
    "good": drill,
    "cue_right": lambda: alignment("right"),
    "cue_left": lambda: alignment("left"),
    "tempo": tempo,
    "no_sound": no_sound,
    "lost": lost,
    "finished": finished,
}
