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
p { margin: 0; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr));
  gap: .6rem .8rem; margin: 0; }
dt { color: var(--faint); font-size: .8rem; }
dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
svg { display: block; max-width: 100%; }
svg text { fill: var(--faint); font-size: 12px; }
.grid { stroke: var(--line); }
.pointer { stroke: var(--faint); }
.limit { stroke: var(--faint); stroke-width: 2; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem;
  margin-top: .4rem; font-size: .85rem; font-variant-numeric: tabular-nums; }
.legend svg { display: inline-block; margin-right: .4em;
  vertical-align: middle; }
table { border-collapse: collapse; width: 100%; font-size: .9rem;
  font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .25rem .5rem; white-space: nowrap;
  border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
.tokens { white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.9; }
.tokens span { border-radius: .2em; }
.tokens .gap { color: var(--faint); display: block; }
.scale { width: 12rem; height: .7rem; border-radius: .3rem;
  background: linear-gradient(90deg, transparent, rgba(214, 69, 47, .75)); }
.scale-row { display: flex; white-space: nowrap; gap: .6rem; align-items: center;
  font-size: .85rem; color: var(--faint); }
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

const DASHES = ['6 5', '2 4', '10 3 2 3', '14 5'];

// What a line looks like: those of tests by colour, limits by dashes.
function styles(series) {
  let lines = 0, limits = 0;
  return series.map(one => {
    if (one.line === 'limit') {
      return {class: 'limit', fill: 'none',
              'stroke-dasharray': DASHES[limits++ % DASHES.length]};
    }
    if (one.line === 'band') {
      const around = COLOURS[Math.max(lines - 1, 0) % COLOURS.length];
      return {fill: around, 'fill-opacity': .18};
    }
    const colour = COLOURS[lines++ % COLOURS.length];
    return {fill: 'none', stroke: colour, 'stroke-width': 2};
  });
}

// Drawn for the width that there is, and again when that changes: letters keep
// their size on a phone.
function chart(part, parent) {
  element('h2', part.title, parent);
  const isLimit = one => one.line === 'limit';
  part.series = [...part.series.filter(one => !isLimit(one)),
                 ...part.series.filter(isLimit)];
  for (const one of part.series) {
    one.points = one.points.filter(p => p[1] !== null);
    if (one.line !== 'band') one.points.sort((a, b) => a[0] - b[0]);
  }
  part.styles = styles(part.series);
  const points = part.series.flatMap(one => one.points);
  if (!points.length) return;
  const svg = shape('svg', {role: 'img', 'aria-label': part.title}, parent);
  const said = legend(part, parent);
  const width = () => Math.max(240, parent.clientWidth - 34);
  let drawn = 0;
  const draw = () => {
    if (width() === drawn) return;
    drawn = width();
    plot(part, points, svg, drawn, said);
  };
  draw();
  addEventListener('resize', draw);
}

// Returns what shows the values of all lines at an x, or those names alone.
function legend(part, parent) {
  const list = element('div', undefined, parent);
  list.className = 'legend';
  const values = part.series.map((one, i) => {
    const entry = element('span', undefined, list);
    const swatch = shape('svg', {width: 26, height: 12}, entry);
    shape(one.line === 'band' ? 'rect' : 'line',
          {...part.styles[i], x1: 0, x2: 26, y1: 6, y2: 6, width: 26,
           height: 12}, swatch);
    element('span', one.name, entry);
    return element('span', '', entry);
  });
  const place = element('span', '', list);
  return x => {
    place.textContent = x === null ? '' : `at ${short(x)} ${part.x}`;
    part.series.forEach((one, i) => {
      const here = one.points.filter(p => p[0] === x).map(p => short(p[1]));
      values[i].textContent = here.length ? ': ' + here.join(' to ') : '';
    });
  };
}

function plot(part, points, svg, W, said) {
  const H = Math.round(Math.min(320, Math.max(220, W * .45)));
  const L = 52, R = 14, T = 28, B = 42;
  svg.replaceChildren();
  for (const [name, value] of [['width', W], ['height', H]]) {
    svg.setAttribute(name, value);
  }
  const along = part.logarithmic ? Math.log : x => x;
  const xs = [...new Set(points.map(p => p[0]))].sort((a, b) => a - b);
  const x0 = along(xs[0]), x1 = along(xs[xs.length - 1]);
  const X = x => x0 === x1 ? (L + W - R) / 2
    : L + (along(x) - x0) / (x1 - x0) * (W - L - R);
  const [low, high] = range(points.map(p => p[1]));
  const y0 = part.fromZero ? 0 : Math.max(low - (high - low) * .1, 0);
  const y1 = high + ((high - y0) * .05 || 1);
  const Y = y => H - B - (y - y0) / (y1 - y0) * (H - B - T);
  for (const y of ticks(y0, y1, 5, 0)) {
    shape('line', {x1: L, x2: W - R, y1: Y(y), y2: Y(y), class: 'grid'}, svg);
    shape('text', {x: L - 6, y: Y(y) + 4, 'text-anchor': 'end'}, svg, short(y));
  }
  const whole = xs.every(Number.isInteger);
  const marks = part.logarithmic || xs.length === 1 ? xs
    : ticks(xs[0], xs[xs.length - 1], Math.min(8, W / 90), whole ? 1 : 0);
  let free = Infinity;  // from the right: where the last label begins
  for (const x of marks.reverse()) {
    const text = short(x), half = text.length * 3.6 + 4;
    if (X(x) + half > free) continue;
    free = X(x) - half;
    shape('text', {x: Math.min(X(x), W - half), y: H - B + 16,
                   'text-anchor': 'middle'}, svg, text);
  }
  shape('text', {x: W - R, y: H - 6, 'text-anchor': 'end'}, svg, part.x);
  shape('text', {x: 0, y: 14}, svg, part.y);
  part.series.forEach((one, i) => {
    shape(one.line === 'band' ? 'polygon' : 'polyline', {...part.styles[i],
      points: one.points.map(p => X(p[0]) + ',' + Y(p[1])).join(' ')}, svg);
    if (one.line !== 'measured' || one.points.length > 60) return;
    for (const p of one.points) {
      shape('circle', {cx: X(p[0]), cy: Y(p[1]), r: 3.5,
                       fill: part.styles[i].stroke}, svg);
    }
  });
  const pointer = shape('line', {class: 'pointer', y1: T, y2: H - B,
                                 visibility: 'hidden'}, svg);
  svg.onpointermove = event => {
    const at = event.clientX - svg.getBoundingClientRect().left;
    const x = xs.reduce((best, one) =>
      Math.abs(X(one) - at) < Math.abs(X(best) - at) ? one : best);
    for (const name of ['x1', 'x2']) pointer.setAttribute(name, X(x));
    pointer.setAttribute('visibility', 'visible');
    said(x);
  };
  svg.onpointerleave = () => {
    pointer.setAttribute('visibility', 'hidden');
    said(null);
  };
}

function facts(part, parent) {
  element('h2', part.title, parent);
  const list = element('dl', undefined, parent);
  for (const [name, value] of part.facts) {
    const pair = element('div', undefined, list);
    element('dt', name, pair);
    element('dd', value, pair);
  }
}

function table(part, parent) {
  element('h2', part.title, parent);
  const made = element('table', undefined, parent);
  const head = element('tr', undefined, made);
  for (const name of part.names) element('th', name, head);
  for (const row of part.rows) {
    const line = element('tr', undefined, made);
    for (const cell of row) element('td', cell, line);
  }
}

// A loss of so many nats, and more, is as red as it gets.
const MOST = 10;

function tokens(part, parent) {
  element('h2', 'The scored text, token by token', parent);
  const row = element('div', undefined, parent);
  row.className = 'scale-row';
  element('span', 'expected, 0 nats', row);
  element('span', undefined, row).className = 'scale';
  element('span', MOST + ' nats', row);
  const text = element('div', undefined, parent);
  text.className = 'tokens';
  const said = element('div', 'Point at a token to see its loss.', parent);
  said.id = 'said';
  const losses = new Map();
  for (const token of part.tokens) {
    if (token === null) {
      element('span', '⋯', text).className = 'gap';
      continue;
    }
    const span = element('span', token[0].replace(/\n/g, '↵\n'), text);
    const share = token[1] === null ? 1
      : Math.min(Math.max(token[1] / MOST, 0), 1);
    span.style.background = `rgba(214, 69, 47, ${(share * .75).toFixed(3)})`;
    losses.set(span, token);
  }
  const show = event => {
    const token = losses.get(event.target);
    if (!token) return;
    const loss = token[1] ?? Infinity;
    said.textContent = `${JSON.stringify(token[0])}: loss ` +
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
