"""A result as Parquet and CSV tables. Angles in degrees, times in µs of session time; NaN is an empty field.

Parquet holds every bit. CSV rounds degrees to 1e-6, far below any sensor, at a third of the size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from imu import __version__
from imu.feedback.drill import Drill, load_drill
from imu.feedback.summary_words import summary_view
from imu.kinematics.calibration import to_json
from imu.kinematics.gait import Stride, StrideMeasures
from imu.outputs import NO_ANGLES, Cue, Event, Phases, Repetition
from imu.packets import Health
from imu.recording.files import new_file, new_folder
from imu.recording.json_text import json_text, plain
from imu.snapshot import SummaryView

if TYPE_CHECKING:
    from imu.result import Result

Column = list[object]
CSV_DECIMALS = 6


def write_tables(result: Result, folder: Path | str) -> list[Path]:
    """Write everything into a new or empty folder.

    Returns
    -------
    list of Path
        frames, events, repetitions, cues (given and held back), health and strides, each .csv and .parquet, summary.json,
        and calibration.json if the session was calibrated: to be used again while the sensors stay in place.

    Raises
    ------
    RecordingError
        There is something in the folder, or the disk refuses; no file is ever half written.
    """
    folder = Path(folder)
    new_folder(folder)
    tables = {
        "frames": pa.Table.from_pandas(result.to_dataframe(), preserve_index=False),
        "events": _records(Event, result.events),
        "repetitions": _repetitions(result.repetitions),
        "cues": _records(Cue, result.decisions),
        "health": _health(result.health),
        "strides": _strides(result.strides),
    }
    written = []
    for name, table in tables.items():
        written += [_parquet(table, folder / f"{name}.parquet"), _csv(table, folder / f"{name}.csv")]
    if result.calibration is not None:
        path = folder / "calibration.json"
        with new_file(path) as aside:
            aside.write_text(to_json(result.calibration) + "\n", encoding="utf-8")
        written.append(path)
    path = folder / "summary.json"
    with new_file(path) as aside:
        aside.write_text(json_text(_summary(result), indent=1) + "\n", encoding="utf-8")
    return [*written, path]


def _parquet(table: pa.Table, path: Path) -> Path:
    with new_file(path) as aside:
        pyarrow.parquet.write_table(table, aside, compression="zstd")
    return path


def _csv(table: pa.Table, path: Path) -> Path:
    columns = [_rounded(c) if pa.types.is_floating(c.type) else c for c in table.columns]
    with new_file(path) as aside:
        pyarrow.csv.write_csv(pa.table(columns, names=table.column_names), aside)
    return path


def _rounded(column: pa.ChunkedArray) -> pa.Array:
    return pa.array(np.round(column.to_numpy(), CSV_DECIMALS), from_pandas=True)


_TYPES = {"int": pa.int64(), "float": pa.float64(), "bool": pa.bool_()}


def _records(kind: type, records: Sequence[object], leave_out: tuple[str, ...] = ()) -> pa.Table:
    """One row per record, one column per field, also when there is no record."""
    names = [f for f in fields(kind) if f.name not in leave_out]
    types = [_TYPES.get(str(f.type).removesuffix(" | None"), pa.string()) for f in names]
    columns = [
        pa.array([getattr(r, f.name) for r in records], type_, from_pandas=True)
        for f, type_ in zip(names, types, strict=True)
    ]
    return pa.table(columns, names=[f.name for f in names])


def _add(table: pa.Table, name: str, values: Sequence[float]) -> pa.Table:
    return table.append_column(name, pa.array(values, pa.float64(), from_pandas=True))


_APART = ("depth", "phases", "excursions", "faults", "nearest", "measures", "unjudged")


def _repetitions(repetitions: Sequence[Repetition]) -> pa.Table:
    """Depth, excursions and measured angles in degrees, phases as columns, faults as words with a space between."""
    table = _records(Repetition, repetitions, leave_out=_APART)
    table = _add(table, "depth_deg", [math.degrees(r.depth) for r in repetitions])
    for f in fields(Phases):
        table = _add(table, f.name, [getattr(r.phases, f.name) for r in repetitions])
    labels = dict.fromkeys(label for r in repetitions for label in r.excursions)
    for label in labels:
        values = [math.degrees(r.excursions.get(label, math.nan)) for r in repetitions]
        table = _add(table, f"excursion_{label}_deg", values)
    for name in dict.fromkeys(name for r in repetitions for name in r.measures):
        values = [r.measures.get(name, math.nan) for r in repetitions]
        if name.startswith(NO_ANGLES):
            table = _add(table, f"measure_{name}", values)
        else:
            table = _add(table, f"measure_{name}_deg", [math.degrees(v) for v in values])
    table = table.append_column("faults", pa.array([" ".join(r.faults) for r in repetitions], pa.string()))
    unjudged = ["; ".join(f"{name}: {why}" for name, why in r.unjudged.items()) for r in repetitions]
    table = table.append_column("not_judged", pa.array(unjudged, pa.string()))
    return table.append_column("clean", pa.array([r.clean for r in repetitions], pa.bool_()))


def _strides(strides: Sequence[StrideMeasures]) -> pa.Table:
    """One row per stride: instants, times, what was measured; angles in degrees, marks with a semicolon between."""
    table = _records(Stride, [m.stride for m in strides], leave_out=("marks",))
    for name in ("stride_s", "step_s", "stance_s", "swing_s", "double_support_s", "cadence"):
        table = _add(table, name, [getattr(m.stride, name) for m in strides])
    for f in fields(StrideMeasures):
        if f.name == "stride":
            continue
        metric = f.name in ("step_length", "other_step_length", "speed")
        values = [getattr(m, f.name) if metric else math.degrees(getattr(m, f.name)) for m in strides]
        table = _add(table, f.name if metric else f"{f.name}_deg", values)
    table = table.append_column("marks", pa.array(["; ".join(m.stride.marks) for m in strides], pa.string()))
    return table.append_column("counts", pa.array([m.counts for m in strides], pa.bool_()))


def _health(health: Sequence[Health]) -> pa.Table:
    return _add(_records(Health, health), "lost_share", [h.lost_share for h in health])


def _set(result: Result) -> SummaryView | None:
    """Sentence, shares and notes as on the screen; None = no drill of repetitions."""
    drill = load_drill(result.setup.drill_toml, "drill of this session") if result.setup.drill_toml else None
    return summary_view(drill, result.repetitions, result.decisions) if isinstance(drill, Drill) else None


def _summary(result: Result) -> dict[str, object]:
    """What a person or a script asks first, and what is needed to say where the tables come from."""
    t = result.t_us
    return {
        "software_version": __version__,
        "fingerprint": result.digest(),
        "incomplete": result.incomplete,
        "offline": result.offline,
        "frames": len(t),
        "duration_s": float(t[-1] - t[0]) * 1e-6 if len(t) else 0.0,
        "repetitions": len(result.repetitions),
        "clean_repetitions": sum(r.clean for r in result.repetitions),
        "not_judged": sorted({f"{name}: {why}" for r in result.repetitions for name, why in r.unjudged.items()}),
        "set": plain(_set(result)),
        "cues_given": len(result.cues),
        "cues_held_back": len(result.decisions) - len(result.cues),
        "events": len(result.events),
        "calibrated": result.calibration is not None,
        "calibration": plain(result.calibration),
        "health": plain(result.health),
        "setup": plain(result.setup),
    }
