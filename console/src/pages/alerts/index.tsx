import { Page } from "@/parts/page";

export default function PlacePage() {
  return <Page title="alerts">…</Page>;
}
