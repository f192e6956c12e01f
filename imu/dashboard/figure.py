"""The figure: a front view as in a mirror or a side view, with the target behind it.

Filled = measured, dashed = not measured (trunk, feet), hatched = unknown now. A fault is told by colour, ring and arrow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QWidget

from imu.conventions import SIDES, Side, place
from imu.dashboard.body_parts import capsule, draw_dashed, filler
from imu.dashboard.panel import Panel, disc, line, write
from imu.dashboard.pose import SIGN, Camera, Point, Posture, joints
from imu.dashboard.shapes import draw_shape

View = Literal["mirror", "front", "side"]

LIMBS: Final = (("thigh", "hip", "knee", 0.078, 0.055), ("shank", "knee", "ankle", 0.055, 0.036))
"""Name, upper and lower joint, radii there in m."""
GHOST_WIDER_M: Final = 0.03
FIGURE_HEIGHT_M: Final = 1.07
"""Height that fills the view: standing hips and the beginning of the trunk."""


@dataclass(frozen=True, slots=True)
class FigureState:
    posture: Posture
    target: Posture | None = None
    view: View = "mirror"
    fault: Side | None = None
    """Leg in the cue's colour, with ring and arrow."""
    lost: tuple[str, ...] = ()
    """Segments whose sensor does not answer."""
    not_measured: tuple[str, ...] = ()
    """Segments without a sensor, or with one that has not sent anything yet: dashed."""
    picture: bool = False
    """A picture of the places; the posture is none of anybody."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    depth: float
    draw: Callable[[], None]


class Figure(Panel[FigureState]):
    """One view of the figure."""

    def __init__(self, name: str, state: FigureState, parent: QWidget | None = None) -> None:
        self._floor: tuple[object, QPixmap] | None = None
        super().__init__(name, state, parent)

    def words(self) -> str:
        s = self.state
        if s.picture:
            return "Where the sensors are worn"
        known = {"pelvis": s.posture.pelvis_tilt is not None}
        for side in SIDES:
            known |= {f"thigh_{side}": s.posture.leg(side).thigh_known, f"shank_{side}": s.posture.leg(side).shank_known}
        unknown = [place(segment) for segment in known if not known[segment] and segment not in s.not_measured]
        missing = [place(segment) for segment in known if segment in s.not_measured]
        parts = [f"{s.fault.capitalize()} knee out of line"] if s.fault else []
        parts += [f"Not known: {', '.join(unknown)}"] if unknown else []
        parts += [f"Not measured: {', '.join(missing)}"] if missing else []
        return ". ".join(parts) if parts else "Both legs measured"

    def camera(self, width: float, height: float) -> Camera:
        scale = (height - 40) / FIGURE_HEIGHT_M
        shift = 10 if self.state.view == "side" else 0
        return Camera(self.state.view, scale, width / 2 + shift, height - 26)

    def draw(self, p: QPainter, width: float, height: float) -> None:
        camera = self.camera(width, height)
        self._draw_floor(p, camera, width, height)
        points = joints(self.state.posture)
        if self.state.target is not None:
            self._draw_target(p, camera, joints(self.state.target))
        self._draw_body(p, camera, points)
        if self.state.view != "side":
            if self.state.fault is not None:
                self._draw_fault(p, camera, points, self.state.fault)
            self._draw_letters(p, camera, points, height)
        self._draw_lost(p, camera, points)

    def _draw_floor(self, p: QPainter, camera: Camera, width: float, height: float) -> None:
        """The grid never moves, so it is drawn once into a picture."""
        ratio = self.devicePixelRatioF()
        key = (camera, self.size(), ratio, self.look.palette.name)
        if self._floor is None or self._floor[0] != key:
            picture = QPixmap(self.size() * ratio)
            picture.setDevicePixelRatio(ratio)
            picture.fill(Qt.GlobalColor.transparent)
            q = QPainter(picture)
            q.setRenderHint(QPainter.RenderHint.Antialiasing)
            q.scale(self.factor, self.factor)
            x0, x1, z0, z1 = (-0.15, 0.15, -0.42, 0.42) if self.state.view == "side" else (-0.6, 0.6, -0.5, 0.7)
            colour = self.look.palette["rule"]
            for k in range(7):
                x, z = x0 + (x1 - x0) * k / 6, z0 + (z1 - z0) * k / 6
                for a, b in (((x, 0.0, z0), (x, 0.0, z1)), ((x0, 0.0, z), (x1, 0.0, z))):
                    start, end = camera(a), camera(b)
                    line(q, start.x, start.y, end.x, end.y, colour, 1)
            q.end()
            self._floor = (key, picture)
        p.drawPixmap(QRectF(0, 0, width, height), self._floor[1], QRectF(self._floor[1].rect()))

    def _limb(
        self, camera: Camera, points: dict[str, Point], limb: tuple[str, str, str, float, float], side: Side, wider: float
    ) -> tuple[float, QPainterPath]:
        _, upper, lower, r1, r2 = limb
        a, b = camera(points[f"{upper}_{side}"]), camera(points[f"{lower}_{side}"])
        s = camera.scale
        path = capsule(a.x, a.y, (r1 + wider) * s * a.scale, b.x, b.y, (r2 + wider) * s * b.scale)
        return (a.depth + b.depth) / 2, path

    def _draw_target(self, p: QPainter, camera: Camera, points: dict[str, Point]) -> None:
        """All outlines first, then all fills: one contour around each leg."""
        palette = self.look.palette
        paths = [self._limb(camera, points, limb, side, GHOST_WIDER_M)[1] for side in SIDES for limb in LIMBS]
        p.setPen(QPen(palette["ghost"], 6, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
        p.setBrush(Qt.BrushStyle.NoBrush)
        for path in paths:
            p.drawPath(path)
        p.setPen(QPen(Qt.PenStyle.NoPen))
        p.setBrush(palette["ghost_fill"])
        for path in paths:
            p.drawPath(path)

    def _draw_body(self, p: QPainter, camera: Camera, points: dict[str, Point]) -> None:
        palette, state = self.look.palette, self.state
        side_view = state.view == "side"
        self._draw_trunk(p, camera, points)
        parts: list[Part] = []
        outline = QPainterPath()
        for side in SIDES:
            leg = state.posture.leg(side)
            far = side_view and side == "left"
            for limb in LIMBS:
                known = leg.thigh_known if limb[0] == "thigh" else leg.shank_known
                depth, path = self._limb(camera, points, limb, side, 0.0)
                fill = "cue" if state.fault == side else ("bone2" if far else "bone")
                look = self._look_of(f"{limb[0]}_{side}", known, fill)
                if look == "dashed":
                    outline = outline.united(path)
                    continue
                parts.append(Part(depth, filler(p, palette, path, look)))
            if not far:
                parts.append(self._foot(p, camera, points, side))
        draw_dashed(p, outline, palette["outline"])
        parts.append(self._pelvis(p, camera, points))
        for part in sorted(parts, key=lambda part: part.depth):
            part.draw()
        for side in SIDES:
            shin = self._look_of(f"shank_{side}", state.posture.leg(side).shank_known, "bone")
            if (side_view and side == "left") or shin != "bone":
                continue
            knee = camera(points["knee_" + side])
            disc(p, knee.x, knee.y, 0.022 * camera.scale * knee.scale, palette["bg"])

    def _look_of(self, segment: str, known: bool, fill: str) -> str:
        """Colour token of a part that is measured, else how it is not: `dashed` or `unknown`."""
        if segment in self.state.not_measured:
            return "dashed"
        return fill if known else "unknown"

    def _foot(self, p: QPainter, camera: Camera, points: dict[str, Point], side: Side) -> Part:
        heel, toe = camera(points["heel_" + side]), camera(points["toe_" + side])
        s = camera.scale
        path = capsule(heel.x, heel.y, 0.034 * s * heel.scale, toe.x, toe.y, 0.026 * s * toe.scale)

        def draw() -> None:
            draw_dashed(p, path, self.look.palette["outline"])

        return Part((heel.depth + toe.depth) / 2, draw)

    def _pelvis(self, p: QPainter, camera: Camera, points: dict[str, Point]) -> Part:
        left, right, top = camera(points["hip_left"]), camera(points["hip_right"]), camera(points["pelvis"])
        s, r = camera.scale, 0.068 * camera.scale * right.scale
        if self.state.view == "side":
            path = capsule(top.x, top.y, r * 1.25, right.x, right.y, r * 1.2)
        else:
            middle, share = (left.x + right.x) / 2, 0.72
            ends = [
                (middle + (hip.x - middle) * share, (hip.y + top.y + hip.y - (left.y + right.y) / 2) / 2 - 0.012 * s)
                for hip in (left, right)
            ]
            path = capsule(*ends[0], r, *ends[1], r)
        look = self._look_of("pelvis", self.state.posture.pelvis_tilt is not None, "bone")
        return Part(top.depth - 0.02, filler(p, self.look.palette, path, look, rim=8))

    def _draw_trunk(self, p: QPainter, camera: Camera, points: dict[str, Point]) -> None:
        colour, s = self.look.palette["outline"], camera.scale
        if self.state.view == "side":
            pelvis, neck = camera(points["pelvis"]), camera(points["neck"])
            draw_dashed(p, capsule(pelvis.x, pelvis.y, 0.09 * s, neck.x, neck.y, 0.1 * s), colour)
            return
        a, b = camera(points["shoulder_left"]), camera(points["shoulder_right"])
        c, d = camera(points["hip_right"]), camera(points["hip_left"])
        path = QPainterPath()
        corners = [QPointF(a.x, a.y), QPointF(b.x, b.y), QPointF(c.x, c.y - 0.08 * s), QPointF(d.x, d.y - 0.08 * s)]
        path.addPolygon(QPolygonF(corners))
        path.closeSubpath()
        draw_dashed(p, path, colour)

    def _draw_fault(self, p: QPainter, camera: Camera, points: dict[str, Point], side: Side) -> None:
        """Ring on the knee, arrow to where it should go: away from the middle of the body."""
        ink, knee = self.look.palette["ink"], camera(points["knee_" + side])
        away = SIGN[side] * (1.0 if self.state.view == "mirror" else -1.0)
        disc(p, knee.x, knee.y, 44, None, ink, 5)
        line(p, knee.x + away * 62, knee.y, knee.x + away * 104, knee.y, ink, 10, cap_round=True)
        p.setPen(QPen(ink, 4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
        p.setBrush(ink)
        tip = [QPointF(knee.x + away * x, knee.y + y) for x, y in ((98, -20), (126, 0), (98, 20))]
        p.drawPolygon(QPolygonF(tip))

    def _draw_letters(self, p: QPainter, camera: Camera, points: dict[str, Point], height: float) -> None:
        palette = self.look.palette
        for side in SIDES:
            ankle = camera(points["ankle_" + side])
            outwards = SIGN[side] * (1.0 if self.state.view == "mirror" else -1.0)
            x, hot = ankle.x + outwards * 58, self.state.fault == side
            disc(p, x, height - 28, 22, palette["cue" if hot else "raised"])
            write(p, x, height - 17, side[0].upper(), 30, palette["cue_ink" if hot else "ink"], 700, align="middle")

    def _draw_lost(self, p: QPainter, camera: Camera, points: dict[str, Point]) -> None:
        palette = self.look.palette
        for segment in self.state.lost:
            part, _, side = segment.partition("_")
            ends = {"thigh": ("hip", "knee"), "shank": ("knee", "ankle")}.get(part)
            if ends is None or self.state.view == "side":
                continue
            a, b = camera(points[f"{ends[0]}_{side}"]), camera(points[f"{ends[1]}_{side}"])
            outwards = 1.0 if a.x + b.x > 2 * camera.centre_x else -1.0
            draw_shape(
                p, "lost", (a.x + b.x) / 2 + outwards * 62 - 24, (a.y + b.y) / 2 - 24, 48, palette["stop"], palette["bg"]
            )
