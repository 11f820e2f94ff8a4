import { Alert, Form } from "antd";
import type { ReactNode } from "react";
import type { Problems } from "./problems";

/** A field with its label, a hint, and what the server says of it. */
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
  problem?: string | undefined;
  children: ReactNode;
}) {
  return (
    <Form.Item
      label={label}
      htmlFor={id}
      required={required}
      validateStatus={problem ? "error" : ""}
      help={problem ? <Said text={problem} /> : undefined}
      extra={hint}
    >
      {children}
    </Form.Item>
  );
}

export function Said({ text }: { text: string | undefined }) {
  return text ? (
    <span role="alert" className="bad">
      {text}
    </span>
  ) : null;
}

/** What the server said of no field that is here. */
export function OtherProblems({ problems }: { problems: Problems }) {
  return problems.others.map((text) => (
    <Alert key={text} className="block" type="error" showIcon title={text} />
  ));
}

/** A filter with its visible label. */
export function Filter({ id, label, children }: { id: string; label: string; children: ReactNode }) {
  return (
    <div className="alerts-filter">
      <label htmlFor={id} className="calm">
        {label}
      </label>
      {children}
    </div>
  );
}
