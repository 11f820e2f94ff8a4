import { Input } from "antd";
import { useEffect, useState } from "react";
import { epochOf, useZone } from "./time";

<<<<<<< HEAD

import { epochOfWall, wallTime } from "./zones";

=======

/** What a wall clock in `zone` shows: `2026-11-30T22:05`. */
export function wallClock(epoch: number, zone: string): string {
  const parts = new Map(
    new Intl.DateTimeFormat("en-GB", {
      timeZone: zone,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    })
      .formatToParts(epoch)
      .map((part) => [part.type, part.value]),
  );
  const of = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? "";
  return `${of("year").padStart(4, "0")}-${of("month")}-${of("day")}T${of("hour")}:${of("minute")}`;
}

/** The moment at which a clock in `zone` shows this; in a clock change the first such moment, or the one after the gap. */
export function momentOf(wall: string, zone: string): number | null {
  const shown = Date.parse(`${wall}Z`);
  if (Number.isNaN(shown)) return null;
  const offsetAt = (epoch: number): number => Date.parse(`${wallClock(epoch, zone)}Z`) - floored(epoch);
  // The offsets a day before and after are all that can hold on that day.
  const candidates = [shown - offsetAt(shown - 86_400_000), shown - offsetAt(shown + 86_400_000)];
  const exact = candidates.filter((epoch) => wallClock(epoch, zone) === wall.slice(0, 16));
  return exact.length > 0 ? Math.min(...exact) : Math.max(...candidates);
}

function floored(epoch: number): number {
  return Math.floor(epoch / 60_000) * 60_000;
}
>>>>>>> 4344d377f9df0ba39f655869cfe85715df296f5f

/** A field for a moment, in the zone that times are shown in. Its value is ISO 8601 in UTC, or empty. */
export function InstantInput({
  id,
  value,
  onChange,
}: {
  id: string;
  value: string;
  onChange: (value: string) => void;
}) {
  const zone = useZone();
  const epoch = epochOf(value);
<<<<<<< HEAD
  const shown = epoch === null ? "" : wallTime(epoch, zone);
=======
  const shown = epoch === null ? "" : wallClock(epoch, zone);
>>>>>>> 4344d377f9df0ba39f655869cfe85715df296f5f
  const [typed, setTyped] = useState(shown);
  useEffect(() => setTyped(shown), [shown]);

  function take(text: string): void {
    setTyped(text);
<<<<<<< HEAD
    const moment = text === "" ? null : epochOfWall(text, zone);
=======
    const moment = text === "" ? null : momentOf(text, zone);
>>>>>>> 4344d377f9df0ba39f655869cfe85715df296f5f
    if (text === "") onChange("");
    else if (moment !== null) onChange(new Date(moment).toISOString());
  }

  return (
    <Input
      id={id}
      type="datetime-local"
      className="instant"
      value={typed}
      onChange={(event) => take(event.target.value)}
      suffix={<span className="calm">{zone}</span>}
    />
  );
}
