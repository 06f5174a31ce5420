// Scales and ticks of plots: from what is measured to where it is drawn.

/** Round steps of 1, 2 or 5 times a power of ten, about `most` of them between two numbers. */
function ticks(low, high, most = 6) {
  const rough = (high - low) / most || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  // Multiples, not sums: 0.1 + 0.2 is not 0.3.
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  );
}

/** Even steps from `low` to `high`, widened a little so that no mark stands on the edge. */
function linear(values, { zero = false, room = 0.06, format = number, binary = false } = {}) {
  let low = Math.min(...values, ...(zero ? [0] : []));
  let high = Math.max(...values, ...(zero ? [0] : []));
  if (low === high)
    [low, high] = [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2];
  const margin = (high - low) * room;
  if (!zero || low < 0) low -= margin;
  if (!zero || high > 0) high += margin;
  const at = (value) => (value - low) / (high - low);
  // Bytes are counted in powers of 1024, so 1 MiB is a round number, and 1,000,000 is not.
  const unit = binary ? 1024 ** Math.max(0, Math.floor(Math.log2(high) / 10)) : 1;
  return { at, ticks: ticks(low / unit, high / unit).map((tick) => tick * unit), format };
}

/** Powers of ten are evenly spaced. */
function logarithmic(values, { format = number } = {}) {
  const low = Math.log10(Math.min(...values)) - 0.05;
  const high = Math.log10(Math.max(...values)) + 0.05;
  const marks = [];
  for (let power = Math.floor(low); power <= high; power++)
    for (const step of high - low > 3 ? [1] : [1, 2, 5])
      if (Math.log10(step) + power >= low && Math.log10(step) + power <= high)
        marks.push(Number(`${step}e${power}`));
  return { at: (value) => (Math.log10(value) - low) / (high - low || 1), ticks: marks, format };
}

/** A place for each name. */
function named(names) {
  const at = (name) => (names.indexOf(name) + 0.5) / names.length;
  return { at, ticks: names, format: String, band: 1 / names.length };
}
