import { Button, Select } from "antd";
import { useRead } from "@/api/live";
import { useFilters } from "@/parts/lists/filters";
import { Loaded } from "@/parts/page";
import { Filter } from "../common/field";
import { Pages } from "../common/pages";
import { useChannelNames } from "../common/pickers";
import { useCommonWords } from "../common/words";
import { DeliveryTable } from "./table";
import { useWords } from "./words";

const DEFAULTS = { state: "", channel: "", messageId: "", cursor: "" };
const STATES = ["PENDING", "DELIVERED", "FAILED"] as const;
const ROWS = 50;

/** What was sent, what is still to be sent, and what was given up. */
export function Deliveries() {
  const t = useWords();
  const common = useCommonWords();
  const names = useChannelNames();
  const [filters, change] = useFilters(DEFAULTS);
  const read = useRead("/api/alert/deliveries", {
    query: { ...filters, limit: ROWS },
    topics: ["alerts"],
  });
  const channels = filters.channel && !names.includes(filters.channel) ? [filters.channel, ...names] : names;
  const isNarrowed = `${filters.state}${filters.channel}${filters.messageId}` !== "";
  return (
    <>
      <search className="bar" aria-label={t("filters")}>
        <Filter id="deliveries-state" label={common("state")}>
          <Select
            id="deliveries-state"
            className="alerts-choice"
            value={filters.state}
            onChange={(state: string) => change({ state })}
            options={[
              { value: "", label: common("any_state") },
              ...STATES.map((state) => ({ value: state as string, label: t(state) })),
            ]}
          />
        </Filter>
        <Filter id="deliveries-channel" label={common("channel")}>
          <Select
            id="deliveries-channel"
            className="alerts-choice"
            value={filters.channel}
            onChange={(channel: string) => change({ channel })}
            options={[
              { value: "", label: common("any_channel") },
              ...channels.map((name) => ({ value: name, label: name })),
            ]}
          />
        </Filter>
        {filters.messageId ? (
          <Filter id="deliveries-message" label={t("message")}>
            <output id="deliveries-message" className="id">
              {filters.messageId}
            </output>
          </Filter>
        ) : null}
        {isNarrowed ? (
          <Button className="alerts-bar-end" onClick={() => change(DEFAULTS)}>
            {t("clear")}
          </Button>
        ) : null}
      </search>
      <Loaded read={read}>
        {({ rows, next }) => (
          <>
            <DeliveryTable rows={rows} isNarrowed={isNarrowed} />
            <Pages cursor={filters.cursor} next={next} onGo={(cursor) => change({ cursor })} />
          </>
        )}
      </Loaded>
    </>
  );
}
