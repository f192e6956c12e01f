"""Marks in, session time out, row by row: packet sizes do not matter."""

from __future__ import annotations

import math

from imu.clock.fits import line_between, line_through
from imu.clock.gap import count_delays, count_step, hidden_room
from imu.clock.layout import (
    ANSWERED,
    APPLIED,
    ARRIVAL_SKEW,
    ARRIVAL_SLEW,
    ARRIVED,
    ASKED,
    BASE,
    BIN,
    BIN_D,
    BIN_T,
    BINS,
    CELLS,
    COUNTED,
    DELAYS,
    DEVICE_SKEW,
    DEVICE_SLEW,
    DOWN_D,
    DOWN_T,
    FLOATS,
    FLOOR_US,
    FREE_US,
    GAP,
    HELD,
    IMPATIENCE,
    JUMP_US,
    LAG,
    LASTING,
    LEARNING_S,
    LEARNING_SLACK_US,
    LINE_A,
    LINE_B,
    LINE_T,
    LOW_D,
    LOW_T,
    MARKED,
    N_BINS,
    N_HELD,
    NEW_EPOCH,
    OUT_LAST,
    PACE_S,
    PATIENCE,
    PERIOD,
    SAMPLED,
    SECOND,
    SENT,
    SENT_BINS,
    SENT_FLOOR_US,
    SIGMA,
    SKEW_PRIOR,
    SLACK,
    SMALLEST,
    STAMPED,
    STAMPS_GONE_US,
    STARTED,
    STEP,
    STEPS,
    T_FIRST,
    T_LAST,
    T_MARK,
    T_SENT,
    UP_D,
    UP_T,
)
from imu.kernels import kernel
from imu.packets import Floats, Ints


@kernel
def _forget(f: Floats, i: Ints, histograms: Floats) -> None:
    """The marks so far say nothing about those to come."""
    i[BIN] = -1
    i[N_BINS] = i[N_HELD] = 0
    f[SMALLEST] = math.inf
    f[LOW_D] = -math.inf
    f[LINE_T] = math.nan
    f[LINE_B] = 0.0
    for c in range(CELLS):
        histograms[DELAYS, c] = histograms[STEPS, c] = 0.0


@kernel
def _start_epoch(f: Floats, i: Ints, histograms: Floats, t_us: int, offset_us: int) -> None:
    """First row of an epoch; `offset_us` is the best first guess of session minus device time."""
    if i[STARTED] != 0 and t_us + offset_us <= i[OUT_LAST] and i[MARKED] == 0:
        # without marks a restarted clock goes on where the old one stopped
        offset_us = i[OUT_LAST] + max(1, i[STEP]) - t_us
    i[STARTED] = 1
    i[T_FIRST] = i[T_LAST] = t_us
    i[BASE] = offset_us
    i[STAMPED] = i[NEW_EPOCH] = 0
    for k in range(FLOATS):
        f[k] = 0.0
    f[SIGMA] = f[LAG] = f[GAP] = math.nan
    f[T_MARK] = -math.inf
    _forget(f, i, histograms)


@kernel
def _fit(f: Floats, i: Ints, bins: Floats, histograms: Floats, floors: Floats, t: float) -> None:
    """A new line after a finished second."""
    n = i[N_BINS]
    if i[STAMPED] != 0:
        f[LINE_A], f[LINE_B], variance = line_through(bins, n, t, DEVICE_SKEW, f[LINE_B])
        f[SIGMA] = math.sqrt(variance + SENT_FLOOR_US**2)
        f[GAP] = 0.0
    else:
        f[GAP] = gap = hidden_room(histograms, f[PERIOD])
        skew, prior, patience = DEVICE_SKEW, SKEW_PRIOR, PATIENCE
        if i[COUNTED] != 0:
            skew, prior, patience = ARRIVAL_SKEW, ARRIVAL_SKEW, IMPATIENCE
        while True:
            a, b, variance, give = line_between(bins, floors, n, t, gap, skew, prior, f[LINE_B], patience)
            if i[COUNTED] == 0 or give < f[PERIOD] or n <= 4:
                break
            # samples were lost unseen and all later ones seem late: the older half is of no use any more
            half = n // 2
            for k in range(n - half):
                for c in range(bins.shape[1]):
                    bins[k, c] = bins[k + half, c]
            n -= half
        i[N_BINS] = n
        f[LINE_A], f[LINE_B] = a, b
        f[SIGMA] = math.sqrt(LASTING**2 * variance + FLOOR_US**2)
    f[LINE_T] = t


@kernel
def _finish_second(f: Floats, i: Ints, bins: Floats, held: Floats, histograms: Floats, floors: Floats, t: float) -> None:
    """Keep what the second has told and fit anew; `t`: beginning of the next one."""
    n, old = i[N_HELD], i[N_BINS]
    if i[STAMPED] != 0:
        time, offset = float(i[BIN] * SECOND), held[n // 4]
    else:
        time, offset = f[BIN_T], f[BIN_D]
        detrended = offset - f[LINE_B] * (time - i[BIN] * SECOND)
        count_delays(histograms, held, n, detrended)
        if f[LINE_T] == f[LINE_T] and i[COUNTED] == 0:
            early = f[LINE_A] + f[LINE_B] * (time - f[LINE_T]) - offset
            if early > f[GAP] + JUMP_US + 3.0 * f[SIGMA]:
                old = 0
    if old >= (SENT_BINS if i[STAMPED] != 0 else BINS):
        old -= 1
        for k in range(old):
            for c in range(bins.shape[1]):
                bins[k, c] = bins[k + 1, c]
    bins[old, UP_T], bins[old, UP_D] = time, offset
    bins[old, DOWN_T], bins[old, DOWN_D] = f[LOW_T], f[LOW_D]
    bins[old, SLACK] = LEARNING_SLACK_US / (1 + i[BIN]) if i[COUNTED] != 0 and i[BIN] < LEARNING_S else 0.0
    i[N_BINS] = old + 1
    if i[STAMPED] != 0 and old >= 5:
        above = below = 0
        for k in range(old - 2, old + 1):
            r = bins[k, UP_D] - f[LINE_A] - f[LINE_B] * (bins[k, UP_T] - f[LINE_T])
            above += 1 if r > JUMP_US else 0
            below += 1 if r < -JUMP_US else 0
        if above == 3 or below == 3:
            for k in range(3):
                for c in range(bins.shape[1]):
                    bins[k, c] = bins[old - 2 + k, c]
            i[N_BINS] = 3
    _fit(f, i, bins, histograms, floors, t)


@kernel
def _hold(i: Ints, held: Floats, value: float, ordered: bool) -> None:
    n = i[N_HELD]
    if n == HELD:
        return
    if ordered:
        k = n
        while k > 0 and held[k - 1] > value:
            held[k] = held[k - 1]
            k -= 1
        held[k] = value
    else:
        held[n] = value
    i[N_HELD] = n + 1


@kernel
def _observe(
    f: Floats, i: Ints, bins: Floats, held: Floats, histograms: Floats, floors: Floats,
    t_device: int, host_us: float, kind: int,
) -> None:  # fmt: skip
    """One mark: it goes into its second; a finished second moves the line."""
    t = float(t_device - i[T_FIRST])
    d = host_us - float(t_device) - float(i[BASE])
    if kind == ASKED:
        if d > f[LOW_D]:
            f[LOW_T], f[LOW_D] = t, d
        return
    if kind == SAMPLED:
        f[LAG] = d - f[APPLIED]
        if i[STAMPED] != 0:
            # stamps hold no queueing: as long as there are some, only they count
            if t - f[T_SENT] < STAMPS_GONE_US:
                return
            i[STAMPED] = 0
            f[T_MARK] = -math.inf
            _forget(f, i, histograms)
        since = t - f[T_MARK]
        if since > 0.0:
            if f[PERIOD] > 0.0:
                f[PERIOD] += (min(since, 2.0 * f[PERIOD]) - f[PERIOD]) / 64.0
            elif since < 1e6:
                f[PERIOD] = since
        f[T_MARK] = t
        count_step(histograms, host_us - f[ARRIVED])
        f[ARRIVED] = host_us
    elif kind == ANSWERED:
        if i[STAMPED] != 0 or i[BIN] < 0:
            return
    else:
        if i[STAMPED] == 0:
            i[STAMPED] = 1
            _forget(f, i, histograms)
        f[T_SENT] = t
    number = (t_device - i[T_FIRST]) // SECOND
    if number > i[BIN]:
        if i[BIN] >= 0:
            _finish_second(f, i, bins, held, histograms, floors, float(number * SECOND))
        i[BIN] = number
        i[N_HELD] = 0
        f[BIN_D], f[BIN_T] = math.inf, t
        f[LOW_D] = -math.inf
    level = d - f[LINE_B] * (t - i[BIN] * SECOND)  # as if it had been at the beginning of its second
    _hold(i, held, level, kind == SENT)
    if level < f[BIN_D] - f[LINE_B] * (f[BIN_T] - i[BIN] * SECOND):
        f[BIN_D], f[BIN_T] = d, t
    f[SMALLEST] = min(f[SMALLEST], d)


@kernel
def _map(f: Floats, i: Ints, t_us: int) -> int:
    """Session time of one row."""
    dt = t_us - i[T_LAST]
    t = float(t_us - i[T_FIRST])
    target = f[APPLIED]
    if f[LINE_T] == f[LINE_T]:
        target = f[LINE_A] + f[LINE_B] * (t - f[LINE_T])
    elif f[SMALLEST] < math.inf:
        target = f[SMALLEST]
    if t <= FREE_US:
        f[APPLIED] = target
    else:
        limit = (ARRIVAL_SLEW if i[COUNTED] != 0 else DEVICE_SLEW) * dt
        f[APPLIED] += min(max(target - f[APPLIED], -limit), limit)
    out = t_us + i[BASE] + math.floor(f[APPLIED] + 0.5)
    # strictly monotone; a step back is absorbed at half speed, so that no two samples fall onto neighbouring microseconds
    out = max(out, i[OUT_LAST] + max(1, (dt + 1) // 2))
    if dt > 0:
        i[STEP] = dt
    i[T_LAST] = t_us
    i[OUT_LAST] = out
    return out


@kernel
def map_rows(
    f: Floats, i: Ints, bins: Floats, held: Floats, histograms: Floats, floors: Floats, t_us: Ints, t0_us: int,
    where: Ints, mark_t: Ints, mark_us: Floats, kind: Ints, out: Ints, pace: Floats,
) -> None:  # fmt: skip
    """Session time of the rows t_us (n,) -> out (n,). Marks are sorted by `where`, the row they come before.

    Where samples are only counted, pace (n,) is the true duration of a sample in units of the nominal one, NaN while it is
    not known; elsewhere 1, for no clock is off by as much as a gyroscope's scale.
    """
    m = 0
    for k in range(t_us.shape[0]):
        if i[STARTED] == 0 or i[NEW_EPOCH] != 0:
            # an epoch begins at the first mark that is an upper bound
            first = m
            while first < where.shape[0] and where[first] <= k and kind[first] >= ASKED:
                first += 1
            here = first < where.shape[0] and where[first] <= k
            if i[STARTED] == 0:
                i[MARKED] = 1 if here else 0
            if here and i[MARKED] != 0:
                offset = math.floor(mark_us[first]) - mark_t[first]
            elif i[MARKED] != 0:
                offset = i[OUT_LAST] + 1 - t_us[k]
            else:
                offset = -t0_us
            _start_epoch(f, i, histograms, t_us[k], offset)
        while m < where.shape[0] and where[m] <= k:
            if i[MARKED] != 0:
                _observe(f, i, bins, held, histograms, floors, mark_t[m], mark_us[m], kind[m])
            m += 1
        out[k] = _map(f, i, t_us[k])
        pace[k] = 1.0
        if i[COUNTED] != 0 and i[MARKED] != 0:
            pace[k] = 1.0 + f[LINE_B] if i[BIN] >= PACE_S else math.nan
    while m < where.shape[0]:
        if i[MARKED] != 0 and i[STARTED] != 0 and i[NEW_EPOCH] == 0:
            _observe(f, i, bins, held, histograms, floors, mark_t[m], mark_us[m], kind[m])
        m += 1
