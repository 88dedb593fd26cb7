;; A file that grows. What is in it is not recorded: replay writes it again. Its times are: each `note` asks for them.
;;
;;     note: func(text: string) -> string      appends to `notes`, returns all of it
;;     modified: func() -> u64                 when that was, in nanoseconds after the second; traps without a file
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
  (import "wasi:clocks/wall-clock@0.2.3" (instance $wall
    (type $datetime' (record (field "seconds" u64) (field "nanoseconds" u32)))
    (export "datetime" (type $datetime (eq $datetime')))))
  (alias export $wall "datetime" (type $datetime))

  (import "wasi:filesystem/types@0.2.3" (instance $types
    (alias outer 1 $output-stream (type $output-stream'))
    (export "output-stream" (type $output-stream (eq $output-stream')))
    (alias outer 1 $datetime (type $datetime'))
    (export "datetime" (type $datetime (eq $datetime')))
    (type $error-code' (enum "access" "would-block" "already" "bad-descriptor" "busy" "deadlock" "quota" "exist"
      "file-too-large" "illegal-byte-sequence" "in-progress" "interrupted" "invalid" "io" "is-directory" "loop"
      "too-many-links" "message-size" "name-too-long" "no-device" "no-entry" "no-lock" "insufficient-memory"
      "insufficient-space" "not-directory" "not-empty" "not-recoverable" "unsupported" "no-tty" "no-such-device"
      "overflow" "not-permitted" "pipe" "read-only" "invalid-seek" "text-file-busy" "cross-device"))
    (export "error-code" (type $error-code (eq $error-code')))
    (type $descriptor-type' (enum "unknown" "block-device" "character-device" "directory" "fifo" "symbolic-link"
      "regular-file" "socket"))
    (export "descriptor-type" (type $descriptor-type (eq $descriptor-type')))
    (type $descriptor-flags' (flags "read" "write" "file-integrity-sync" "data-integrity-sync" "requested-write-sync"
      "mutate-directory"))
    (export "descriptor-flags" (type $descriptor-flags (eq $descriptor-flags')))
    (type $path-flags' (flags "symlink-follow"))
    (export "path-flags" (type $path-flags (eq $path-flags')))
    (type $open-flags' (flags "create" "directory" "exclusive" "truncate"))
    (export "open-flags" (type $open-flags (eq $open-flags')))
    (type $descriptor-stat' (record (field "type" $descriptor-type) (field "link-count" u64) (field "size" u64)
      (field "data-access-timestamp" (option $datetime)) (field "data-modification-timestamp" (option $datetime))
      (field "status-change-timestamp" (option $datetime))))
    (export "descriptor-stat" (type $descriptor-stat (eq $descriptor-stat')))
    (export "descriptor" (type $descriptor (sub resource)))
    (export "[method]descriptor.open-at"
      (func (param "self" (borrow $descriptor)) (param "path-flags" $path-flags) (param "path" string)
        (param "open-flags" $open-flags) (param "flags" $descriptor-flags)
        (result (result (own $descriptor) (error $error-code)))))
    (export "[method]descriptor.append-via-stream"
      (func (param "self" (borrow $descriptor)) (result (result (own $output-stream) (error $error-code)))))
    (export "[method]descriptor.stat"
      (func (param "self" (borrow $descriptor)) (result (result $descriptor-stat (error $error-code)))))
    (export "[method]descriptor.read"
      (func (param "self" (borrow $descriptor)) (param "length" u64) (param "offset" u64)
        (result (result (tuple (list u8) bool) (error $error-code)))))))
  (alias export $types "descriptor" (type $descriptor))
  (import "wasi:filesystem/preopens@0.2.3" (instance $preopens
    (alias outer 1 $descriptor (type $descriptor'))
    (export "descriptor" (type $descriptor (eq $descriptor')))
    (export "get-directories" (func (result (list (tuple (own $descriptor) string)))))))

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

  (core func $get-directories (canon lower (func $preopens "get-directories") (memory $mem) (realloc $realloc)))
  (core func $open-at (canon lower (func $types "[method]descriptor.open-at") (memory $mem)))
  (core func $append (canon lower (func $types "[method]descriptor.append-via-stream") (memory $mem)))
  (core func $stat (canon lower (func $types "[method]descriptor.stat") (memory $mem)))
  (core func $read (canon lower (func $types "[method]descriptor.read") (memory $mem) (realloc $realloc)))
  (core func $write (canon lower (func $streams "[method]output-stream.blocking-write-and-flush") (memory $mem)))
  (core func $drop-descriptor (canon resource.drop $descriptor))
  (core func $drop-stream (canon resource.drop $output-stream))

  (core module $main
    (import "memory" "memory" (memory 1))
    (import "memory" "next" (global $next (mut i32)))
    (import "host" "get-directories" (func $get-directories (param i32)))
    (import "host" "open-at" (func $open-at (param i32 i32 i32 i32 i32 i32 i32)))
    (import "host" "append" (func $append (param i32 i32)))
    (import "host" "stat" (func $stat (param i32 i32)))
    (import "host" "read" (func $read (param i32 i64 i64 i32)))
    (import "host" "write" (func $write (param i32 i32 i32 i32)))
    (import "host" "drop-descriptor" (func $drop-descriptor (param i32)))
    (import "host" "drop-stream" (func $drop-stream (param i32)))
    (data (i32.const 16) "notes")

    ;; Results of the host lie at 256: first a byte that says ok (0) or err, at 4 the handle that an ok has.
    (func $must (if (i32.load8_u (i32.const 256)) (then unreachable)))
    (func $got (result i32) (call $must) (i32.load (i32.const 260)))

    ;; Open the file in the first of the directories; 3 = to read and write.
    (func $open (param $open-flags i32) (result i32)
      (local $list i32) (local $at i32)
      (call $get-directories (i32.const 256))
      (local.set $list (i32.load (i32.const 256)))
      (local.set $at (i32.load (i32.const 260)))
      (call $open-at (i32.load (local.get $list)) (i32.const 0) (i32.const 16) (i32.const 5) (local.get $open-flags)
        (i32.const 3) (i32.const 512))
      (loop $again
        (local.set $at (i32.sub (local.get $at) (i32.const 1)))
        (call $drop-descriptor (i32.load (i32.add (local.get $list) (i32.mul (local.get $at) (i32.const 12)))))
        (br_if $again (local.get $at)))
      (if (i32.load8_u (i32.const 512)) (then unreachable))
      (i32.load (i32.const 516)))

    (func (export "note") (param $text i32) (param $length i32) (result i32)
      (local $file i32) (local $stream i32)
      (local.set $file (call $open (i32.const 1)))
      (call $append (local.get $file) (i32.const 256))
      (local.set $stream (call $got))
      (call $write (local.get $stream) (local.get $text) (local.get $length) (i32.const 256))
      (call $must)
      (call $drop-stream (local.get $stream))
      ;; result<descriptor-stat, error-code>: the size lies at 24.
      (call $stat (local.get $file) (i32.const 256))
      (call $must)
      (call $read (local.get $file) (i64.load (i32.const 280)) (i64.const 0) (i32.const 256))
      (call $must)
      (call $drop-descriptor (local.get $file))
      (global.set $next (i32.const 4096))
      (i32.const 260))

    (func (export "modified") (result i64)
      (local $file i32)
      (local.set $file (call $open (i32.const 0)))
      (call $stat (local.get $file) (i32.const 256))
      (call $must)
      (call $drop-descriptor (local.get $file))
      (global.set $next (i32.const 4096))
      (i64.load32_u (i32.const 328))))

  (core instance $main (instantiate $main
    (with "memory" (instance $memory))
    (with "host" (instance
      (export "get-directories" (func $get-directories)) (export "open-at" (func $open-at))
      (export "append" (func $append)) (export "stat" (func $stat)) (export "read" (func $read))
      (export "write" (func $write)) (export "drop-descriptor" (func $drop-descriptor))
      (export "drop-stream" (func $drop-stream))))))

  (func (export "note") (param "text" string) (result string)
    (canon lift (core func $main "note") (memory $mem) (realloc $realloc)))
  (func (export "modified") (result u64) (canon lift (core func $main "modified"))))
