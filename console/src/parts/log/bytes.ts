const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** Show a number of bytes: `3.2 MiB`. */
export function shownBytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}
