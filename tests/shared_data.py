"""Where the recordings to validate against are. Tests that read them are marked `validation` and skipped without them."""

from __future__ import annotations

from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
