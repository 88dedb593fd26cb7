// Values as JSON, with the types that they have by themselves; as for workers in Python (see guest/shapes.py).

const TYPES = { boolean: { type: "Bool" }, string: { type: "Str" } };
const INT = { type: "S64" }, FLOAT = { type: "F64" }, STR = { type: "Str" };
const MOST_NESTED = 100;  // as in shapes.py; types beyond would not be read
const S64_LEAST = -(2n ** 63n), S64_MOST = 2n ** 63n - 1n;

// The name as the component model spells it: `addItem` and `add_item` are `add-item`.
export function kebab(name) {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1-$2")
    .toLowerCase()
    .replace(/[_$-]+/g, "-")
    .replace(/^-|-$/g, "")
    .replace(/-(?=[0-9])/g, "");
  if (!/^[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*$/.test(words)) {
    throw new Error(`the name ${name} cannot be exported: use the letters a to z, digits and underscores`);
  }
  return words;
}

// JSON text of any value: what JSON has nothing for becomes what is nearest.
export function text(value) {
  const shown = JSON.stringify(value, (_, part) => {
    if (typeof part === "bigint") return Number(part);
    if (part instanceof Map) return Object.fromEntries(part);
    if (part instanceof Set || ArrayBuffer.isView(part)) return [...part];
    if (part instanceof Error) return String(part);
    return part;
  });
  return shown === undefined ? "null" : shown;
}

// The JSON text of `{"typ": ..., "value": ...}`.
export function answered(value) {
  const { typ, json } = typed(value) ?? ofText(value);
  return `{"typ":${JSON.stringify(typ)},"value":${json}}`;
}

// Null is for what is nested deeper than a type may be.
function typed(value, depth = 0) {
  if (depth > MOST_NESTED) return null;
  if (value === null || value === undefined || typeof value === "function" || typeof value === "symbol") {
    return { typ: null, json: "null" };
  }
  if (TYPES[typeof value]) return { typ: TYPES[typeof value], json: JSON.stringify(value) };
  if (typeof value === "number") return ofNumber(value);
  if (typeof value === "bigint" && value >= S64_LEAST && value <= S64_MOST) return { typ: INT, json: String(value) };
  if (value instanceof Date) return { typ: STR, json: JSON.stringify(value.toISOString()) };
  if (value instanceof Uint8Array) {
    return { typ: { type: "List", inner: { type: "U8" } }, json: `[${[...value].join(",")}]` };
  }
  if (Array.isArray(value) && value.length) {
    const parts = [];
    for (const part of value) {
      const found = typed(part, depth + 1);
      if (found === null) return null;
      parts.push(found);
    }
    const first = JSON.stringify(parts[0].typ);
    if (parts.every((part) => part.typ?.type === "S64" || part.typ?.type === "F64")) {
      const inner = parts.every((part) => part.typ.type === "S64") ? INT : FLOAT;
      return { typ: { type: "List", inner }, json: `[${parts.map((part) => part.json).join(",")}]` };
    }
    if (parts[0].typ !== null && parts.every((part) => JSON.stringify(part.typ) === first)) {
      return { typ: { type: "List", inner: parts[0].typ }, json: `[${parts.map((part) => part.json).join(",")}]` };
    }
  }
  return ofText(value);
}

const ofText = (value) => ({ typ: STR, json: JSON.stringify(text(value)) });

function ofNumber(value) {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) return { typ: INT, json: String(value) };
  if (Number.isFinite(value)) return { typ: FLOAT, json: String(value) };
  return { typ: STR, json: JSON.stringify(String(value)) };
}

// What the console shows of values.
export function shown(values) {
  return values.map((value) => (typeof value === "string" ? value : inspected(value))).join(" ");
}

function inspected(value) {
  if (value instanceof Error) return value.stack ? `${value}\n${value.stack}`.trimEnd() : String(value);
  if (typeof value === "function") return `[function ${value.name}]`;
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "object" && value !== null) {
    try {
      return text(value);
    } catch {
      return String(value);  // it contains itself
    }
  }
  return String(value);
}
