import { QueryClient } from "@tanstack/react-query";
import { ApiError, onAnswer } from "@/api/client";
import { startLive } from "@/api/live";

const MOST_TRIES = 2;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: Number.POSITIVE_INFINITY, // the poller says when something is old
      gcTime: 60_000,
      refetchOnWindowFocus: false,
      refetchOnReconnect: false,
      refetchOnMount: "always",
      retry: (count, error) => count < MOST_TRIES && error instanceof ApiError && error.status >= 500,
      structuralSharing: true,
    },
  },
});

let isLoggedIn = true;

/** Keep everything fresh; after a lost link, read again what is seen. */
export function startReading(): void {
  let wasLost = false;
  onAnswer((status, path) => {
    if (status === 401 && path !== "/api/login" && path !== "/api/me") {
      isLoggedIn = false;
      void queryClient.invalidateQueries({ queryKey: ["/api/me"] });
    }
    if (path === "/api/me") isLoggedIn = status !== 401;
    if (status === 0 || status === 503) wasLost = true;
    else if (wasLost && status === 200 && path === "/api/changes") {
      wasLost = false;
      void queryClient.invalidateQueries();
    }
  });
  startLive(queryClient, () => isLoggedIn);
}
