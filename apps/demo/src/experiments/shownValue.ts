/** A value as people read it; NaN and infinities are values, too. */
export const shownValue = (value: number): string =>
  Number.isInteger(value) || !Number.isFinite(value)
    ? String(value)
    : Math.abs(value) < 1e-3
      ? value.toExponential(2)
      : String(Number(value.toPrecision(4)));
