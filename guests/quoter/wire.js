// Canonical JSON (RFC 8785) without numbers: amounts are decimal strings.

/** Longer documents are refused before they are read: 64 KiB. */
const DOCUMENT_BYTES_MAX = 65_536;

/** An amount has at most this many digits, so that no product of two is slow. */
const DIGITS_MAX = 39;

/** What a component throws to give the failure `invalid-input`. */
export function refuse(reason) {
  return { tag: "invalid-input", val: reason };
}

/** Reads a canonical object; with `names`, one that has exactly these fields. */
export function decode(where, bytes, names) {
  if (bytes.length > DOCUMENT_BYTES_MAX) {
    throw refuse(`${where}: ${bytes.length} bytes, the limit is ${DOCUMENT_BYTES_MAX}`);
  }
  const given = utf8(where, bytes);
  let value;
  try {
    value = JSON.parse(given);
  } catch {
    throw refuse(`${where}: not JSON`);
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw refuse(`${where}: expected an object`);
  }
  if (canonical(value) !== given) {
    throw refuse(`${where}: not canonical JSON`);
  }
  if (names !== undefined && Object.keys(value).sort().join() !== [...names].sort().join()) {
    throw refuse(`${where}: expected the fields ${names.join(", ")}`);
  }
  return value;
}

export function encode(value) {
  const coded = encodeURIComponent(canonical(value));
  const bytes = [];
  for (let at = 0; at < coded.length; at += 1) {
    if (coded[at] === "%") {
      bytes.push(Number.parseInt(coded.slice(at + 1, at + 3), 16));
      at += 2;
    } else {
      bytes.push(coded.charCodeAt(at));
    }
  }
  return new Uint8Array(bytes);
}

/** The text in a field. */
export function field(where, object, name) {
  const value = object[name];
  if (!Object.hasOwn(object, name) || typeof value !== "string") {
    throw refuse(`${where}.${name}: expected a text`);
  }
  return value;
}

/** The whole number in a field, in its one spelling. */
export function amount(where, object, name, least, most) {
  const digits = field(where, object, name);
  if (!/^(0|-?[1-9][0-9]*)$/.test(digits) || digits.length > DIGITS_MAX) {
    throw refuse(`${where}.${name}: expected a whole number of at most ${DIGITS_MAX} digits`);
  }
  const value = BigInt(digits);
  if ((least !== undefined && value < least) || (most !== undefined && value > most)) {
    const bounds = most === undefined ? `at least ${least}` : `from ${least} to ${most}`;
    throw refuse(`${where}.${name}: expected ${bounds}, found ${value}`);
  }
  return value;
}

export const text = (value) => value.toString();

/** Keys in the order of their UTF-16 units, which is how JavaScript sorts; no numbers. */
function canonical(value) {
  if (Array.isArray(value)) {
    return `[${value.map(canonical).join(",")}]`;
  }
  if (value !== null && typeof value === "object") {
    const fields = Object.keys(value).sort();
    return `{${fields.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

// The engine has no TextDecoder; decoding percent signs is strict UTF-8 by the language's own rules.
function utf8(where, bytes) {
  let coded = "";
  for (const byte of bytes) {
    coded += `%${byte.toString(16).padStart(2, "0")}`;
  }
  try {
    return decodeURIComponent(coded);
  } catch {
    throw refuse(`${where}: not UTF-8`);
  }
}
