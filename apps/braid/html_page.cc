#include "apps/braid/html_page.h"

namespace braid::cli {

const char* const kPageHead = R"html(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>drawing</title>
<style>
:root { --ground: #fbfaf7; --card: #fff; --ink: #22252a; --faint: #6b7078;
  --line: #dcdad3; color-scheme: light dark; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #15171a; --card: #1d2024; --ink: #e4e2dc; --faint: #959aa3;
    --line: #363a40; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem 4rem;
  background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 1rem; }
h2 { font-size: 1.05rem; margin: 0 0 .5rem; }
section { background: var(--card); border: 1px solid var(--line);
  border-radius: .6rem; padding: 1rem; margin: 0 0 1rem; overflow-x: auto; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr));
  gap: .6rem 1.2rem; margin: 0; }
dt { color: var(--faint); font-size: .8rem; }
dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
svg { display: block; max-width: 100%; }
svg text { fill: var(--faint); font-size: 12px; }
.grid { stroke: var(--line); }
.limit { stroke: var(--faint); stroke-dasharray: 6 5; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .85rem; }
.swatch { display: inline-block; width: .8em; height: .8em;
  border-radius: 50%; margin-right: .4em; }
.swatch.limit { height: 0; width: 1.6em; border-radius: 0;
  border-top: 2px dashed var(--faint); vertical-align: middle; }
table { border-collapse: collapse; width: 100%; font-size: .9rem;
  font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .25rem .5rem;
  border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
.tokens { white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.9; }
.tokens span { border-radius: .2em; }
#said { position: sticky; bottom: 0; background: var(--card);
  border-top: 1px solid var(--line); padding-top: .4rem; min-height: 2rem; }
</style>
</head>
<body>
<noscript>This page draws its charts with a script of its own.</noscript>
<script type="application/json" id="data">)html";

const char* const kPageTail = R"html(</script>
<script>
'use strict';
const COLOURS = ['#3f7fbf', '#d9803b', '#4c9f70', '#b5559a', '#8a7fd0',
                 '#b3a02e', '#5aa9b5', '#c0564f'];

function element(name, text, parent) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (parent) parent.append(made);
  return made;
}

function shape(name, attributes, parent, text) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

// About `count` round values from low to high, at least `least` apart.
function ticks(low, high, count, least) {
  const rough = Math.max((high - low) / count, least) || 1;
  const power = Math.pow(10, Math.floor(Math.log10(rough)));
  const step = [1, 2, 5, 10].map(f => f * power).find(s => s >= rough);
  const values = [];
  for (let i = Math.ceil(low / step); i * step <= high + step / 1e6; ++i) {
    values.push(i * step);
  }
  return values;
}

const short = value => Math.abs(value) >= 1e4
  ? +(value / 1e3).toPrecision(4) + 'k' : String(+value.toPrecision(4));

function range(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}

// Drawn for the width that there is, and again when that changes: letters keep
// their size on a phone.
function chart(part, parent) {
  element('h2', part.title, parent);
  const points = part.series.flatMap(s => s.points).filter(p => p[1] !== null);
  if (!points.length) return;
  const svg = shape('svg', {role: 'img', 'aria-label': part.title}, parent);
  const width = () => Math.max(280, parent.clientWidth - 34);
  let drawn = 0;
  const draw = () => {
    if (width() === drawn) return;
    drawn = width();
    plot(part, points, svg, drawn);
  };
  draw();
  addEventListener('resize', draw);
  const legend = element('div', undefined, parent);
  legend.className = 'legend';
  part.series.forEach((series, i) => {
    const entry = element('span', undefined, legend);
    const swatch = element('span', undefined, entry);
    swatch.className = series.limit ? 'swatch limit' : 'swatch';
    if (!series.limit) swatch.style.background = COLOURS[i % COLOURS.length];
    entry.append(series.name);
  });
}

function plot(part, points, svg, W) {
  const H = Math.round(Math.min(320, Math.max(220, W * .45)));
  const L = 52, R = 12, T = 26, B = 40;
  svg.replaceChildren();
  for (const [name, value] of [['width', W], ['height', H]]) {
    svg.setAttribute(name, value);
  }
  let [x0, x1] = range(points.map(p => p[0]));
  if (x0 === x1) { x0 -= 1; x1 += 1; }
  const y1 = range(points.map(p => p[1]))[1] * 1.05 || 1;
  const X = x => L + (x - x0) / (x1 - x0) * (W - L - R);
  const Y = y => H - B - y / y1 * (H - B - T);
  for (const y of ticks(0, y1, 5, 0)) {
    shape('line', {x1: L, x2: W - R, y1: Y(y), y2: Y(y), class: 'grid'}, svg);
    shape('text', {x: L - 6, y: Y(y) + 4, 'text-anchor': 'end'}, svg, short(y));
  }
  const whole = points.every(p => Number.isInteger(p[0]));
  for (const x of ticks(x0, x1, Math.min(8, W / 90), whole ? 1 : 0)) {
    shape('text', {x: X(x), y: H - B + 16, 'text-anchor': 'middle'}, svg,
          short(x));
  }
  shape('text', {x: W - R, y: H - 6, 'text-anchor': 'end'}, svg, part.x);
  shape('text', {x: 0, y: 14}, svg, part.y);
  part.series.forEach((series, i) => {
    const colour = COLOURS[i % COLOURS.length];
    const known = series.points.filter(p => p[1] !== null)
      .sort((a, b) => a[0] - b[0]);
    const line = {fill: 'none', 'stroke-width': 2,
      points: known.map(p => X(p[0]) + ',' + Y(p[1])).join(' ')};
    if (series.limit) line.class = 'limit'; else line.stroke = colour;
    shape('polyline', line, svg);
    if (series.limit || known.length > 400) return;
    for (const p of known) {
      const dot = shape('circle', {cx: X(p[0]), cy: Y(p[1]),
                                   r: known.length > 60 ? 2 : 3.5,
                                   fill: colour}, svg);
      shape('title', {}, dot, `${series.name}: ${short(p[0])} ${part.x}, ` +
            `${short(p[1])} ${part.y}`);
    }
  });
}

function facts(part, parent) {
  const list = element('dl', undefined, parent);
  for (const [name, value] of part.facts) {
    const pair = element('div', undefined, list);
    element('dt', name, pair);
    element('dd', value, pair);
  }
}

function table(part, parent) {
  const made = element('table', undefined, parent);
  const head = element('tr', undefined, made);
  for (const name of part.names) element('th', name, head);
  for (const row of part.rows) {
    const line = element('tr', undefined, made);
    for (const cell of row) element('td', cell, line);
  }
}

function tokens(part, parent) {
  element('h2', 'The scored text: the redder, the less expected', parent);
  const text = element('div', undefined, parent);
  text.className = 'tokens';
  const said = element('div', 'Point at a token to see its loss.', parent);
  said.id = 'said';
  for (const [token, loss] of part.tokens) {
    const span = element('span', token, text);
    const share = loss === null ? 1 : Math.min(loss / 10, 1);
    span.style.background = `rgba(214, 69, 47, ${(share * .75).toFixed(3)})`;
    span.dataset.loss = loss;
  }
  const show = event => {
    const span = event.target;
    if (span.dataset.loss === undefined) return;
    const loss = Number(span.dataset.loss);
    said.textContent = `${JSON.stringify(span.textContent)}: loss ` +
      `${loss.toFixed(3)} nats, probability ${Math.exp(-loss).toPrecision(3)}`;
  };
  text.addEventListener('mouseover', show);
  text.addEventListener('click', show);
}

function note(part, parent) { element('p', part.text, parent); }

const data = JSON.parse(document.getElementById('data').textContent);
element('h1', data.title, document.body);
const KINDS = {chart, facts, table, tokens, note};
for (const part of data.parts) {
  KINDS[part.kind](part, element('section', undefined, document.body));
}
document.title = data.title;  // the last line: a title means all was drawn
</script>
</body>
</html>
)html";

}  // namespace braid::cli
