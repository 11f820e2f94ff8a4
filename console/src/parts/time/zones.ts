const formats = new Map<string, Intl.DateTimeFormat>();

/** Made once for each zone and language: making one takes longer than using it. */
function formatOf(zone: string, locale: string): Intl.DateTimeFormat {
  const key = `${zone} ${locale}`;
  let format = formats.get(key);
  if (!format) {
    format = new Intl.DateTimeFormat(locale, {
      timeZone: zone,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      hourCycle: "h23",
      timeZoneName: "short",
    });
    formats.set(key, format);
  }
  return format;
}

/** What a zone's clock shows: its date, its time, and what a language calls the zone. */
export function clockOf(
  epoch: number,
  zone: string,
  locale = "en-GB",
): { day: string; time: string; zoneName: string } {
  const parts = new Map(
    formatOf(zone, locale)
      .formatToParts(epoch)
      .map((part) => [part.type, part.value]),
  );
  const of = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? "";
  return {
    day: `${of("year")}-${of("month")}-${of("day")}`,
    time: `${of("hour")}:${of("minute")}:${of("second")}`,
    zoneName: of("timeZoneName"),
  };
}

/** What a clock of the zone shows at a moment: `2026-11-30T22:05:01`. */
export function wallTime(epoch: number, zone: string): string {
  const { day, time } = clockOf(epoch, zone);
  return `${day}T${time}`;
}

/** How far the zone's clocks are ahead of UTC at a moment, in milliseconds. */
export function zoneOffset(epoch: number, zone: string): number {
  const whole = Math.floor(epoch / 1000) * 1000;
  return Date.parse(`${wallTime(whole, zone)}Z`) - whole;
}

/**
 * The moment at which the zone's clocks show a time such as `2026-11-30T22:05`; null if it is none.
 *
 * Of the two moments of an hour that is passed twice it is the first; a time that is skipped counts from before.
 */
export function epochOfWall(wall: string, zone: string): number | null {
  const asUtc = Date.parse(`${wall}${wall.length === 16 ? ":00" : ""}Z`);
  if (Number.isNaN(asUtc)) return null;
  const day = 86_400_000;
  // Of the offsets that hold around it, the one before a change comes first.
  for (const offset of [zoneOffset(asUtc - day, zone), zoneOffset(asUtc + day, zone)]) {
    if (zoneOffset(asUtc - offset, zone) === offset) return asUtc - offset;
  }
  return asUtc - zoneOffset(asUtc - day, zone);
}
