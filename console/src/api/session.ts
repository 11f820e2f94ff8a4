import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { type Answer, get, post } from "./client";

export type Me = Answer<"/api/me">;

const ME_KEY = ["/api/me"] as const;

/** Who is logged in, and what this server is. */
export function useMe() {
  return useQuery<Me, Error>({
    queryKey: ME_KEY,
    queryFn: ({ signal }) => get("/api/me", { signal }),
    staleTime: 60_000,
    refetchInterval: 60_000,
    retry: false,
  });
}

/** Whether the one who looks may change something: a guest sees no action. */
export function useMayAct(): boolean {
  return useMe().data?.role === "admin";
}

export function useLogin() {
  const client = useQueryClient();
  return useCallback(
    async (username: string, password: string) => {
      await post("/api/login", { body: { username, password, session: true } });
      client.clear();
      await client.fetchQuery({ queryKey: ME_KEY, queryFn: () => get("/api/me") });
    },
    [client],
  );
}

export function useLogout() {
  const client = useQueryClient();
  return useCallback(async () => {
    await post("/api/logout");
    client.clear();
  }, [client]);
}
