;; The worker of `golem-nb demo`: it works step by step, and tells a server outside of each step.
;;
;; Written by hand against the canonical ABI, as what a compiler would make of
;;
;;     export golem:demo/steps@1.0.0
;;       run: func(authority: string, steps: u32) -> result<u32, string>
;;       done: func() -> u32
;;
;; Each step prints a line, sends `POST http://AUTHORITY/step/N`, wants 200 as the answer, and sleeps for a while.
;; Nothing in here knows that it is durable.
(component
  ;; What the component imports. An interface that uses another's resource takes it over with `alias outer`.
  (import "wasi:io/error@0.2.0" (instance $error
    (export "error" (type (sub resource)))))
  (alias export $error "error" (type $io-error))

  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $pollable (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $pollable))))))
  (alias export $poll "pollable" (type $pollable))

  (import "wasi:io/streams@0.2.0" (instance $streams
    (alias outer 1 $io-error (type $error'))
    (export "error" (type $error (eq $error')))
    (type $stream-error' (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $stream-error')))
    (export "output-stream" (type $output-stream (sub resource)))
    (export "[method]output-stream.blocking-write-and-flush"
      (func (param "self" (borrow $output-stream)) (param "contents" (list u8)) (result (result (error $stream-error)))))))
  (alias export $streams "output-stream" (type $output-stream))

  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $output-stream (type $output-stream'))
    (export "output-stream" (type $output-stream (eq $output-stream')))
    (export "get-stdout" (func (result (own $output-stream))))))

  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (alias outer 1 $pollable (type $pollable'))
    (export "pollable" (type $pollable (eq $pollable')))
    (export "subscribe-duration" (func (param "when" u64) (result (own $pollable))))))

  (import "wasi:http/types@0.2.0" (instance $http
    (alias outer 1 $pollable (type $pollable'))
    (export "pollable" (type $pollable (eq $pollable')))
    (type $method' (variant
      (case "get") (case "head") (case "post") (case "put") (case "delete") (case "connect") (case "options")
      (case "trace") (case "patch") (case "other" string)))
    (export "method" (type $method (eq $method')))
    (type $scheme' (variant (case "HTTP") (case "HTTPS") (case "other" string)))
    (export "scheme" (type $scheme (eq $scheme')))
    (type $dns' (record (field "rcode" (option string)) (field "info-code" (option u16))))
    (export "DNS-error-payload" (type $dns (eq $dns')))
    (type $alert' (record (field "alert-id" (option u8)) (field "alert-message" (option string))))
    (export "TLS-alert-received-payload" (type $alert (eq $alert')))
    (type $field-size' (record (field "field-name" (option string)) (field "field-size" (option u32))))
    (export "field-size-payload" (type $field-size (eq $field-size')))
    (type $error-code' (variant
      (case "DNS-timeout") (case "DNS-error" $dns) (case "destination-not-found") (case "destination-unavailable")
      (case "destination-IP-prohibited") (case "destination-IP-unroutable") (case "connection-refused")
      (case "connection-terminated") (case "connection-timeout") (case "connection-read-timeout")
      (case "connection-write-timeout") (case "connection-limit-reached") (case "TLS-protocol-error")
      (case "TLS-certificate-error") (case "TLS-alert-received" $alert) (case "HTTP-request-denied")
      (case "HTTP-request-length-required") (case "HTTP-request-body-size" (option u64))
      (case "HTTP-request-method-invalid") (case "HTTP-request-URI-invalid") (case "HTTP-request-URI-too-long")
      (case "HTTP-request-header-section-size" (option u32)) (case "HTTP-request-header-size" (option $field-size))
      (case "HTTP-request-trailer-section-size" (option u32)) (case "HTTP-request-trailer-size" $field-size)
      (case "HTTP-response-incomplete") (case "HTTP-response-header-section-size" (option u32))
      (case "HTTP-response-header-size" $field-size) (case "HTTP-response-body-size" (option u64))
      (case "HTTP-response-trailer-section-size" (option u32)) (case "HTTP-response-trailer-size" $field-size)
      (case "HTTP-response-transfer-coding" (option string)) (case "HTTP-response-content-coding" (option string))
      (case "HTTP-response-timeout") (case "HTTP-upgrade-failed") (case "HTTP-protocol-error") (case "loop-detected")
      (case "configuration-error") (case "internal-error" (option string))))
    (export "error-code" (type $error-code (eq $error-code')))
    (export "fields" (type $fields (sub resource)))
    (export "headers" (type $headers (eq $fields)))
    (export "request-options" (type $request-options (sub resource)))
    (export "outgoing-request" (type $outgoing-request (sub resource)))
    (export "incoming-response" (type $incoming-response (sub resource)))
    (export "future-incoming-response" (type $future (sub resource)))
    (export "[constructor]fields" (func (result (own $fields))))
    (export "[constructor]outgoing-request" (func (param "headers" (own $headers)) (result (own $outgoing-request))))
    (export "[method]outgoing-request.set-method"
      (func (param "self" (borrow $outgoing-request)) (param "method" $method) (result (result))))
    (export "[method]outgoing-request.set-scheme"
      (func (param "self" (borrow $outgoing-request)) (param "scheme" (option $scheme)) (result (result))))
    (export "[method]outgoing-request.set-authority"
      (func (param "self" (borrow $outgoing-request)) (param "authority" (option string)) (result (result))))
    (export "[method]outgoing-request.set-path-with-query"
      (func (param "self" (borrow $outgoing-request)) (param "path-with-query" (option string)) (result (result))))
    (export "[method]future-incoming-response.subscribe" (func (param "self" (borrow $future)) (result (own $pollable))))
    (export "[method]future-incoming-response.get"
      (func (param "self" (borrow $future))
        (result (option (result (result (own $incoming-response) (error $error-code)))))))
    (export "[method]incoming-response.status" (func (param "self" (borrow $incoming-response)) (result u16)))))
  (alias export $http "outgoing-request" (type $outgoing-request))
  (alias export $http "request-options" (type $request-options))
  (alias export $http "future-incoming-response" (type $future))
  (alias export $http "incoming-response" (type $incoming-response))
  (alias export $http "error-code" (type $error-code))

  (import "wasi:http/outgoing-handler@0.2.0" (instance $handler
    (alias outer 1 $outgoing-request (type $outgoing-request'))
    (export "outgoing-request" (type $outgoing-request (eq $outgoing-request')))
    (alias outer 1 $request-options (type $request-options'))
    (export "request-options" (type $request-options (eq $request-options')))
    (alias outer 1 $future (type $future'))
    (export "future-incoming-response" (type $future (eq $future')))
    (alias outer 1 $error-code (type $error-code'))
    (export "error-code" (type $error-code (eq $error-code')))
    (export "handle"
      (func (param "request" (own $outgoing-request)) (param "options" (option (own $request-options)))
        (result (result (own $future) (error $error-code)))))))

  ;; Memory, and the allocator through which arguments arrive. It only ever goes up; `run` sets it back at its end.
  (core module $memory
    (memory (export "memory") 1)
    (global $next (export "next") (mut i32) (i32.const 4096))
    (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (global.set $next (i32.add (local.get $at) (local.get $size)))
      (local.get $at)))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $mem))
  (alias core export $memory "realloc" (core func $realloc))

  ;; Imports as core functions: handles are numbers, texts are address and length, large results go to an address.
  (core func $block (canon lower (func $poll "[method]pollable.block")))
  (core func $write (canon lower (func $streams "[method]output-stream.blocking-write-and-flush") (memory $mem)))
  (core func $get-stdout (canon lower (func $stdout "get-stdout")))
  (core func $subscribe-duration (canon lower (func $clock "subscribe-duration")))
  (core func $new-fields (canon lower (func $http "[constructor]fields")))
  (core func $new-request (canon lower (func $http "[constructor]outgoing-request")))
  (core func $set-method (canon lower (func $http "[method]outgoing-request.set-method") (memory $mem)))
  (core func $set-scheme (canon lower (func $http "[method]outgoing-request.set-scheme") (memory $mem)))
  (core func $set-authority (canon lower (func $http "[method]outgoing-request.set-authority") (memory $mem)))
  (core func $set-path (canon lower (func $http "[method]outgoing-request.set-path-with-query") (memory $mem)))
  (core func $handle (canon lower (func $handler "handle") (memory $mem) (realloc $realloc)))
  (core func $subscribe (canon lower (func $http "[method]future-incoming-response.subscribe")))
  (core func $get (canon lower (func $http "[method]future-incoming-response.get") (memory $mem) (realloc $realloc)))
  (core func $status (canon lower (func $http "[method]incoming-response.status")))
  (core func $drop-pollable (canon resource.drop $pollable))
  (core func $drop-stream (canon resource.drop $output-stream))
  (core func $drop-future (canon resource.drop $future))
  (core func $drop-response (canon resource.drop $incoming-response))

  (core module $main
    (import "memory" "memory" (memory 1))
    (import "memory" "next" (global $next (mut i32)))
    (import "host" "block" (func $block (param i32)))
    (import "host" "write" (func $write (param i32 i32 i32 i32)))
    (import "host" "get-stdout" (func $get-stdout (result i32)))
    (import "host" "subscribe-duration" (func $subscribe-duration (param i64) (result i32)))
    (import "host" "new-fields" (func $new-fields (result i32)))
    (import "host" "new-request" (func $new-request (param i32) (result i32)))
    (import "host" "set-method" (func $set-method (param i32 i32 i32 i32) (result i32)))
    (import "host" "set-scheme" (func $set-scheme (param i32 i32 i32 i32 i32) (result i32)))
    (import "host" "set-authority" (func $set-authority (param i32 i32 i32 i32) (result i32)))
    (import "host" "set-path" (func $set-path (param i32 i32 i32 i32) (result i32)))
    (import "host" "handle" (func $handle (param i32 i32 i32 i32)))
    (import "host" "subscribe" (func $subscribe (param i32) (result i32)))
    (import "host" "get" (func $get (param i32 i32)))
    (import "host" "status" (func $status (param i32) (result i32)))
    (import "host" "drop-pollable" (func $drop-pollable (param i32)))
    (import "host" "drop-stream" (func $drop-stream (param i32)))
    (import "host" "drop-future" (func $drop-future (param i32)))
    (import "host" "drop-response" (func $drop-response (param i32)))

    ;; "step NN\n" at 16, "/step/NN" at 32, texts of failures from 48; results of the host at 256, our own at 1024.
    (data (i32.const 16) "step 00\n/step/00")
    (data (i32.const 48) "no response") (data (i32.const 64) "step failed")
    (global $done (mut i32) (i32.const 0))

    (func (export "done") (result i32) (global.get $done))

    ;; Write a number of at most two digits at an address; return how many digits it has.
    (func $write-number (param $at i32) (param $number i32) (result i32)
      (if (result i32) (i32.lt_u (local.get $number) (i32.const 10))
        (then
          (i32.store8 (local.get $at) (i32.add (i32.const 48) (local.get $number)))
          (i32.const 1))
        (else
          (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.div_u (local.get $number) (i32.const 10))))
          (i32.store8 offset=1 (local.get $at)
            (i32.add (i32.const 48) (i32.rem_u (local.get $number) (i32.const 10))))
          (i32.const 2))))

    (func $print-step (param $step i32)
      (local $stdout i32) (local $digits i32)
      (local.set $digits (call $write-number (i32.const 21) (local.get $step)))
      (i32.store8 offset=21 (local.get $digits) (i32.const 10))
      (local.set $stdout (call $get-stdout))
      (call $write (local.get $stdout) (i32.const 16) (i32.add (i32.const 6) (local.get $digits)) (i32.const 256))
      (call $drop-stream (local.get $stdout)))

    ;; Send the request of a step and wait for its answer: 0 = it is 200, else the address of a text of 11 bytes.
    (func $tell (param $authority i32) (param $length i32) (param $step i32) (result i32)
      (local $request i32) (local $future i32) (local $pollable i32) (local $response i32) (local $status i32)
      (local.set $request (call $new-request (call $new-fields)))
      (drop (call $set-method (local.get $request) (i32.const 2) (i32.const 0) (i32.const 0)))
      (drop (call $set-scheme (local.get $request) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))
      (drop (call $set-authority (local.get $request) (i32.const 1) (local.get $authority) (local.get $length)))
      (i64.store (i32.const 32) (i64.const 0x30302f706574732f))
      (drop (call $set-path (local.get $request) (i32.const 1) (i32.const 32)
        (i32.add (i32.const 6) (call $write-number (i32.const 38) (local.get $step)))))

      (call $handle (local.get $request) (i32.const 0) (i32.const 0) (i32.const 256))
      (if (i32.load8_u (i32.const 256)) (then (return (i32.const 48))))
      (local.set $future (i32.load (i32.const 264)))
      (local.set $pollable (call $subscribe (local.get $future)))
      (call $block (local.get $pollable))
      (call $drop-pollable (local.get $pollable))

      ;; option<result<result<response, error-code>>>: its three discriminants lie at 256, 264 and 272.
      (call $get (local.get $future) (i32.const 256))
      (if (i32.or (i32.eqz (i32.load8_u (i32.const 256)))
            (i32.or (i32.load8_u (i32.const 264)) (i32.load8_u (i32.const 272))))
        (then (call $drop-future (local.get $future)) (return (i32.const 48))))
      (local.set $response (i32.load (i32.const 280)))
      (local.set $status (call $status (local.get $response)))
      (call $drop-response (local.get $response))
      (call $drop-future (local.get $future))
      (select (i32.const 0) (i32.const 64) (i32.eq (local.get $status) (i32.const 200))))

    (func $sleep (param $duration i64)
      (local $pollable i32)
      (local.set $pollable (call $subscribe-duration (local.get $duration)))
      (call $block (local.get $pollable))
      (call $drop-pollable (local.get $pollable)))

    (func (export "run") (param $authority i32) (param $length i32) (param $steps i32) (result i32)
      (local $step i32) (local $failure i32)
      (block $end
        (loop $again
          (br_if $end (i32.ge_u (local.get $step) (local.get $steps)))
          (local.set $step (i32.add (local.get $step) (i32.const 1)))
          (call $print-step (local.get $step))
          (local.set $failure (call $tell (local.get $authority) (local.get $length) (local.get $step)))
          (br_if $end (local.get $failure))
          (global.set $done (i32.add (global.get $done) (i32.const 1)))
          (call $sleep (i64.const 100_000_000))
          (br $again)))
      (global.set $next (i32.const 4096))
      ;; result<u32, string> at 1024
      (i32.store8 (i32.const 1024) (i32.ne (local.get $failure) (i32.const 0)))
      (i32.store (i32.const 1028) (select (local.get $failure) (global.get $done) (local.get $failure)))
      (i32.store (i32.const 1032) (i32.const 11))
      (i32.const 1024)))

  (core instance $main (instantiate $main
    (with "memory" (instance $memory))
    (with "host" (instance
      (export "block" (func $block)) (export "write" (func $write)) (export "get-stdout" (func $get-stdout))
      (export "subscribe-duration" (func $subscribe-duration)) (export "new-fields" (func $new-fields))
      (export "new-request" (func $new-request)) (export "set-method" (func $set-method))
      (export "set-scheme" (func $set-scheme)) (export "set-authority" (func $set-authority))
      (export "set-path" (func $set-path)) (export "handle" (func $handle)) (export "subscribe" (func $subscribe))
      (export "get" (func $get)) (export "status" (func $status)) (export "drop-pollable" (func $drop-pollable))
      (export "drop-stream" (func $drop-stream)) (export "drop-future" (func $drop-future))
      (export "drop-response" (func $drop-response))))))

  (func $run (param "authority" string) (param "steps" u32) (result (result u32 (error string)))
    (canon lift (core func $main "run") (memory $mem) (realloc $realloc)))
  (func $done (result u32) (canon lift (core func $main "done")))
  (instance $steps (export "run" (func $run)) (export "done" (func $done)))
  (export "golem:demo/steps@1.0.0" (instance $steps)))
