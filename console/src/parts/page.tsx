import { Alert, Button, Empty, Skeleton, Typography } from "antd";
import { type ReactNode, useEffect } from "react";
import { ApiError } from "@/api/client";
import { useWords } from "./words";

/** A page: its one `h1`, the title of the tab, and its actions beside the heading. */
export function Page({
  title,
  heading,
  actions,
  children,
}: {
  title: string;
  heading?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · ElasticJob-Cloud`;
  }, [title]);
  return (
    <>
      <header className="page-head">
        <h1 className="page-title">{heading ?? title}</h1>
        {actions ? <div className="page-actions">{actions}</div> : null}
      </header>
      {children}
    </>
  );
}

/** What went wrong with a read, in the server's own words, and a way to try again. */
export function Problem({ error, retry }: { error: Error; retry?: () => void }) {
  const t = useWords();
  return (
    <Alert
      type="error"
      showIcon
      title={t("not_loaded")}
      description={isUnreached(error) ? t("not_reached") : error.message}
      action={retry ? <Button onClick={retry}>{t("retry")}</Button> : null}
      className="block"
    />
  );
}

function isUnreached(error: Error): boolean {
  return error instanceof ApiError && error.status === 0;
}

/**
 * What to show while a read is on its way, when it failed, and when it has come. What came before stays in view; that
 * it may be old is said once, by the banner of the whole console.
 */
export function Loaded<T>({
  read,
  children,
}: {
  read: { data: T | undefined; error: Error | null; refetch: () => unknown };
  children: (data: T) => ReactNode;
}) {
  const isOnlyOld = read.data !== undefined && read.error !== null && isUnreached(read.error);
  return (
    <>
      {read.error && !isOnlyOld ? <Problem error={read.error} retry={() => void read.refetch()} /> : null}
      {read.data !== undefined ? (
        children(read.data)
      ) : read.error ? null : (
        <Skeleton active={false} title={false} />
      )}
    </>
  );
}

/** An empty place says what to do. */
export function Nothing({ text, children }: { text: string; children?: ReactNode }) {
  return (
    <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={<Typography.Text>{text}</Typography.Text>}>
      {children}
    </Empty>
  );
}
