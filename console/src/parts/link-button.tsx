import { createLink, type LinkComponent } from "@tanstack/react-router";
import { Button, type ButtonProps } from "antd";
import type { ComponentType } from "react";

type LookProps = Omit<ButtonProps, "type"> & { look?: ButtonProps["type"] };

const RouterButton = createLink(({ look, ...props }: LookProps) => (
  <Button {...props} {...(look ? { type: look } : {})} />
)) as unknown as ComponentType<LookProps>;

function Linked({ type, ...props }: ButtonProps) {
  return <RouterButton {...props} look={type} />;
}

/**
 * A link to a page of ours that looks like a button: `<LinkButton to="/jobs/new" type="primary">`.
 *
 * The router takes `type` for the link's own and drops it, so it goes by another name.
 */
export const LinkButton = Linked as unknown as LinkComponent<typeof Button>;
