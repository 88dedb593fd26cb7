// Promises and timers without the engine's own, which never settle inside of a call: here jobs run until all is done, and
// when all of them wait for a time, so does the worker.
//
// Async functions come here as generators (see authoring/javascript.py): `run` drives one, `settled` waits for any value.

import clock from "wasi:clocks/monotonic-clock@0.2.0";

const NS_PER_MS = 1e6;
let jobs = [], timers = [], now = 0, count = 0;

export class Promise {
  #state = "pending";
  #value;
  #waiting = [];

  constructor(executor) {
    if (typeof executor !== "function") throw new TypeError("Promise resolver is not a function");
    const { resolve, reject } = this.#settlers();
    try {
      executor(resolve, reject);
    } catch (error) {
      reject(error);
    }
  }

  #settlers() {
    let isCalled = false;
    const once = (settle) => (value) => {
      if (!isCalled) {
        isCalled = true;
        settle(value);
      }
    };
    return { resolve: once((value) => this.#resolve(value)), reject: once((error) => this.#settle("rejected", error)) };
  }

  #resolve(value) {
    if (value === this) return this.#settle("rejected", new TypeError("a promise cannot wait for itself"));
    let then;
    try {
      then = value !== null && ["object", "function"].includes(typeof value) ? value.then : undefined;
    } catch (error) {
      return this.#settle("rejected", error);
    }
    if (typeof then !== "function") return this.#settle("fulfilled", value);
    jobs.push(() => {
      const { resolve, reject } = this.#settlers();
      try {
        then.call(value, resolve, reject);
      } catch (error) {
        reject(error);
      }
    });
  }

  #settle(state, value) {
    this.#state = state;
    this.#value = value;
    jobs.push(...this.#waiting);
    this.#waiting = [];
  }

  then(onFulfilled, onRejected) {
    return new Promise((resolve, reject) => {
      const job = () => {
        const isGood = this.#state === "fulfilled", handler = isGood ? onFulfilled : onRejected;
        if (typeof handler !== "function") return isGood ? resolve(this.#value) : reject(this.#value);
        try {
          resolve(handler(this.#value));
        } catch (error) {
          reject(error);
        }
      };
      if (this.#state === "pending") this.#waiting.push(job);
      else jobs.push(job);
    });
  }

  catch(onRejected) {
    return this.then(undefined, onRejected);
  }

  finally(last) {
    return this.then(
      (value) => Promise.resolve(last()).then(() => value),
      (error) => Promise.resolve(last()).then(() => { throw error; }),
    );
  }

  static resolve(value) {
    return value instanceof Promise ? value : new Promise((resolve) => resolve(value));
  }

  static reject(error) {
    return new Promise((_, reject) => reject(error));
  }

  static withResolvers() {
    let resolve, reject;
    const promise = new Promise((yes, no) => { resolve = yes; reject = no; });
    return { promise, resolve, reject };
  }

  static all(values) {
    return collected(values, (value) => value, null);
  }

  static allSettled(values) {
    const bad = (reason) => ({ status: "rejected", reason });
    return collected(values, (value) => ({ status: "fulfilled", value }), bad);
  }

  static race(values) {
    return new Promise((resolve, reject) => {
      for (const value of values) Promise.resolve(value).then(resolve, reject);
    });
  }

  static any(values) {
    const swapped = [...values].map((value) => Promise.resolve(value).then((v) => { throw v; }, (error) => error));
    return Promise.all(swapped).then(
      (errors) => { throw new AggregateError(errors, "all promises were rejected"); },
      (value) => value,
    );
  }

  // What `settled` needs to know.
  static outcome(promise) {
    return { state: promise.#state, value: promise.#value };
  }
}

function collected(values, good, bad) {
  return new Promise((resolve, reject) => {
    const items = [...values], found = new Array(items.length);
    let left = items.length;
    const put = (place, value) => {
      found[place] = value;
      if (--left === 0) resolve(found);
    };
    if (left === 0) resolve(found);
    items.forEach((item, place) => {
      const failed = bad ? (error) => put(place, bad(error)) : reject;
      Promise.resolve(item).then((value) => put(place, good(value)), failed);
    });
  });
}

// Drive the generator that an async function has become.
export function run(generator) {
  return new Promise((resolve, reject) => {
    const step = (method, value) => {
      let found;
      try {
        found = generator[method](value);
      } catch (error) {
        return reject(error);
      }
      if (found.done) return resolve(found.value);
      Promise.resolve(found.value).then((v) => step("next", v), (e) => step("throw", e));
    };
    step("next");
  });
}

// Run jobs and timers until a value is there: of a promise, what it is settled with.
export function settled(value) {
  const promise = Promise.resolve(value);
  while (Promise.outcome(promise).state === "pending") {
    if (!progress()) throw new Error("every async function waits for another one: this call would never end");
  }
  const { state, value: found } = Promise.outcome(promise);
  if (state === "rejected") throw found;
  return found;
}

// What nobody has awaited by the end of a call is finished, too: nothing goes on between calls.
export function finish() {
  while (progress());
}

// What a failed call leaves behind does not run in the next one.
export function forget() {
  jobs = [];
  timers = [];
}

function progress() {
  if (jobs.length) {
    jobs.shift()();
    return true;
  }
  if (!timers.length) return false;
  timers.sort((a, b) => a.due - b.due || a.id - b.id);
  const timer = timers.shift();
  if (timer.due > now) {
    sleepMs(timer.due - now);
    now = timer.due;
  }
  if (timer.every !== null) addTimer(timer.callback, timer.every, timer.every, timer.id);
  timer.callback();
  return true;
}

export function sleepMs(ms) {
  if (!(ms > 0)) return;
  const pollable = clock.subscribeDuration(Math.round(ms * NS_PER_MS));
  pollable.block();
  pollable[Symbol.dispose]();
}

function addTimer(callback, ms, every, id) {
  if (typeof callback !== "function") throw new TypeError("a timer needs a function");
  // The time of timers goes on only when all wait: it is counted, so that it need not be read and recorded.
  timers.push({ callback, due: now + Math.max(Number(ms) || 0, 0), every, id });
  return id;
}

export const timing = {
  setTimeout: (callback, ms, ...args) => addTimer(() => callback(...args), ms, null, ++count),
  setInterval: (callback, ms, ...args) => addTimer(() => callback(...args), ms, Math.max(Number(ms) || 0, 1), ++count),
  clearTimeout: (id) => { timers = timers.filter((timer) => timer.id !== id); },
  clearInterval: (id) => { timers = timers.filter((timer) => timer.id !== id); },
  queueMicrotask: (callback) => { jobs.push(callback); },
};
