// The entry of the runtime of workers in JavaScript. See world.wit for the functions.

import stderr from "wasi:cli/stderr@0.2.0";
import stdout from "wasi:cli/stdout@0.2.0";
import random from "wasi:random/random@0.2.0";
import { fetch, Headers } from "./fetch.js";
import { decoded, encoded, Failure, golem } from "./golem.js";
import { finish, forget, Promise as OwnPromise, run, settled, timing } from "./promises.js";
import { answered, kebab, shown, text } from "./values.js";

const NUMBERS = 2n ** 53n;
const streams = {};
let functions = {}, objects = {};

function line(name, words) {
  streams[name] ??= name === "stdout" ? stdout.getStdout() : stderr.getStderr();
  const bytes = encoded(`${words}\n`);
  for (let at = 0; at < bytes.length; at += 4096) streams[name].blockingWriteAndFlush(bytes.slice(at, at + 4096));
}

const out = (...values) => line("stdout", shown(values)), err = (...values) => line("stderr", shown(values));

class TextEncoder {
  encode(words = "") {
    return encoded(words);
  }
}

class TextDecoder {
  decode(bytes = []) {
    return decoded(bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes);
  }
}

function uuid() {
  const bytes = random.getRandomBytes(16);
  const digits = [...bytes].map((byte, place) => {
    const fixed = place === 6 ? (byte & 0x0f) | 0x40 : place === 8 ? (byte & 0x3f) | 0x80 : byte;
    return fixed.toString(16).padStart(2, "0");
  });
  return digits.join("").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function absent(what, instead) {
  return () => {
    throw new Error(`a worker in JavaScript has no ${what}; ${instead}`);
  };
}

Object.assign(globalThis, {
  Promise: OwnPromise,
  ...timing,
  TextEncoder,
  TextDecoder,
  console: {
    ...{ log: out, info: out, debug: out, table: out, dir: out, group: out, groupEnd() {} },
    ...{ warn: err, error: err, trace: err },
    assert: (isTrue, ...values) => isTrue || err("Assertion failed:", ...values),
  },
  crypto: {
    randomUUID: uuid,
    getRandomValues(array) {
      const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
      bytes.set(random.getRandomBytes(bytes.length));
      return array;
    },
  },
  structuredClone: (value) => JSON.parse(text(value)),
  sleep: golem.sleep,
  fetch,
  Headers,
  require: absent("require", "a cell is one module, and imports only golem"),
  $run: run,
  $settled: settled,
  $golem: golem,
});
// The engine's own is seeded when this is built: all workers would draw the same numbers.
Math.random = () => Number(BigInt.asUintN(53, BigInt(hexNumber(random.getRandomBytes(7))))) / Number(NUMBERS);

function hexNumber(bytes) {
  return `0x${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

// What a function is called with, as its text says.
function parametersOf(fn) {
  const source = fn.toString(), at = source.indexOf("("), arrow = /^\s*([A-Za-z_$][\w$]*)\s*=>/.exec(source);
  if (arrow) return [{ name: arrow[1], isOptional: false }];
  const parts = [""];
  let depth = 0;
  for (const letter of source.slice(at + 1)) {
    if (depth === 0 && letter === ")") break;
    if ("([{".includes(letter)) depth++;
    if (")]}".includes(letter)) depth--;
    if (depth === 0 && letter === ",") parts.push("");
    else parts[parts.length - 1] += letter;
  }
  return parts
    .map((part) => part.replace(/\/\*[^]*?\*\/|\/\/[^\n]*/g, "").trim())
    .filter((part) => part)
    .map((part, place) => {
      if (part.startsWith("...")) throw new Error(`${fn.name}() takes ${part}: the parameters of an export have names`);
      const name = /^[A-Za-z_$][\w$]*/.exec(part)?.[0] ?? `value${place + 1}`;
      return { name, isOptional: part.includes("=") };
    });
}

// See that no two names are one outside, where one would hide the other.
function unlike(names, whose) {
  const known = Object.create(null);  // a parameter may be called constructor
  for (const name of names) {
    const outside = kebab(name), other = (known[outside] ??= name);
    if (other !== name) throw new Error(`${whose} ${other} and ${name} are both called ${outside} from outside: rename one`);
  }
}

function add(described, program, site, name, fn, self) {
  const parameters = parametersOf(fn), key = `nb:${program.name}/${site}.{${kebab(name)}}`;
  unlike(parameters.map((p) => p.name), `the parameters of ${name},`);
  functions[key] = { fn, self, parameters };
  described.push({
    name: key,
    parameters: parameters.map((p) => ({
      name: kebab(p.name),
      typ: { type: "Str" },
      is_json: true,
      ...(p.isOptional ? { default: null } : {}),
    })),
    result: null,
    is_dynamic: true,
    docs: program.docs?.[name] ?? "",
  });
}

function describedClass(described, program, name, made) {
  const site = kebab(name), self = (objects[site] = new made()), found = new Map();
  for (let at = made.prototype; at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const own of Object.getOwnPropertyNames(at)) {
      const { value, get } = Object.getOwnPropertyDescriptor(at, own), fn = get ?? value;
      if (own === "constructor" || own.startsWith("_") || found.has(own) || typeof fn !== "function") continue;
      found.set(own, fn);
    }
  }
  unlike(found.keys(), `in ${name},`);
  for (const [own, fn] of found) add(described, program, site, own, fn, self);
}

const isClass = (value) => typeof value === "function" && /^class\b/.test(value.toString());
const isWorker = (value) => value.length === 0;

function loaded(program) {
  functions = {};
  objects = {};
  const exported = (0, eval)(program.source), described = [];
  const offered = Object.entries(exported).filter(([name, value]) => !name.startsWith("_") && typeof value === "function");
  for (const kind of [true, false]) {
    unlike(offered.filter(([, value]) => isClass(value) === kind).map(([name]) => name), "in the cell,");
  }
  for (const [name, value] of offered) {
    if (!isClass(value)) add(described, program, "api", name, value, undefined);
    else if (isWorker(value)) describedClass(described, program, name, value);
  }
  finish();
  if (!described.length) {
    throw new Error("the cell exports nothing: write functions, or a class whose methods are to be called");
  }
  return described;
}

// The cell's own lines of an error's stack.
function told(error) {
  if (!(error instanceof Error)) return `Uncaught ${shown([error])}`;
  const own = (error.stack ?? "").split("\n").filter((entry) => entry.includes("<evalScript>") || entry.includes("<input>"));
  const stack = own.map((entry) => `    ${entry.trim().replace(/<evalScript>|<input>/, "<cell>")}`);
  return [`${error.name}: ${error.message}`, ...stack].join("\n");
}

function guarded(work) {
  try {
    return work();
  } catch (error) {
    forget();
    const kind = error instanceof Failure ? error.kind : "raised";
    throw { kind, message: error instanceof Failure ? error.message : told(error) };
  }
}

export const program = {
  load: (given) => guarded(() => JSON.stringify(loaded(JSON.parse(given)))),
  call: (name, given) =>
    guarded(() => {
      const { fn, self, parameters } = functions[name];
      const values = JSON.parse(given).map((value, place) => {
        const read = JSON.parse(value);
        return read === null && parameters[place].isOptional ? undefined : read;
      });
      let found = settled(fn.apply(self, values));
      if (typeof found?.next === "function" && found[Symbol.iterator]) found = [...found];  // a generator's
      finish();
      return answered(found);
    }),
  save() {
    if (!Object.keys(objects).length) {
      throw "variables of a cell in JavaScript cannot be carried over: keep what matters in the object of a class";
    }
    const kept = Object.entries(objects).map(([site, object]) => [site, { ...object }]);
    return encoded(text(Object.fromEntries(kept)));
  },
  restore(data) {
    const lost = [];
    for (const [site, kept] of Object.entries(JSON.parse(decoded(data)))) {
      if (objects[site]) Object.assign(objects[site], kept);
      else lost.push(`${site}: there is no such class any more`);
    }
    return JSON.stringify(lost);
  },
};
