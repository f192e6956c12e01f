"""Speed and accuracy beside other programs, in one run on one computer; `imu bench` prints it."""

from imu.bench.linkage import Linkage, linkage_files, load_linkage
from imu.bench.packages import Packages
from imu.bench.recordings import Trial, load_trials
from imu.bench.report import FULL, QUICK, Amount, report
from imu.bench.synthetic import synthetic_trial
from imu.bench.tables import Table

__all__ = [
    "FULL", "QUICK", "Amount", "Linkage", "Packages", "Table", "Trial", "linkage_files", "load_linkage", "load_trials",
    "report", "synthetic_trial",
]  # fmt: skip
