import { Form } from "antd";
import type { ReactNode } from "react";
import { useEditing } from "./editing";

/** A field with its label, a hint, and what the server says of it. `id` is its name in the API. */
export function Field({
  id,
  label,
  hint,
  required = false,
  problem,
  children,
}: {
  id: string;
  label: string;
  hint?: ReactNode;
  required?: boolean;
  /** Instead of what is said of the field `id`. */
  problem?: string;
  children: ReactNode;
}) {
  const { problemOf, touch } = useEditing();
  const said = problem ?? problemOf(id);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it notices that somebody has been inside
    <div onBlur={() => touch(id)}>
      <Form.Item
        label={label}
        htmlFor={id}
        required={required}
        validateStatus={said ? "error" : ""}
        help={
          said ? (
            <span role="alert" data-field={id}>
              {said}
            </span>
          ) : undefined
        }
        extra={hint}
      >
        {children}
      </Form.Item>
    </div>
  );
}
