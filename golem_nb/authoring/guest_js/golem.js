// The module `golem` of workers in JavaScript: what they can ask of the engine.

import host from "golem:api/host@1.1.7";
import { sleepMs } from "./promises.js";

export class Failure extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

class DurablePromise {
  #of;

  constructor(of) {
    this.#of = of;
  }

  get id() {
    return `${hex(this.#of.agentId.componentId.uuid)}/${this.#of.agentId.agentId}/${this.index}`;
  }

  get index() {
    return Number(this.#of.oplogIdx);
  }

  // The text that it is completed with; the worker holds no memory while it waits.
  wait() {
    return decoded(host.awaitPromise(this.#of));
  }

  poll() {
    const data = host.pollPromise(this.#of);
    return data === null || data === undefined ? null : decoded(data);
  }

  complete(text = "") {
    return host.completePromise(this.#of, encoded(text));
  }
}

export const golem = {
  promise: () => new DurablePromise(host.createPromise()),
  sleep: (seconds) => sleepMs(seconds * 1000),
  atomic(block) {
    const begin = host.markBeginOperation(), result = block();
    host.markEndOperation(begin);
    return result;
  },
  idempotencyKey: () => hex(host.generateIdempotencyKey()),
  oplogIndex: () => Number(host.getOplogIndex()),
  retry(reason = "the program asked for another attempt") {
    throw new Failure("retry", String(reason));
  },
  fail(reason = "the program gave up") {
    throw new Failure("fail", String(reason));
  },
};

function hex(uuid) {
  const digits = [uuid.highBits, uuid.lowBits].map((half) => BigInt(half).toString(16).padStart(16, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

export function encoded(text) {
  return Uint8Array.from(unescape(encodeURIComponent(String(text))), (letter) => letter.charCodeAt(0));
}

export function decoded(bytes) {
  let found = "";
  for (const byte of bytes) found += String.fromCharCode(byte);
  return decodeURIComponent(escape(found));
}
