import { Input } from "antd";
import { useEffect, useState } from "react";
import { epochOf, useZone } from "./time";
import { epochOfWall, wallTime } from "./zones";

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
  const shown = epoch === null ? "" : wallTime(epoch, zone);
  const [typed, setTyped] = useState(shown);
  useEffect(() => setTyped(shown), [shown]);

  function take(text: string): void {
    setTyped(text);
    const moment = text === "" ? null : epochOfWall(text, zone);
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
