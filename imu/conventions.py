"""Units, frames, names and signs. The only place that defines them; `tests/test_conventions.py` executes this page.

Units and time
    Inside: SI and radians (m/s², rad/s, rad, s). Degrees only in TOML, on screen and in text, always named `_deg`.
    Time is int64 microseconds, `t_us`. Device time is the sensor's own clock; session time is common to all sensors
    and starts at `Setup.t0_host_ns`.

Frames
    Earth:   z up, heading arbitrary (there is no magnetometer).
    Sensor:  as the maker defines it, right-handed; `acc` is specific force (+g up at rest).
    Segment: x anterior, y proximal (towards the head), z to the person's right, on BOTH legs (ISB).
    Quaternions are w, x, y, z, Hamilton; `q_a_b` turns b-vectors into a: `q_a_c = mul(q_a_b, q_b_c)`.

Signs (all zero in the verified quiet stand, all relative to it)
    knee_flexion         + bends the knee, both legs.
    hip_flexion          + lifts the thigh towards the front of the pelvis, both legs.
    thigh_tilt, shank_tilt           unsigned angle between the segment's present and standing direction of gravity.
    thigh_sagittal_tilt  + knee end forward of the hip end (squat, knee lift).
    shank_sagittal_tilt  + knee end forward of the ankle end (squat: the shin leans forward).
                         So in the sagittal plane knee_flexion = thigh_sagittal_tilt + shank_sagittal_tilt.
    thigh_frontal_tilt, shank_frontal_tilt   + knee end MEDIAL of the segment's other end (hip; ankle), both legs:
                         both are positive when the knee falls in (valgus).
    pelvis_tilt          + anterior tilt (the top of the pelvis goes forward).
    pelvis_obliquity     + the right side of the pelvis is higher.
    pelvis_rotation      + to the left (the right side goes forward), against where it faced in the last quiet stand.
    knee_adduction       + varus; valgus is NEGATIVE adduction (Grood & Suntay 1983; ISB).
    hip_adduction        + thigh towards the middle.
    knee_rotation, hip_rotation      + internal.
    ankle_flexion        + dorsiflexion. ankle_adduction: + inversion. ankle_rotation: + toes inward.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

G: Final = 9.80665  # m/s², standard gravity; converts vendor data in g

Segment = Literal["pelvis", "thigh_left", "thigh_right", "shank_left", "shank_right", "foot_left", "foot_right", "trunk"]
SEGMENTS: Final[tuple[Segment, ...]] = get_args(Segment)
CORE_SEGMENTS: Final[tuple[Segment, ...]] = SEGMENTS[:5]
"""What a person wears at least for knee alignment on both sides."""

Side = Literal["left", "right"]
SIDES: Final[tuple[Side, ...]] = get_args(Side)

SLOT_OF_SEGMENT: Final[dict[str, int]] = {segment: slot for slot, segment in enumerate(SEGMENTS)}
"""Number of the place on the body as reference protocol v1 sends it (0 pelvis, 1/2 thigh, 3/4 shank, 5/6 foot, 7 trunk)."""

PAIRED_ANGLES: Final = (
    "knee_flexion",
    "hip_flexion",
    "thigh_tilt",
    "shank_tilt",
    "thigh_sagittal_tilt",
    "shank_sagittal_tilt",
    "thigh_frontal_tilt",
    "shank_frontal_tilt",
)
CENTRAL_ANGLES: Final = ("pelvis_tilt", "pelvis_obliquity")
JOINT_ANGLES: Final = (
    "knee_adduction", "knee_rotation", "hip_adduction", "hip_rotation",
    "ankle_flexion", "ankle_adduction", "ankle_rotation",
)  # fmt: skip
"""Those that need the relative heading of two sensors."""

ANGLES: Final[tuple[tuple[str, Side | None], ...]] = (
    *((name, side) for name in PAIRED_ANGLES for side in SIDES),
    *((name, None) for name in CENTRAL_ANGLES),
    *((name, side) for name in JOINT_ANGLES for side in SIDES),
    ("pelvis_rotation", None),
)
"""The columns of every angle array (`FrameBlock.angle`), in this order."""

_COLUMN: Final[dict[tuple[str, Side | None], int]] = {key: column for column, key in enumerate(ANGLES)}


def angle_column(name: str, side: Side | None = None) -> int:
    """Column of an angle in `FrameBlock.angle`; `KeyError` names what exists."""
    try:
        return _COLUMN[name, side]
    except KeyError:
        known = ", ".join(angle_label(*key) for key in ANGLES)
        raise KeyError(f"no angle {angle_label(name, side)!r}; there are: {known}") from None


def angle_label(name: str, side: Side | None) -> str:
    """`knee_flexion_left`, `pelvis_tilt`: the name of a column in tables and files."""
    return name if side is None else f"{name}_{side}"


def angles_of(segment: str) -> tuple[int, ...]:
    """Columns of the angles that a sensor on this segment takes part in."""
    parts = {
        "pelvis": ("pelvis", "hip"), "thigh": ("thigh", "hip", "knee"), "shank": ("shank", "knee", "ankle"),
        "foot": ("ankle",),
    }.get(segment.split("_")[0], ())  # fmt: skip
    side = side_of(segment)
    return tuple(
        column
        for (name, of), column in _COLUMN.items()
        if name.split("_")[0] in parts and (side is None or of is None or of == side)
    )


def segment_of(part: str, side: Side) -> Segment:
    """`segment_of("thigh", "left") == "thigh_left"`."""
    segment = f"{part}_{side}"
    if segment not in SEGMENTS:
        raise KeyError(f"no segment {segment!r}; there are: {', '.join(SEGMENTS)}")
    return segment  # pyright: ignore[reportReturnType]


def side_of(segment: str) -> Side | None:
    """Side of a segment, None for pelvis and trunk."""
    for side in SIDES:
        if segment.endswith("_" + side):
            return side
    return None


def place(segment: str) -> str:
    """Where a segment is, in the words a patient knows: `shank_left` -> `left shin`, `pelvis` -> `pelvis`."""
    part, _, side = segment.partition("_")
    word = "shin" if part == "shank" else part
    return f"{side} {word}" if side else word
