import { createLink } from "@tanstack/react-router";
import { Button } from "antd";

/** A link to a page of ours that looks like a button: `<LinkButton to="/jobs/new" type="primary">`. */
export const LinkButton = createLink(Button);
