;; Host calls in a loop, each function with its bare twin, which a host function answers that does nothing.
(component
  (import "wasi:io/error@0.2.3" (instance $error (export "error" (type (sub resource)))))
  (alias export $error "error" (type $io-error))
  (import "wasi:io/streams@0.2.3" (instance $streams
    (alias outer 1 $io-error (type $error'))
    (export "error" (type $error (eq $error')))
    (type $stream-error' (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $stream-error')))
    (export "output-stream" (type $output-stream (sub resource)))
    (export "[method]output-stream.blocking-write-and-flush"
      (func (param "self" (borrow $output-stream)) (param "contents" (list u8)) (result (result (error $stream-error)))))))
  (alias export $streams "output-stream" (type $output-stream))
  (import "wasi:cli/stdout@0.2.3" (instance $stdout
    (alias outer 1 $output-stream (type $output-stream'))
    (export "output-stream" (type $output-stream (eq $output-stream')))
    (export "get-stdout" (func (result (own $output-stream))))))
  (import "wasi:clocks/monotonic-clock@0.2.4" (instance $clock (export "now" (func (result u64)))))
  (import "bench:bare/host" (instance $bare
    (export "now" (func (result u64)))
    (export "write" (func (param "contents" (list u8)) (result (result))))))
  (core module $memory (memory (export "memory") 2))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $mem))
  (core func $now (canon lower (func $clock "now")))
  (core func $write (canon lower (func $streams "[method]output-stream.blocking-write-and-flush") (memory $mem)))
  (core func $get-stdout (canon lower (func $stdout "get-stdout")))
  (core func $bare-now (canon lower (func $bare "now")))
  (core func $bare-write (canon lower (func $bare "write") (memory $mem)))
  (core module $main
    (import "memory" "memory" (memory 2))
    (import "host" "now" (func $now (result i64)))
    (import "host" "write" (func $write (param i32 i32 i32 i32)))
    (import "host" "get-stdout" (func $get-stdout (result i32)))
    (import "host" "bare-now" (func $bare-now (result i64)))
    (import "host" "bare-write" (func $bare-write (param i32 i32) (result i32)))
    (func (export "now") (param $n i32)
      (loop $again
        (drop (call $now))
        (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "bare-now") (param $n i32)
      (loop $again
        (drop (call $bare-now))
        (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "write") (param $n i32) (local $stdout i32)
      (memory.fill (i32.const 4096) (i32.const 97) (i32.const 4096))
      (local.set $stdout (call $get-stdout))
      (loop $again
        (call $write (local.get $stdout) (i32.const 4096) (i32.const 4096) (i32.const 16))
        (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "bare-write") (param $n i32)
      (loop $again
        (drop (call $bare-write (i32.const 4096) (i32.const 4096)))
        (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
  (core instance $main (instantiate $main
    (with "memory" (instance $memory))
    (with "host" (instance
      (export "now" (func $now)) (export "write" (func $write)) (export "get-stdout" (func $get-stdout))
      (export "bare-now" (func $bare-now)) (export "bare-write" (func $bare-write))))))
  (func (export "now") (param "n" u32) (canon lift (core func $main "now")))
  (func (export "bare-now") (param "n" u32) (canon lift (core func $main "bare-now")))
  (func (export "write") (param "n" u32) (canon lift (core func $main "write")))
  (func (export "bare-write") (param "n" u32) (canon lift (core func $main "bare-write"))))
