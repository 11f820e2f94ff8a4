import { Alert, InputNumber } from "antd";
import { useRead } from "@/api/live";
import { useEditing } from "../editing";
import { Field } from "../field";
import { kindOf } from "../fields";
import { useWords } from "../words";
import { roomFor } from "./room";

export function Resources() {
  const t = useWords();
  const { job, set } = useEditing();
  return (
    <section className="panel">
      <h2>{t("resources")}</h2>
      <div className="job-form-row">
        <Field id="cpuCount" label={t("cpus")} required hint={t("per_shard")}>
          <InputNumber
            controls={false}
            id="cpuCount"
            className="job-form-number"
            step={0.1}
            value={job.cpuCount}
            onChange={(cpuCount) => set({ cpuCount })}
          />
        </Field>
        <Field id="memoryMB" label={t("memory")} required hint={t("per_shard")}>
          <InputNumber
            controls={false}
            id="memoryMB"
            className="job-form-number"
            step={64}
            value={job.memoryMB}
            onChange={(memoryMB) => set({ memoryMB })}
          />
        </Field>
        <Field id="timeoutSeconds" label={t("timeout")} hint={t("timeout_hint")}>
          <InputNumber
            controls={false}
            id="timeoutSeconds"
            className="job-form-number"
            value={job.timeoutSeconds}
            onChange={(timeoutSeconds) => set({ timeoutSeconds })}
          />
        </Field>
      </div>
      <WouldItFit />
    </section>
  );
}

/** Whether an agent could hold a shard: now, or ever. */
function WouldItFit() {
  const t = useWords();
  const { job } = useEditing();
  const agents = useRead("/api/operate/agents", { topics: ["agents", "tasks"] }).data;
  const apps = useRead("/api/app/list", { topics: ["apps"] }).data;
  const { cpuCount: cpus, memoryMB: memory, shardingTotalCount: shards } = job;
  if (!agents || !cpus || !memory || !shards) return null;
  const app = apps?.find(({ appName }) => appName === job.appName);
  const isScript = kindOf(job.props) === "script";
  const room = roomFor(
    {
      cpus,
      memory,
      appName: job.appName,
      executor: isScript || !app ? null : { cpus: app.cpuCount, memory: app.memoryMB },
    },
    agents,
  );
  if (room.agents === 0) return <Alert type="warning" showIcon title={t("no_agents")} />;
  if (!room.ever) {
    return (
      <Alert
        type="warning"
        showIcon
        title={t("never_fits")}
        description={t("never_fits_hint", { cpus: room.mostCpus, memory: room.mostMemory })}
      />
    );
  }
  const values = { now: room.now, shards, agents: room.agents };
  return room.now >= shards ? (
    <Alert type="success" showIcon title={t("fits_now", values)} />
  ) : (
    <Alert type="info" showIcon title={t("fits_later", values)} />
  );
}
