/* The part of report.html that shows where energy and time go. It stands in
 * front of the page's own script, whose names its functions use. */
'use strict';
/* Everything that costs: one record for an event in a layer, and leakage. */
const ways = ['layer', 'component', 'event'];
function records(s) {
  const leak = s.components.length - 1;
  return s.layer_events.map(([layer, e, , energy, time]) => ({ layer,
      event: words(s.events[e].name), component: s.events[e].component, energy, time }))
    .concat(s.layers.map((l, layer) => ({ layer, component: leak,
      event: words(s.components[leak]), energy: l.energy_j[leak], time: 0 })))
    .filter(r => r.energy > 0 || r.time > 0);
}
function costButtons(named) {
  const button = (text, pressed, action) => {
    const b = el('button', text); b.setAttribute('aria-pressed', pressed);
    b.onclick = () => { action(); cost(); }; return b;
  };
  $('cost-by').replaceChildren(...ways.map(w => button('by ' + w, w === state.by,
    () => { state.by = w; delete state.picked[w]; })));
  $('cost-picked').replaceChildren(...ways.filter(w => w in state.picked).map(w =>
    button(named(w, state.picked[w]) + ' ×', true, () => { delete state.picked[w]; })));
}
/* What silicon is used for, layer by layer; nothing of it happens, so it is
 * not picked from. */
function drawParts(s) {
  const used = s.layers.filter(l => l.area_m2 > 0);
  $('parts').parentElement.style.height = Math.max(160, 26 * used.length + 90) + 'px';
  draw('parts', { type: 'bar', data: { labels: used.map(l => l.name),
    datasets: s.parts.map((name, i) => ({ label: words(name),
      data: used.map(l => l.area_by_part_m2[i]),
      backgroundColor: css('--c' + Math.max(0, s.components.indexOf(name))),
      maxBarThickness: 28 })).filter(d => d.data.some(x => x > 0)) },
    options: base(axis('', { stacked: true, ticks: { callback: x => area(x),
      maxTicksLimit: 6, maxRotation: 0 } }),
      axis('', { stacked: true, grid: { display: false } }),
      { indexAxis: 'y', interaction: { mode: 'index', axis: 'y', intersect: false },
        plugins: { legend: legend(), tooltip: { filter: c => c.parsed.x > 0,
          callbacks: { label: c => `${c.dataset.label}: ${area(c.parsed.x)}` } } } }) });
}
function cost() {
  const variants = ofSet().filter(v => v.simulation && v.simulation.layer_events);
  $('s-cost').hidden = !variants.length;
  const v = choices($('cost-variant'), variants, state.cost);
  if (!v) return;
  const s = v.simulation, by = state.by;
  const named = (way, key) => way === 'layer' ? s.layers[key].name
    : way === 'component' ? words(s.components[key]) : key;
  const shown = records(s).filter(r => ways.every(w =>
    !(w in state.picked) || r[w] === state.picked[w]));
  const sum = (of, what) => of.reduce((a, r) => a + r[what], 0);
  const keys = [...new Set(shown.map(r => r[by]))];
  const of = new Map(keys.map(k => [k, shown.filter(r => r[by] === k)]));
  keys.sort((a, b) => by === 'layer' ? a - b
    : sum(of.get(b), 'energy') - sum(of.get(a), 'energy'));
  costButtons(named);
  $('cost-total').textContent = `${si(sum(shown, 'energy'), 'J')}, ` +
    `${si(sum(shown, 'time'), 's')}, ` + (s.pictures
      ? `counted over ${s.pictures} executed picture${s.pictures > 1 ? 's' : ''}`
      : 'predicted from shapes');
  const height = Math.max(220, 26 * keys.length + 90) + 'px';
  for (const box of document.querySelectorAll('.tall')) box.style.height = height;
  const tick = unit => ({ ticks: { callback: x => si(x, unit), maxTicksLimit: 6,
    maxRotation: 0 }, stacked: true });
  /* The next bars are those of a way that parts what was picked. The chart is
   * still at work on the click when it calls this. */
  const pick = (event, items) => {
    if (!items.length) return;
    const key = keys[items[0].index], inside = of.get(key);
    state.picked[by] = key;
    state.by = ways.find(w => !(w in state.picked) &&
      inside.some(r => r[w] !== inside[0][w])) || by;
    setTimeout(cost);
  };
  const options = unit => base(axis('', tick(unit)),
    axis('', { stacked: true, grid: { display: false } }),
    { indexAxis: 'y', interaction: { mode: 'index', axis: 'y', intersect: false },
      onClick: pick, plugins: { legend: legend(), tooltip: {
        filter: c => c.parsed.x > 0, callbacks: { label: c =>
          `${c.dataset.label}: ${si(c.parsed.x, unit)}` } } } });
  const bars = what => ({ labels: keys.map(k => named(by, k)),
    datasets: s.components.map((name, i) => ({ label: words(name),
      data: keys.map(k => sum(of.get(k).filter(r => r.component === i), what)),
      backgroundColor: css('--c' + i), maxBarThickness: 28 })).filter(d => d.data.some(x => x > 0)) });
  draw('energy', { type: 'bar', data: bars('energy'), options: options('J') });
  draw('latency', { type: 'bar', data: bars('time'), options: options('s') });
  drawParts(s);
  fillTable($('cost-table'), [['layer'], ...s.components.map(c => [words(c), 'n']),
    ['latency', 'n'], ['area', 'n'], ['sub-arrays', 'n']],
    s.layers.map(l => [l.name, ...l.energy_j.map(e => si(e, 'J')),
      si(l.latency_s, 's'), area(l.area_m2), String(l.sub_arrays)]));
}
