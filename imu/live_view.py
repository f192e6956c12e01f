"""Builds the `Snapshot` that the dashboard draws from the newest outputs. Pure: everything it needs is passed in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from imu.ble import LinkReport
from imu.conventions import place
from imu.feedback.cadence import CadenceSession
from imu.feedback.drill import Drill
from imu.feedback.summary_words import summary_view
from imu.outputs import Cue, FrameBlock
from imu.packets import Health
from imu.pipeline import Pipeline
from imu.result import Result
from imu.snapshot import CadenceView, DrillView, GaitView, RepetitionView, Snapshot, SummaryView

LINK_IS_DOWN = ("searching", "connecting", "lost", "disconnected")


def merge_health(health: tuple[Health, ...], links: dict[str, LinkReport]) -> tuple[Health, ...]:
    """Pipeline's view of each sensor, with what only the link knows (battery, signal, connection lost)."""
    rows = []
    for row in health:
        link = links.get(row.sensor)
        if link is None:
            rows.append(row)
            continue
        state = row.state
        if link.state in LINK_IS_DOWN and row.state != "waiting":
            state = "lost"
        rows.append(
            replace(
                row,
                state=state,
                battery_percent=link.battery_percent,
                rssi_dbm=link.rssi_dbm,
                note="; ".join(filter(None, (link.note, row.note))),
            )
        )
    return tuple(rows)


def problem_of(health: tuple[Health, ...]) -> str:
    """The one sentence when sensors do not answer or measure nonsense; empty when all is well."""
    silent = [place(h.segment) for h in health if h.state in ("lost", "stale")]
    if not silent:
        wrong = [place(h.segment) for h in health if h.state == "refused"]
        if wrong:
            return f"The sensor on the {wrong[0]} does not measure correctly. Please ask for help"
        return ""
    if len(silent) == 1:
        return f"The sensor on the {silent[0]} is not answering"
    return f"{len(silent)} sensors are not answering: {', '.join(silent)}"


def stage_of(pipeline: Pipeline) -> tuple[str, str]:
    """(stage, instruction) from the calibration's progress."""
    if pipeline.body.stage == "ready" or pipeline.counts_early:
        return "drill", ""
    return pipeline.body.stage, pipeline.body.instruction


def summary_of(pipeline: Pipeline, result: Result) -> SummaryView:
    """Of the set that is over."""
    drill = pipeline.drill
    return summary_view(drill, result.repetitions, result.decisions) if isinstance(drill, Drill) else SummaryView()


def snapshot_of(pipeline: Pipeline, frames: FrameBlock, gait: GaitView, t_host_ns: int) -> Snapshot:
    """Newest state after a push that produced frames; links, sound and recording are the engine's to add."""
    stage, instruction = stage_of(pipeline)
    t_us = int(frames.t_us[-1])
    cue: Cue | None = None
    drill, repetition, cadence = DrillView(), RepetitionView(), CadenceView()
    if pipeline.session is not None:
        drill, repetition = pipeline.session.drill_view, pipeline.session.view()
        cue = pipeline.session.current_cue(t_us)
        if isinstance(pipeline.session, CadenceSession):
            cadence = pipeline.session.cadence_view()
    return Snapshot(
        t_us=t_us,
        t_host_ns=t_host_ns,
        stage=stage,
        instruction=instruction,
        notice=pipeline.body.notice,
        slipped=pipeline.body.slipped,
        drill=drill,
        repetition=repetition,
        cadence=cadence,
        gait=gait,
        angle=np.array(frames.angle[-1]),
        sigma=np.array(frames.sigma[-1]),
        flags=np.array(frames.flags[-1]),
        cue=cue,
        cue_side=cue.side if cue else None,
        sensors=pipeline.health(),
    )
