"""The words that a page shows, also those that only a screen reader says; and which of them are in a wrong language."""

import re
from collections.abc import Iterable

from playwright.sync_api import Page

# What is data, code or an example is in nobody's language.
_READ = """() => {
  const data = "code, pre, .mono, kbd, script, style, .uplot, textarea, .log-text";
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (node.data.trim() && parent.checkVisibility({visibilityProperty: true}) && !parent.closest(data)) texts.push(node.data.trim());
  }
  for (const element of document.querySelectorAll("[aria-label], [placeholder], [title]"))
    if (element.checkVisibility({visibilityProperty: true}) && !element.closest("code, pre, .mono, .uplot, .anticon"))
      for (const name of ["aria-label", "placeholder", "title"])
        if (element.getAttribute(name)) texts.push(element.getAttribute(name));
  return [document.title, ...texts];
}"""
# Names and terms that are the same in Chinese text.
_SAME_WORDS = """
    ElasticJob Cloud API UTC CPU CPUs GPU MB GB GiB MiB KiB KB ID JSON YAML CSV URL URI HTTP HTTPS http https ftp file SDK
    Python Ray SQLite PostgreSQL curl cron Cron Quartz English p50 p99 Ctrl Enter Esc Shift Tab stdout stderr ANSI SIGTERM
    SIGKILL TRANSIENT DAEMON READY FAILOVER LOG THROW IGNORE EMAIL WECHAT DINGTALK WEBHOOK GET POST PUT DELETE PATCH props
    Webhook webhook Slack Markdown HTML IANA true false root guest PID IP TLS SMTP traceback Traceback Shell shell SINGLE_THREAD PROCESS
    Beijing Shanghai
"""
_SAME_IN_CHINESE = frozenset(_SAME_WORDS.split())
_WORD = re.compile(r"[A-Za-z][A-Za-z']+")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
# `not_loaded`, `parts.not_loaded`, `{{name}}`: what a page shows when a word is missing or was not filled in.
_KEY = re.compile(r"\{\{|\b[a-z]+_[a-z]+(?:_[a-z]+)*\b|\bundefined\b|\bNaN\b|\[object ")
# Ids, addresses, paths, host names, variables, and what the server or a task said.
_DATA = re.compile(
    r"[\w.-]+-[0-9a-f]{8}\b|^Shard \d+: |\S+@-@\S+|\b(?:https?|file)://\S*|(?<![\w.])/[\w./-]+|\bELASTICJOB_\w+|\b\w+Error: .*"
    r"|\bexit code \d+|^The script ended with exit code [\s\S]*|^Needs \d+ x [\s\S]*|^Traceback .*"
)
_LANGUAGE_NAMES = ("English", "中文", "简体中文")


def shown_texts(page: Page) -> list[str]:
    """Give each text that is seen or said now, the title first."""
    texts: list[str] = page.evaluate(_READ)
    return texts


def wrong_words(texts: Iterable[str], language: str, data: Iterable[str]) -> list[str]:
    """Say what is not in the page's language, or is no language at all. `data` are texts that people or tests chose."""
    known = sorted(data, key=len, reverse=True)
    found = []
    for text in dict.fromkeys(texts):
        own = _DATA.sub(" ", text)
        for each in (*known, *_LANGUAGE_NAMES):
            own = own.replace(each, " ")
        wrong = [f"key {key}" for key in _KEY.findall(own)]
        if language == "zh":
            wrong += [word for word in _WORD.findall(own) if word not in _SAME_IN_CHINESE]
        elif _CHINESE.search(own):
            wrong.append("Chinese")
        if wrong:
            found.append(f"{text[:120]!r}: {', '.join(wrong[:6])}")
    return found
