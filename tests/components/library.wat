;; A library that makes its own calls durable: `golem:durability`, as an SDK would use it.
;;
;;     export call: func(effect: u32, value: u32) -> u32
;;
;; begins a call of that effect (0 read-local … 5 write-remote-transaction, none of them within a batch). When live, it
;; persists `value` as the call's response, and traps before if it is 13, behind if it is 14; in replay it reads what was
;; persisted. Then it ends the call, and returns the response. `idempotent: func(is: bool)` sets the idempotence mode.
(component
  (import "golem:durability/durability@1.2.1" (instance $durability
    (type $effect' (variant
      (case "read-local") (case "write-local") (case "read-remote") (case "write-remote")
      (case "write-remote-batched" (option u64)) (case "write-remote-transaction" (option u64))))
    (export "durable-function-type" (type $effect (eq $effect')))
    (type $level' (variant (case "persist-nothing") (case "persist-remote-side-effects") (case "smart")))
    (export "persistence-level" (type $level (eq $level')))
    (type $state' (record (field "is-live" bool) (field "persistence-level" $level)))
    (export "durable-execution-state" (type $state (eq $state')))
    (type $datetime' (record (field "seconds" u64) (field "nanoseconds" u32)))
    (export "datetime" (type $datetime (eq $datetime')))
    (type $version' (enum "v1" "v2"))
    (export "oplog-entry-version" (type $version (eq $version')))
    (type $persisted' (record
      (field "timestamp" $datetime) (field "function-name" string) (field "response" (list u8))
      (field "function-type" $effect) (field "entry-version" $version)))
    (export "persisted-durable-function-invocation" (type $persisted (eq $persisted')))
    (export "observe-function-call" (func (param "iface" string) (param "function" string)))
    (export "current-durable-execution-state" (func (result $state)))
    (export "begin-durable-function" (func (param "function-type" $effect) (result u64)))
    (export "end-durable-function"
      (func (param "function-type" $effect) (param "begin-index" u64) (param "forced-commit" bool)))
    (export "persist-durable-function-invocation"
      (func (param "function-name" string) (param "request" (list u8)) (param "response" (list u8))
        (param "function-type" $effect)))
    (export "read-persisted-durable-function-invocation" (func (result $persisted)))))
  (import "golem:api/host@1.1.7" (instance $golem (export "set-idempotence-mode" (func (param "idempotent" bool)))))

  (core module $memory
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096)))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $mem))
  (alias core export $memory "realloc" (core func $realloc))
  (core func $observe (canon lower (func $durability "observe-function-call") (memory $mem)))
  (core func $state (canon lower (func $durability "current-durable-execution-state") (memory $mem)))
  (core func $begin (canon lower (func $durability "begin-durable-function")))
  (core func $end (canon lower (func $durability "end-durable-function")))
  (core func $persist (canon lower (func $durability "persist-durable-function-invocation") (memory $mem)))
  (core func $read
    (canon lower (func $durability "read-persisted-durable-function-invocation") (memory $mem) (realloc $realloc)))
  (core func $set-idempotence (canon lower (func $golem "set-idempotence-mode")))

  (core module $main
    (import "memory" "memory" (memory 1))
    (import "host" "observe" (func $observe (param i32 i32 i32 i32)))
    (import "host" "state" (func $state (param i32)))
    (import "host" "begin" (func $begin (param i32 i32 i64) (result i64)))
    (import "host" "end" (func $end (param i32 i32 i64 i64 i32)))
    (import "host" "persist" (func $persist (param i32 i32 i32 i32 i32 i32 i32 i32 i64)))
    (import "host" "read" (func $read (param i32)))
    (import "host" "set-idempotence" (func $set-idempotence (param i32)))
    (data (i32.const 16) "library::call")
    (func (export "idempotent") (param $is i32) (call $set-idempotence (local.get $is)))
    (func (export "call") (param $effect i32) (param $value i32) (result i32)
      (local $began i64) (local $response i32)
      (call $observe (i32.const 16) (i32.const 7) (i32.const 25) (i32.const 4))
      (local.set $began (call $begin (local.get $effect) (i32.const 0) (i64.const 0)))
      (call $state (i32.const 64))
      (if (i32.load8_u (i32.const 64))
        (then
          (if (i32.eq (local.get $value) (i32.const 13)) (then (unreachable)))
          (i32.store8 (i32.const 80) (local.get $value))
          (call $persist (i32.const 16) (i32.const 13) (i32.const 80) (i32.const 0) (i32.const 80) (i32.const 1)
            (local.get $effect) (i32.const 0) (i64.const 0))
          (if (i32.eq (local.get $value) (i32.const 14)) (then (unreachable)))
          (local.set $response (local.get $value)))
        (else
          ;; The record's response is address and length at 24.
          (call $read (i32.const 128))
          (local.set $response (i32.load8_u (i32.load offset=24 (i32.const 128))))))
      (call $end (local.get $effect) (i32.const 0) (i64.const 0) (local.get $began) (i32.const 1))
      (local.get $response)))
  (core instance $main (instantiate $main
    (with "memory" (instance $memory))
    (with "host" (instance
      (export "observe" (func $observe)) (export "state" (func $state)) (export "begin" (func $begin))
      (export "end" (func $end)) (export "persist" (func $persist)) (export "read" (func $read))
      (export "set-idempotence" (func $set-idempotence))))))
  (func (export "idempotent") (param "is" bool) (canon lift (core func $main "idempotent")))
  (func (export "call") (param "effect" u32) (param "value" u32) (result u32) (canon lift (core func $main "call"))))
