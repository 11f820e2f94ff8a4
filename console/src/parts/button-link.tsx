import { createLink } from "@tanstack/react-router";
import { Button, type ButtonProps } from "antd";
import type { Ref } from "react";

type AnchorButtonProps = Omit<ButtonProps, "href" | "htmlType"> & {
  href?: string;
  ref?: Ref<HTMLAnchorElement>;
};

/** A link to a page of the console that looks like a button. */
export const ButtonLink = createLink((props: AnchorButtonProps) => (
  <Button {...(props as ButtonProps)} href={props.href ?? ""} />
));
