"use strict";

const element = (name, text = "", properties = {}) =>
  Object.assign(document.createElement(name), { textContent: text }, properties);

// Colours: the reader's choice before that of the system; a page opened from disk may be refused a storage.

const theme = document.getElementById("theme");
const dark = matchMedia("(prefers-color-scheme: dark)");
const remembered = (act) => { try { return act(localStorage); } catch { return null; } };

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : dark.matches;
}

function nameTheme() {
  theme.textContent = `Use ${isDark() ? "light" : "dark"} colours`;
}

theme.addEventListener("click", () => {
  const chosen = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = chosen;
  remembered((storage) => storage.setItem("theme", chosen));
  nameTheme();
});
dark.addEventListener("change", nameTheme);
const earlier = remembered((storage) => storage.getItem("theme"));
if (earlier === "light" || earlier === "dark") document.documentElement.dataset.theme = earlier;
theme.hidden = false;
nameTheme();

// Tables: a button in each header sorts rising, then falling, then as before; dashes stay last.

const NUMBER = /^[-−+]?\d[\d,]*(\.\d+)?(?![\w.])/;
const NEXT = { none: "ascending", ascending: "descending", descending: "none" };
const collator = new Intl.Collator("en", { numeric: true });

function keysOf(rows, column) {
  const texts = rows.map((row) => row.cells[column].textContent.trim());
  const known = texts.filter((text) => text !== "–");
  const numeric = known.every((text) => NUMBER.test(text));
  const value = (text) => numeric ? Number(text.match(NUMBER)[0].replaceAll(",", "").replace("−", "-")) : text;
  return new Map(rows.map((row, i) => [row, texts[i] === "–" ? null : value(texts[i])]));
}

function sorted(rows, column, direction) {
  if (direction === "none") return rows;
  const keys = keysOf(rows, column);
  const sign = direction === "ascending" ? 1 : -1;
  return [...rows].sort((first, second) => {
    const [a, b] = [keys.get(first), keys.get(second)];
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * (typeof a === "number" ? a - b : collator.compare(a, b));
  });
}

for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const headers = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  if (rows.length < 2) continue;
  headers.forEach((header, column) => {
    const button = element("button", header.textContent, { type: "button" });
    header.replaceChildren(button);
    header.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const direction = NEXT[header.getAttribute("aria-sort")];
      for (const each of headers) each.setAttribute("aria-sort", "none");
      header.setAttribute("aria-sort", direction);
      table.classList.toggle("sorted", direction !== "none");
      body.append(...sorted(rows, column, direction));
    });
  });
}

// Gallery: one attack as every method explains it; all text goes in as text.

const HEAVIEST = 5;
const FAINT = 15; // of 99: weights below leave a word unmarked
const STEPS = 99;
const TEXTS = { original: ["Original", "del"], attacked: ["Attacked", "ins"] };

function marked(word, strength, change) {
  const shown = element("bdi", word);
  if (Math.abs(strength) >= FAINT) {
    shown.className = strength > 0 ? "for" : "against";
    shown.style.setProperty("--strength", (Math.abs(strength) / STEPS).toFixed(2));
  }
  if (!change) return shown;
  const outer = element(change);
  outer.append(shown);
  return outer;
}

function heaviest(tokens, { largest, strengths }) {
  const order = tokens.map((_, i) => i).filter((i) => strengths[i]);
  order.sort((i, j) => Math.abs(strengths[j]) - Math.abs(strengths[i]));
  const list = element("ol", "", { className: "heaviest" });
  for (const i of order.slice(0, HEAVIEST)) {
    const weight = (strengths[i] / STEPS) * largest;
    const item = element("li");
    item.append(element("bdi", tokens[i]), ` ${weight < 0 ? "−" : "+"}${Math.abs(weight).toPrecision(2)}`);
    list.append(item);
  }
  return list;
}

function panel({ tokens, changed }, method, change, name) {
  const text = element("div", "", { className: "reading", tabIndex: 0, dir: "auto" });
  text.setAttribute("role", "region");
  text.setAttribute("aria-label", `${method.name}, ${name}`);
  const positions = new Set(changed);
  tokens.forEach((token, i) => text.append(marked(token, method.strengths[i], positions.has(i) && change), " "));
  const whole = element("div", "", { className: "panel" });
  whole.append(element("h5", method.name), heaviest(tokens, method), text);
  return whole;
}

function showReadings(place, shelf, chosen, numbers) {
  place.replaceChildren();
  for (const number of numbers) {
    const reading = chosen.readings[number];
    place.append(element("h3", shelf.cells[number]));
    if (!reading) place.append(element("p", "This model has not been asked.", { className: "absent" }));
    for (const [key, text] of Object.entries(reading ?? {})) {
      const [name, change] = TEXTS[key];
      const row = element("div", "", { className: "panels" });
      const label = `${name.toLowerCase()} text, ${shelf.cells[number]}`;
      row.append(...text.methods.map((method) => panel(chosen.texts[key], method, change, label)));
      place.append(element("h4", `${name} text: score ${text.score}, rank ${text.rank}`), row);
    }
  }
}

function summaryOf(shelf, chosen, numbers) {
  const ranks = numbers.filter((number) => chosen.readings[number]).map((number) => {
    const { original, attacked } = chosen.readings[number];
    return `${shelf.cells[number]}: rank ${original.rank} → ${attacked.rank}, score ${original.score} → ${attacked.score}.`;
  });
  return [`Label ${chosen.label}; true labels: ${chosen.true_labels.join(", ") || "none"}.`, ...ranks].join(" ");
}

function startGallery(data, view) {
  const [shelfSelect, caseSelect, cells, status, place] = ["shelf", "case", "cells", "status", "readings"].map((name) =>
    document.getElementById(`gallery-${name}`));
  const options = (select, names) => select.replaceChildren(...names.map((name, i) => element("option", name, { value: i })));
  const shelf = () => data[shelfSelect.value];

  function show() {
    const chosen = shelf().cases[caseSelect.value];
    const numbers = [...cells.querySelectorAll("input:checked")].map((box) => Number(box.value));
    showReadings(place, shelf(), chosen, numbers);
    status.textContent = summaryOf(shelf(), chosen, numbers);
  }

  function openShelf() {
    options(caseSelect, shelf().cases.map((each) => each.name));
    const boxes = shelf().cells.map((name, i) => {
      const label = element("label");
      label.append(element("input", "", { type: "checkbox", value: i, checked: i < 2 }), ` ${name}`);
      return label;
    });
    cells.replaceChildren(cells.firstElementChild, ...boxes);
    show();
  }

  options(shelfSelect, data.map((each) => each.title));
  shelfSelect.addEventListener("change", openShelf);
  caseSelect.addEventListener("change", show);
  cells.addEventListener("change", show);
  view.hidden = false;
  openShelf();
}

const galleryData = document.getElementById("gallery-data");
if (galleryData) startGallery(JSON.parse(galleryData.textContent), document.getElementById("gallery-view"));
