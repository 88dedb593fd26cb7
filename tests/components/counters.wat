;; An interface to be called by clients: a total of the worker's own, and counters as resources.
;;
;;     interface rpc:counters-exports/api {
;;       add: func(n: u64) -> u64;  reset: func();
;;       resource counter { constructor(start: u64); inc-by: func(n: u64); get: func() -> u64; }
;;       dropped: func() -> u64;                      how many counters were
;;     }
(component
  (core module $m0
    (memory (export "mem") 1)
    (func (export "drop") (param i32)
      (i64.store (i32.const 8) (i64.add (i64.load (i32.const 8)) (i64.const 1)))))
  (core instance $i0 (instantiate $m0))
  (alias core export $i0 "drop" (core func $dtor))
  (type $counter' (resource (rep i32) (dtor (core func $dtor))))
  (core func $new (canon resource.new $counter'))
  (core module $m
    (import "" "new" (func $new (param i32) (result i32)))
    (import "" "mem" (memory 1))
    ;; The total at 0, the number of dropped counters at 8, counters from 64 on.
    (global $next (mut i32) (i32.const 64))
    (func (export "add") (param $n i64) (result i64)
      (i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (local.get $n)))
      (i64.load (i32.const 0)))
    (func (export "reset") (i64.store (i32.const 0) (i64.const 0)))
    (func (export "dropped") (result i64) (i64.load (i32.const 8)))
    (func (export "make") (param $start i64) (result i32)
      (i64.store (global.get $next) (local.get $start))
      (global.set $next (i32.add (global.get $next) (i32.const 8)))
      (call $new (i32.sub (global.get $next) (i32.const 8))))
    (func (export "inc-by") (param $at i32) (param $n i64)
      (i64.store (local.get $at) (i64.add (i64.load (local.get $at)) (local.get $n))))
    (func (export "get") (param $at i32) (result i64) (i64.load (local.get $at))))
  (core instance $i (instantiate $m (with "" (instance (export "new" (func $new)) (export "mem" (memory $i0 "mem"))))))
  (func $add (param "n" u64) (result u64) (canon lift (core func $i "add")))
  (func $reset (canon lift (core func $i "reset")))
  (func $dropped (result u64) (canon lift (core func $i "dropped")))
  (func $make (param "start" u64) (result (own $counter')) (canon lift (core func $i "make")))
  (func $inc-by (param "self" (borrow $counter')) (param "n" u64) (canon lift (core func $i "inc-by")))
  (func $get (param "self" (borrow $counter')) (result u64) (canon lift (core func $i "get")))
  (component $c
    (import "counter" (type $r (sub resource)))
    (import "add" (func $add (param "n" u64) (result u64)))
    (import "reset" (func $reset))
    (import "dropped" (func $dropped (result u64)))
    (import "make" (func $make (param "start" u64) (result (own $r))))
    (import "inc-by" (func $inc-by (param "self" (borrow $r)) (param "n" u64)))
    (import "get" (func $get (param "self" (borrow $r)) (result u64)))
    (export $re "counter" (type $r))
    (export "add" (func $add))
    (export "reset" (func $reset))
    (export "dropped" (func $dropped))
    (export "[constructor]counter" (func $make) (func (param "start" u64) (result (own $re))))
    (export "[method]counter.inc-by" (func $inc-by) (func (param "self" (borrow $re)) (param "n" u64)))
    (export "[method]counter.get" (func $get) (func (param "self" (borrow $re)) (result u64))))
  (instance $inst (instantiate $c
    (with "counter" (type $counter')) (with "add" (func $add)) (with "reset" (func $reset))
    (with "dropped" (func $dropped)) (with "make" (func $make)) (with "inc-by" (func $inc-by))
    (with "get" (func $get))))
  (export "rpc:counters-exports/api" (instance $inst)))
