import { useCallback, useRef, useState } from "react";

/** Work on many things, some at a time: how far it is, and what ends it. */
export interface Work<T> {
  done: number;
  total: number;
  isOn: boolean;
  results: readonly T[];
  start: (
    total: number,
    carryOut: (tell: (results: readonly T[]) => void, signal: AbortSignal) => Promise<void>,
  ) => void;
  stop: () => void;
  reset: () => void;
}

export function useWork<T>(): Work<T> {
  const [results, setResults] = useState<readonly T[]>([]);
  const [total, setTotal] = useState(0);
  const [isOn, setIsOn] = useState(false);
  const abort = useRef<AbortController | null>(null);

  const start = useCallback<Work<T>["start"]>((many, carryOut) => {
    const controller = new AbortController();
    abort.current = controller;
    setResults([]);
    setTotal(many);
    setIsOn(true);
    const tell = (more: readonly T[]): void => {
      if (abort.current === controller) setResults((before) => [...before, ...more]);
    };
    void carryOut(tell, controller.signal).finally(() => {
      if (abort.current === controller) setIsOn(false);
    });
  }, []);
  const stop = useCallback(() => abort.current?.abort(), []);
  const reset = useCallback(() => {
    abort.current?.abort();
    abort.current = null;
    setResults([]);
    setTotal(0);
    setIsOn(false);
  }, []);
  return { done: results.length, total, isOn, results, start, stop, reset };
}

/** Do something with each, `width` at a time, in order of their beginning, until the signal says stop. */
export async function forEachOf<T>(
  things: readonly T[],
  width: number,
  signal: AbortSignal,
  act: (thing: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  async function worker(): Promise<void> {
    while (next < things.length && !signal.aborted) {
      const index = next;
      next += 1;
      await act(things[index] as T, index);
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, things.length) }, worker));
}
