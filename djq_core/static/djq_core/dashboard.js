/* Keeps the dashboard up to date: fetches its changing part every few seconds and puts in what has changed.
 *
 * It rests while the page is hidden or the reader has paused it, and asks less and less often while the server is away.
 * What the reader is at stays: the focus, opened details, scrolled tables, a selected text.
 */
"use strict";

(() => {
  const root = document.getElementById("djq");
  const live = document.getElementById("djq-live");
  const state = document.getElementById("djq-updates-state");
  const toggle = document.getElementById("djq-updates-switch");
  if (!root || !live || !window.fetch) {
    return;
  }

  const texts = root.dataset;
  const interval = Number(texts.interval) * 1000;
  const LONGEST = 60000;
  const PATIENCE = 30000;

  let timer = null;
  let failures = 0;
  let isPaused = false;
  let isOver = false;
  let isAsking = false;
  const shown = new Map();

  function say(kind) {
    root.dataset.state = kind;
    const text = texts["text" + kind[0].toUpperCase() + kind.slice(1)];
    if (state.textContent !== text) {
      state.textContent = text; // a status: said once, when it changes
    }
  }

  // Asking

  async function ask() {
    const patience = new AbortController();
    const alarm = setTimeout(() => patience.abort(), PATIENCE);
    try {
      const answer = await fetch(texts.source, {
        cache: "no-store",
        credentials: "same-origin",
        signal: patience.signal,
      });
      if (answer.status === 403 || answer.redirected) {
        return "gone";
      }
      return answer.ok ? show(await answer.text()) : "away";
    } catch {
      return "away";
    } finally {
      clearTimeout(alarm);
    }
  }

  async function round() {
    if (isAsking) {
      return;
    }
    isAsking = true;
    const outcome = await ask();
    isAsking = false;
    failures = outcome === "away" ? failures + 1 : 0;
    if (outcome === "gone") {
      isOver = true;
      toggle.hidden = true;
    }
    if (!isPaused) {
      say(outcome);
    }
    plan();
  }

  function plan(now = false) {
    clearTimeout(timer);
    if (isOver || isPaused || document.hidden) {
      return;
    }
    timer = setTimeout(round, now ? 0 : Math.min(interval * 2 ** failures, LONGEST));
  }

  // Showing

  const partsOf = (node) => [...node.querySelectorAll("[data-live]")];

  function show(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    const parts = partsOf(fresh);
    if (!parts.length) {
      return "gone"; // an answer, but not the dashboard's: a page to log in, most likely
    }
    const ids = (nodes) => nodes.map((node) => node.id).join();
    if (ids(parts) === ids(partsOf(live))) {
      parts.forEach(replace);
    } else {
      live.replaceChildren(...parts.map((part) => document.adoptNode(part)));
      shown.clear();
    }
    return "live";
  }

  function replace(part) {
    const old = document.getElementById(part.id);
    const html = part.innerHTML;
    if (shown.get(part.id) === html || isSelected(old)) {
      return;
    }
    shown.set(part.id, html);
    const kept = look(old);
    old.replaceWith(document.adoptNode(part));
    restore(part, kept);
  }

  function isSelected(part) {
    const selection = document.getSelection();
    return selection && !selection.isCollapsed && part.contains(selection.anchorNode);
  }

  function look(part) {
    const focused = part.contains(document.activeElement) ? document.activeElement : null;
    return {
      focus: focused && nameOf(focused),
      open: [...part.querySelectorAll("details[open]")].map((each) => each.id),
      scrolled: [...part.querySelectorAll(".djq-scroll")].map((each) => [each.id, each.scrollLeft, each.scrollTop]),
    };
  }

  function restore(part, kept) {
    const within = (id) => (id ? part.querySelector("#" + CSS.escape(id)) : null);
    kept.open.map(within).filter(Boolean).forEach((each) => { each.open = true; });
    for (const [id, left, top] of kept.scrolled) {
      within(id)?.scrollTo({ left, top, behavior: "instant" });
    }
    if (kept.focus) {
      const same = [...part.querySelectorAll("a, button, summary, [tabindex]")].find((each) => nameOf(each) === kept.focus);
      (same ?? part).focus({ preventScroll: true });
    }
  }

  const nameOf = (node) => [node.tagName, node.id, node.getAttribute("href"), node.name, node.value].join("\n");

  // The reader

  toggle.addEventListener("click", () => {
    isPaused = !isPaused;
    toggle.textContent = isPaused ? texts.textResume : texts.textPause;
    if (isPaused) {
      say("paused");
    }
    plan(true);
  });
  document.addEventListener("visibilitychange", () => plan(true));

  partsOf(live).forEach((part) => shown.set(part.id, part.innerHTML));
  toggle.hidden = false;
  say("live");
  plan();
})();
