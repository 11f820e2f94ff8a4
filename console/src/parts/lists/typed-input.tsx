import { Input } from "antd";
import { useTyped } from "./typed";

/** A text filter that counts when typing pauses. With an `id` a label of the page names it. */
export function TypedInput({
  value,
  onChange,
  className,
  placeholder,
  ...named
}: {
  value: string;
  onChange: (value: string) => void;
  className: string;
  placeholder: string;
} & ({ id: string } | { "aria-label": string })) {
  const [typed, setTyped] = useTyped(value, onChange);
  return (
    <Input
      {...named}
      className={className}
      placeholder={placeholder}
      allowClear
      value={typed}
      onChange={({ target }) => setTyped(target.value)}
    />
  );
}
