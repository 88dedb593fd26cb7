// `fetch`, as far as a worker needs it: a request goes out and its whole answer comes in before the program goes on.

import http from "golem-nb:javascript/http@1.0.0";
import { decoded, encoded } from "./golem.js";
import { Promise } from "./promises.js";

export class Headers {
  #entries = [];

  constructor(given = []) {
    const entries = given instanceof Headers || Array.isArray(given) || given instanceof Map ? [...given] : Object.entries(given);
    for (const [name, value] of entries) this.append(name, value);
  }

  append(name, value) {
    this.#entries.push([String(name).toLowerCase(), String(value)]);
  }

  set(name, value) {
    this.delete(name);
    this.append(name, value);
  }

  delete(name) {
    this.#entries = this.#entries.filter(([own]) => own !== String(name).toLowerCase());
  }

  get(name) {
    const found = this.#entries.filter(([own]) => own === String(name).toLowerCase());
    return found.length ? found.map(([, value]) => value).join(", ") : null;
  }

  has(name) {
    return this.get(name) !== null;
  }

  [Symbol.iterator]() {
    return this.#entries[Symbol.iterator]();
  }
}

class Response {
  #body;

  constructor(url, { status, headers, body }) {
    this.#body = body;
    this.url = url;
    this.status = status;
    this.ok = status >= 200 && status < 300;
    this.headers = new Headers(headers);
  }

  text() {
    return new Promise((yes) => yes(decoded(this.#body)));
  }

  json() {
    return this.text().then(JSON.parse);
  }

  bytes() {
    return Promise.resolve(Uint8Array.from(this.#body));
  }

  arrayBuffer() {
    return this.bytes().then((bytes) => bytes.buffer);
  }
}

export function fetch(url, { method = "GET", headers = [], body } = {}) {
  return new Promise((yes) => {
    const sent = body === undefined || body === null ? [] : typeof body === "string" ? encoded(body) : new Uint8Array(body);
    try {
      yes(new Response(String(url), http.fetch(method.toUpperCase(), String(url), [...new Headers(headers)], sent)));
    } catch (failure) {
      throw typeof failure === "string" ? new TypeError(`fetch failed: ${failure}`) : failure;
    }
  });
}
