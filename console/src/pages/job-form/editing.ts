import { createContext, useContext } from "react";
import type { JobFields } from "./fields";

/** What the parts of the form share. */
export interface Editing {
  job: JobFields;
  isEdit: boolean;
  /** Change fields. */
  set: (changed: Partial<JobFields>) => void;
  /** Change one entry of `props`: empty takes it away, unless `keep`. */
  setProp: (name: string, value: string, keep?: boolean) => void;
  /** What the server says of a field, once somebody has been there or wanted to save. */
  problemOf: (field: string) => string;
  /** Somebody has been at a field. */
  touch: (field: string) => void;
}

export const EditingContext = createContext<Editing | null>(null);

export function useEditing(): Editing {
  const editing = useContext(EditingContext);
  if (!editing) throw new Error("a part of the job form stands outside of it");
  return editing;
}
