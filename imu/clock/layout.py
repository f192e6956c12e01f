"""Layout of a clock's state, and the constants of its kernels. Offsets and delays are in µs, rates in µs per µs."""

from __future__ import annotations

from typing import Final

SECOND: Final = 1_000_000
BINS: Final = 300
"""Seconds that bounds are kept of. More = surer skew where little else is known: a phase that wanders by 20 ppm needs four
minutes to show a gap of 5 ms whole. The rate of a crystal wanders meanwhile, which bends the line by some 40 µs."""
SENT_BINS: Final = 120
"""Seconds that the line is fitted to with stamps, which know the offset far better: bent by 10 µs."""
HELD: Final = 256
"""Delays of the running second that are kept; those beyond say nothing new."""
FREE_US: Final = 3_000_000
"""The offset may step for so long after the start of an epoch: by then the first seconds have told how regular the delays
are. Its filter is settling meanwhile."""

DEVICE_SKEW: Final = 150e-6
DEVICE_SLEW: Final = 500e-6
ARRIVAL_SKEW: Final = 0.2
"""Of a rate that is only nominal: recordings called 100 Hz run at 110."""
ARRIVAL_SLEW: Final = 0.25
SKEW_PRIOR: Final = 60e-6
"""How far crystals usually are off, 1σ: what is assumed as far as nothing is known."""

CELL_US: Final = 250.0
"""Width of a cell of the histogram of delays, about what arrival times of one radio scatter."""
CELLS: Final = 512
"""128 ms: no packet takes longer to fill."""
RARE_SHARE: Final = 0.003
"""A delay seen more rarely than this is an accident (a stall of the host) and fills no gap."""
APART_CELLS: Final = 24
"""6 ms. Events of one link are at least 7.5 ms apart (Bluetooth Core 5.4, vol. 6, part B, 4.5.1); less is scatter."""
COMMON_SHARE: Final = 0.02
"""A step between arrivals must be so frequent to say something about the connection interval."""
NOISE_US: Final = 200.0
"""How far the smallest delay of some seconds may be above the smallest there is, beyond what the gap explains."""
FLOOR_US: Final = 50.0
"""1σ that no amount of arrival times removes: how the host's latency differs from one sensor to the next."""
LASTING: Final = 1.1
"""What hides lasts for a session: 2σ of two evenly spread errors holds 97 % of all pairs there could be, but of the few
pairs a person wears a wrong one is wrong all the time. A tenth more holds 99 %."""
SENT_FLOOR_US: Final = 20.0
"""The same with TX-done stamps, whose steps are 64 µs (64/√12)."""
JUMP_US: Final = 10_000.0
"""A second that is so much earlier than any line allows, or three that are so far off with stamps: the clock has jumped."""
STAMPS_GONE_US: Final = 10_000_000.0
"""Without a stamp for so long, arrival times count again (another connection, with packets too short for stamps)."""
PATIENCE, IMPATIENCE = 10, 2
"""A second may be late as a whole if there was a smaller delay so many seconds before or after; the smaller number where
samples are only counted, because one that is lost unseen delays all that follow."""

LEARNING_S: Final = 15
LEARNING_SLACK_US: Final = 50_000.0
"""Where samples are only counted: the first seconds, in which the smallest delay cannot be told from others, and by
how much it may be wrong in the first of them (a connection interval); less and less, as the rate becomes known."""

PACE_S: Final = 5
"""Seconds after which the rate of counted samples is good enough to integrate with: to 1 %, as a gyroscope's scale."""

SAMPLED, SENT, ASKED, ANSWERED = 0, 1, 2, 3
"""Kinds of marks, see `ClockMark`."""

# Integers of the state. COUNTED: no clock, only samples that are counted.
(
    STARTED, MARKED, T_FIRST, T_LAST, OUT_LAST, BASE, BIN, N_BINS, STAMPED, NEW_EPOCH, STEP, N_HELD, COUNTED,
) = range(13)  # fmt: skip
INTS: Final = 13
# Floats of the state: offsets relative to BASE, times relative to T_FIRST. LOW: the largest lower bound of the running
# second, from a ping. PERIOD: between packets. GAP: how much of the smallest delay may be hidden. LINE: offset and rate.
(
    APPLIED, SMALLEST, LINE_T, LINE_A, LINE_B, SIGMA, LAG, BIN_T, BIN_D, LOW_T, LOW_D, PERIOD, T_MARK, T_SENT, GAP, ARRIVED,
) = range(16)  # fmt: skip
FLOATS: Final = 16
# Columns of a finished second: the smallest delay (with stamps: their lower quartile) and its time, a ping's bound.
# SLACK: what the smallest delay may be too large by, because the rate was not known yet when it was chosen.
UP_T, UP_D, DOWN_T, DOWN_D, SLACK = range(5)
DELAYS, STEPS = range(2)  # rows of the histograms: delays above the smallest of their second; from arrival to arrival
BIN_COLUMNS: Final = 5
