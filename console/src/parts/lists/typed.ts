import { useEffect, useState } from "react";

const PAUSE_MS = 300;

/**
 * Text of a filter that counts when typing pauses: each change asks the server. It follows the filter when that is
 * changed elsewhere: cleared, or by a link.
 */
export function useTyped(value: string, onChange: (value: string) => void): [string, (text: string) => void] {
  const [typed, setTyped] = useState(value);
  const [given, setGiven] = useState(value);
  const [seen, setSeen] = useState(value);
  if (seen !== value) {
    setSeen(value);
    if (value !== given) {
      // Not what was typed here. What is typed while our own change is on its way stays.
      setGiven(value);
      setTyped(value);
    }
  }
  useEffect(() => {
    const text = typed.trim();
    if (text === value) return;
    const timer = window.setTimeout(() => {
      setGiven(text);
      onChange(text);
    }, PAUSE_MS);
    return () => window.clearTimeout(timer);
  }, [typed, value, onChange]);
  return [typed, setTyped];
}
