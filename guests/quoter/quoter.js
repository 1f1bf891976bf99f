// A market maker as a component: it quotes around the middle of the book and leans against what it
// holds, so that a long position makes it sell sooner and buy later.
//
// Amounts and prices are whole numbers of the smallest unit, as decimal strings; every rounding is
// away from a trade. State and events are canonical JSON, and what comes out is too.

import { note, readInput } from "chaoschain:agent/host@0.1.0";

import { amount, decode, encode, field, refuse, text } from "./wire.js";

const MILLION = 1_000_000n;

/** What is quoted where the job gives no input of this name. */
const PARAMETERS = "quoter";
const DEFAULTS = { half_spread_ppm: 500n, inventory_max: 1_000_000n, size: 10_000n, skew_ppm: 2_000n };

/** One step: the state as it was and an event in, the next state and orders out. */
export function decide(state, event) {
  const parameters = readParameters();
  const before = readState(state);
  const happened = decode("event", event);
  switch (field("event", happened, "kind")) {
    case "book":
      return step(before, quotes(before, readBook(happened), parameters));
    case "fill":
      return step(filled(before, happened), []);
    default:
      throw refuse("event.kind: expected `book` or `fill`");
  }
}

function readParameters() {
  const bytes = readInput(PARAMETERS);
  // An input that the job does not have is null here, and undefined in other engines.
  if (bytes === null || bytes === undefined) {
    return DEFAULTS;
  }
  const given = decode(PARAMETERS, bytes, Object.keys(DEFAULTS));
  const read = (name, least, most) => amount(PARAMETERS, given, name, least, most);
  return {
    half_spread_ppm: read("half_spread_ppm", 0n, MILLION),
    inventory_max: read("inventory_max", 1n),
    size: read("size", 1n),
    skew_ppm: read("skew_ppm", 0n, MILLION),
  };
}

/** No bytes are the state before the first event: nothing held. */
function readState(bytes) {
  if (bytes.length === 0) {
    return { inventory: 0n };
  }
  return { inventory: amount("state", decode("state", bytes, ["inventory"]), "inventory", undefined) };
}

function readBook(event) {
  const names = ["ask", "bid", "kind"];
  const book = { bid: amount("event", event, "bid", 1n), ask: amount("event", event, "ask", 1n) };
  if (Object.keys(event).length !== names.length) {
    throw refuse(`event: expected the fields ${names.join(", ")}`);
  }
  if (book.bid >= book.ask) {
    throw refuse(`event: bid ${book.bid} is not below ask ${book.ask}`);
  }
  return book;
}

/** A bid and an ask, each left out where it would add to a position that is already at its most. */
function quotes({ inventory }, { bid, ask }, { half_spread_ppm, inventory_max, size, skew_ppm }) {
  const middle = (bid + ask) / 2n;
  const held = clamp(inventory, -inventory_max, inventory_max);
  // All in millionths of the middle, and of the largest position: one division, rounded at the end.
  const scale = MILLION * inventory_max;
  const lean = middle * (scale - skew_ppm * held);
  const half = middle * half_spread_ppm * inventory_max;
  const orders = [
    { price: least(floorDiv(lean - half, scale), ask - 1n), side: "buy", size: least(size, inventory_max - inventory) },
    { price: most(-floorDiv(-(lean + half), scale), bid + 1n), side: "sell", size: least(size, inventory_max + inventory) },
  ];
  const placed = orders.filter((order) => order.size > 0n && order.price > 0n);
  if (placed.length < orders.length) {
    note(`one side left out at inventory ${inventory}`);
  }
  return placed;
}

function filled({ inventory }, event) {
  const size = amount("event", event, "size", 1n);
  switch (field("event", event, "side")) {
    case "buy":
      return { inventory: inventory + size };
    case "sell":
      return { inventory: inventory - size };
    default:
      throw refuse("event.side: expected `buy` or `sell`");
  }
}

function step({ inventory }, orders) {
  const intents = orders.map(({ price, side, size }) => ({ price: text(price), side, size: text(size) }));
  return { state: encode({ inventory: text(inventory) }), intents: encode(intents) };
}

function floorDiv(a, b) {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}

const least = (a, b) => (a < b ? a : b);
const most = (a, b) => (a > b ? a : b);
const clamp = (value, low, high) => most(low, least(value, high));
