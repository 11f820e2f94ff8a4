import { useSyncExternalStore } from "react";
import { onAnswer } from "@/api/client";

/** How it stands with the server: `lost` does not answer, `leaderless` has no scheduler that leads. */
export type Link = "up" | "lost" | "leaderless";

let link: Link = "up";
const listeners = new Set<() => void>();

function set(next: Link): void {
  if (next === link) return;
  link = next;
  for (const listener of listeners) listener();
}

// One answer of the poller each second tells enough; a single page's 503 may have another cause.
onAnswer((status, path) => {
  if (status === 0 || status === 502 || status === 504) set("lost");
  else if (path === "/api/changes") set(status === 503 ? "leaderless" : "up");
});

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useLink(): Link {
  return useSyncExternalStore(subscribe, () => link);
}
