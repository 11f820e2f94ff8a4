import { createLink } from "@tanstack/react-router";
import { Button, type ButtonProps } from "antd";

interface ButtonLinkProps extends Pick<ButtonProps, "icon" | "size" | "children" | "className" | "onClick"> {
  href?: string;
  /** The router keeps `type` for itself. */
  primary?: boolean;
}

/** A link to a page of the console that looks like a button. */
export const ButtonLink = createLink(({ primary = false, href = "", ...props }: ButtonLinkProps) => (
  <Button {...props} type={primary ? "primary" : "default"} href={href} />
));
