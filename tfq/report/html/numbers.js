// Numbers as people read them; what is not known is a dash.

const NOTHING = "–";

/** A number with a few significant digits. */
function number(value, digits = 4) {
  if (value === null || value === undefined) return NOTHING;
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return value.toLocaleString("en-US");
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value === 0 ? "0" : value.toExponential(digits - 1);
  return String(Number(value.toPrecision(digits)));
}

function scaled(value, steps) {
  if (value === null || value === undefined) return NOTHING;
  const [size, unit] = steps.find(([size]) => Math.abs(value) >= size) ?? [1, ""];
  const part = value / size;
  // Three digits, but not 1.00e+3 of 999.6.
  return `${part >= 999.5 ? Math.round(part) : part.toPrecision(3)} ${unit}`;
}

/** A count, such as 301 M; up to 9,999 as it is. */
function count(value) {
  if (value !== null && Math.abs(value) < 1e4) return number(value);
  return scaled(value, [
    [1e12, "T"],
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ]);
}

/** A number of bytes, such as 3.36 MiB. */
function bytes(value) {
  if (value !== null && Math.abs(value) < 1024) return `${number(value)} B`;
  return scaled(value, [
    [2 ** 30, "GiB"],
    [2 ** 20, "MiB"],
    [1024, "KiB"],
  ]);
}

/** A round number without the zeros that line up columns: 2 MiB, not 2.00 MiB. */
function round(format) {
  return (value) =>
    format(value)
      .replace(/(\.\d*?)0+ /, "$1 ")
      .replace(". ", " ");
}

/** A share from 0 to 1 in percent. */
function percent(value, digits = 1) {
  if (value === null || value === undefined) return NOTHING;
  return `${Number((value * 100).toFixed(digits))} %`;
}

/** A ratio in decibels. */
function decibels(value) {
  return value === null || value === undefined ? NOTHING : `${value.toFixed(1)} dB`;
}

/** A time, such as 7.05 ms. */
function milliseconds(value) {
  return value === null || value === undefined ? NOTHING : `${number(value, 3)} ms`;
}

/** `1 finding`, `2 findings`. */
function counted(value, noun) {
  return `${value.toLocaleString("en-US")} ${noun}${value === 1 ? "" : "s"}`;
}

/** A shape, such as 1×224×224×3; -1 is a size that is not fixed. */
function shape(sizes) {
  return sizes.length ? sizes.map((size) => (size < 0 ? "?" : size)).join("×") : "scalar";
}

/** Numbers of a list, shortened in the middle of what is long. */
function listed(values, most = 8) {
  const shown = values.slice(0, most).map((value) => number(value));
  return values.length > most ? `${shown.join(", ")}, …` : shown.join(", ");
}
