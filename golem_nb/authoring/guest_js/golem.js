// The module `golem` of workers in JavaScript: what they can ask of the engine.

import host from "golem:api/host@1.1.7";
import own from "golem-nb:javascript/host@1.0.0";
import { settled, sleepMs } from "./promises.js";
import { kebab, text } from "./values.js";

export class Failure extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

class DurablePromise {
  constructor(index) {
    this.index = index;
  }

  get id() {
    return own.promiseName(this.index);
  }

  // `await p` waits, too.
  then(resolve) {
    resolve(this.wait());
  }

  // The text that it is completed with; the worker holds no memory while it waits.
  wait() {
    return decoded(own.awaitPromise(this.index));
  }

  poll() {
    const data = own.pollPromise(this.index);
    return data === null || data === undefined ? null : decoded(data);
  }

  complete(text = "") {
    return own.completePromise(this.index, encoded(text));
  }
}

// Another worker, whose functions are methods: `worker("shop/ann").addItem(5)`; `.addItem.fire(5)` waits for nothing.
function worker(target) {
  const called = (name, isAwaited) => (...values) => {
    try {
      return JSON.parse(own.invoke(target, name, text(values), isAwaited));
    } catch (failure) {
      throw typeof failure === "string" ? new Error(failure) : failure;
    }
  };
  return new Proxy({}, {
    get(_, name) {
      if (typeof name !== "string" || name === "then") return undefined;
      const function_ = /[./{]/.test(name) ? name : kebab(name);
      return Object.assign(called(function_, true), { fire: called(function_, false) });
    },
  });
}

export const golem = {
  worker,
  promise: () => new DurablePromise(Number(own.createPromise())),
  sleep: (seconds) => sleepMs(seconds * 1000),
  // Waits for `block` where it is an async function: what it does is inside.
  atomic(block) {
    const begin = host.markBeginOperation(), result = settled(block());
    host.markEndOperation(begin);
    return result;
  },
  idempotencyKey: () => own.idempotencyKey(),
  oplogIndex: () => Number(host.getOplogIndex()),
  retry(reason = "the program asked for another attempt") {
    throw new Failure("retry", String(reason));
  },
  fail(reason = "the program gave up") {
    throw new Failure("fail", String(reason));
  },
};

export function encoded(text) {
  return Uint8Array.from(unescape(encodeURIComponent(String(text))), (letter) => letter.charCodeAt(0));
}

export function decoded(bytes) {
  let found = "";
  for (const byte of bytes) found += String.fromCharCode(byte);
  return decodeURIComponent(escape(found));
}
