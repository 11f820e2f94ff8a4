import { SearchOutlined } from "@ant-design/icons";
import { App, Button, Checkbox, Input } from "antd";
import { useState } from "react";
import { plainText } from "./ansi";
import { shownBytes } from "./bytes";
import type { StreamChoice } from "./reader";
import { ERROR_PATTERN, type Hit, type useLogSearch } from "./use-search";
import { useWords } from "./words";

/** Search the whole output; the hits are listed, and lead to their lines. */
export function LogSearch({
  search: { search, run, stop, clear },
  stream,
  onHit,
}: {
  search: ReturnType<typeof useLogSearch>;
  stream: StreamChoice;
  onHit: (hit: Hit) => void;
}) {
  const t = useWords();
  const { message } = App.useApp();
  const [text, setText] = useState("");
  const [isRegex, setIsRegex] = useState(false);
  const [chosen, setChosen] = useState(0);

  async function find(): Promise<void> {
    if (text === "") return clear();
    const hits = await run(text, isRegex, stream);
    if (hits[0]) choose(hits, 0);
  }

  async function findError(): Promise<void> {
    const [hit] = await run(ERROR_PATTERN, true, stream, null, 1);
    clear();
    if (hit) onHit(hit);
    else message.info(t("no_error"));
  }

  function choose(hits: readonly Hit[], index: number): void {
    const hit = hits[index];
    if (!hit) return;
    setChosen(index);
    onHit(hit);
  }

  return (
    <>
      <search>
        <form
          className="bar"
          onSubmit={(event) => {
            event.preventDefault();
            void find();
          }}
        >
          <Input
            className="log-query"
            aria-label={t("search")}
            placeholder={t("search")}
            value={text}
            allowClear
            maxLength={1000}
            onChange={(event) => {
              setText(event.target.value);
              if (event.target.value === "") clear();
            }}
          />
          <Checkbox checked={isRegex} onChange={(event) => setIsRegex(event.target.checked)}>
            {t("regex")}
          </Checkbox>
          {search?.isBusy ? (
            <Button onClick={stop}>{t("stop")}</Button>
          ) : (
            <Button htmlType="submit" icon={<SearchOutlined aria-hidden />}>
              {t("find")}
            </Button>
          )}
          <Button onClick={() => void findError()}>{t("first_error")}</Button>
        </form>
      </search>
      {search ? (
        <Hits search={search} chosen={chosen} onChoose={(index) => choose(search.hits, index)}>
          {search.next && !search.isBusy ? (
            <Button size="small" onClick={() => void run(text, isRegex, stream, search)}>
              {t("more_hits")}
            </Button>
          ) : null}
          <Button size="small" onClick={clear}>
            {t("close")}
          </Button>
        </Hits>
      ) : null}
    </>
  );
}

function Hits({
  search,
  chosen,
  onChoose,
  children,
}: {
  search: NonNullable<ReturnType<typeof useLogSearch>["search"]>;
  chosen: number;
  onChoose: (index: number) => void;
  children: React.ReactNode;
}) {
  const t = useWords();
  const count = search.hits.length;
  return (
    <div className="log-hits">
      <div className="bar" aria-live="polite">
        {search.problem ? <span className="bad">{search.problem}</span> : null}
        <span>{count > 0 || search.isBusy ? t("hits", { count }) : t("no_hits")}</span>
        <span className="calm">{t("searched", { bytes: shownBytes(search.searchedBytes) })}</span>
        <Button size="small" disabled={chosen <= 0} onClick={() => onChoose(chosen - 1)}>
          {t("previous")}
        </Button>
        <Button size="small" disabled={chosen >= count - 1} onClick={() => onChoose(chosen + 1)}>
          {t("next")}
        </Button>
        {children}
      </div>
      {count > 0 ? (
        <ol className="log-hit-list">
          {search.hits.map((hit, index) => (
            <li key={`${hit.stream}:${hit.offset}`}>
              <button
                type="button"
                className={index === chosen ? "log-hit log-hit-chosen" : "log-hit"}
                onClick={() => onChoose(index)}
              >
                {plainText(hit.line)}
              </button>
            </li>
          ))}
        </ol>
      ) : null}
    </div>
  );
}
