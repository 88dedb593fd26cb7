;; A worker whose files are given by path. Errors are told as -1 minus the place of WASI's error code in its list.
;;
;;     append: func(path: string, text: string) -> s32     to a file, which is made where there is none
;;     content: func(path: string) -> string               `?` where it cannot be opened
;;     modified: func(path: string) -> u64                 in seconds; recorded
;;     around: func(path: string) -> list<u8>              the first byte before and after its times are asked for
;;     unlink: func(path: string) -> s32
;;     fail: func()                                        traps
;;
;; Its snapshots have nothing in them: what it has are its files.
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
    (export "[method]descriptor.unlink-file-at"
      (func (param "self" (borrow $descriptor)) (param "path" string) (result (result (error $error-code)))))
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
  (core func $unlink (canon lower (func $types "[method]descriptor.unlink-file-at") (memory $mem)))
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
    (import "host" "unlink" (func $unlink-at (param i32 i32 i32 i32)))
    (import "host" "append" (func $append-via-stream (param i32 i32)))
    (import "host" "stat" (func $stat (param i32 i32)))
    (import "host" "read" (func $read (param i32 i64 i64 i32)))
    (import "host" "write" (func $write (param i32 i32 i32 i32)))
    (import "host" "drop-descriptor" (func $drop-descriptor (param i32)))
    (import "host" "drop-stream" (func $drop-stream (param i32)))
    (data (i32.const 16) "?")

    ;; Results of the host lie at 256: a byte that says ok (0) or err, and behind it, at 4, a handle or the error code.
    (func $must (if (i32.load8_u (i32.const 256)) (then unreachable)))
    (func $outcome (result i32)
      (if (result i32) (i32.load8_u (i32.const 256))
        (then (i32.sub (i32.const -1) (i32.load8_u (i32.const 260))))
        (else (i32.load (i32.const 260)))))

    (func $root (result i32)
      (local $list i32) (local $at i32)
      (call $get-directories (i32.const 256))
      (local.set $list (i32.load (i32.const 256)))
      (local.set $at (i32.load (i32.const 260)))
      (loop $again
        (local.set $at (i32.sub (local.get $at) (i32.const 1)))
        (if (local.get $at) (then
          (call $drop-descriptor (i32.load (i32.add (local.get $list) (i32.mul (local.get $at) (i32.const 12)))))
          (br $again))))
      (i32.load (local.get $list)))

    (func $open (param $path i32) (param $length i32) (param $open-flags i32) (param $flags i32) (result i32)
      (local $root i32)
      (local.set $root (call $root))
      (call $open-at (local.get $root) (i32.const 0) (local.get $path) (local.get $length) (local.get $open-flags)
        (local.get $flags) (i32.const 256))
      (call $drop-descriptor (local.get $root))
      (call $outcome))

    (func (export "append") (param $path i32) (param $length i32) (param $text i32) (param $size i32) (result i32)
      (local $file i32) (local $stream i32)
      (local.set $file (call $open (local.get $path) (local.get $length) (i32.const 1) (i32.const 2)))
      (global.set $next (i32.const 4096))
      (if (i32.lt_s (local.get $file) (i32.const 0)) (then (return (local.get $file))))
      (call $append-via-stream (local.get $file) (i32.const 256))
      (call $must)
      (local.set $stream (i32.load (i32.const 260)))
      (call $write (local.get $stream) (local.get $text) (local.get $size) (i32.const 256))
      (call $must)
      (call $drop-stream (local.get $stream))
      (call $drop-descriptor (local.get $file))
      (i32.const 0))

    (func (export "content") (param $path i32) (param $length i32) (result i32)
      (local $file i32)
      (local.set $file (call $open (local.get $path) (local.get $length) (i32.const 0) (i32.const 1)))
      (if (i32.lt_s (local.get $file) (i32.const 0)) (then
        (i32.store (i32.const 260) (i32.const 16))
        (i32.store (i32.const 264) (i32.const 1))
        (return (i32.const 260))))
      (call $read (local.get $file) (i64.const 10000) (i64.const 0) (i32.const 256))
      (call $must)
      (call $drop-descriptor (local.get $file))
      (global.set $next (i32.const 4096))
      (i32.const 260))

    (func (export "modified") (param $path i32) (param $length i32) (result i64)
      (local $file i32)
      (local.set $file (call $open (local.get $path) (local.get $length) (i32.const 0) (i32.const 1)))
      (call $stat (local.get $file) (i32.const 256))
      (call $must)
      (call $drop-descriptor (local.get $file))
      (global.set $next (i32.const 4096))
      (i64.load (i32.const 320)))

    (func $first (param $path i32) (param $length i32) (result i32)
      (local $file i32)
      (local.set $file (call $open (local.get $path) (local.get $length) (i32.const 0) (i32.const 1)))
      (call $read (local.get $file) (i64.const 1) (i64.const 0) (i32.const 256))
      (call $must)
      (call $drop-descriptor (local.get $file))
      (i32.load8_u (i32.load (i32.const 260))))

    (func (export "around") (param $path i32) (param $length i32) (result i32)
      (local $before i32) (local $file i32)
      (local.set $before (call $first (local.get $path) (local.get $length)))
      (local.set $file (call $open (local.get $path) (local.get $length) (i32.const 0) (i32.const 1)))
      (call $stat (local.get $file) (i32.const 256))
      (call $must)
      (call $drop-descriptor (local.get $file))
      (i32.store8 (i32.const 25) (call $first (local.get $path) (local.get $length)))
      (i32.store8 (i32.const 24) (local.get $before))
      (global.set $next (i32.const 4096))
      (i32.store (i32.const 260) (i32.const 24))
      (i32.store (i32.const 264) (i32.const 2))
      (i32.const 260))

    (func (export "unlink") (param $path i32) (param $length i32) (result i32)
      (local $root i32)
      (local.set $root (call $root))
      (call $unlink-at (local.get $root) (local.get $path) (local.get $length) (i32.const 256))
      (call $drop-descriptor (local.get $root))
      (global.set $next (i32.const 4096))
      (if (result i32) (i32.load8_u (i32.const 256))
        (then (i32.sub (i32.const -1) (i32.load8_u (i32.const 257))))
        (else (i32.const 0))))

    (func (export "fail") unreachable)

    (func (export "save") (result i32)
      (i64.store (i32.const 256) (i64.const 0))
      (i32.const 256))
    (func (export "load") (param i32 i32) (result i32)
      (global.set $next (i32.const 4096))
      (i32.store8 (i32.const 256) (i32.const 0))
      (i32.const 256)))

  (core instance $main (instantiate $main
    (with "memory" (instance $memory))
    (with "host" (instance
      (export "get-directories" (func $get-directories)) (export "open-at" (func $open-at))
      (export "unlink" (func $unlink)) (export "append" (func $append)) (export "stat" (func $stat))
      (export "read" (func $read)) (export "write" (func $write)) (export "drop-descriptor" (func $drop-descriptor))
      (export "drop-stream" (func $drop-stream))))))

  (func (export "append") (param "path" string) (param "text" string) (result s32)
    (canon lift (core func $main "append") (memory $mem) (realloc $realloc)))
  (func (export "content") (param "path" string) (result string)
    (canon lift (core func $main "content") (memory $mem) (realloc $realloc)))
  (func (export "modified") (param "path" string) (result u64)
    (canon lift (core func $main "modified") (memory $mem) (realloc $realloc)))
  (func (export "around") (param "path" string) (result (list u8))
    (canon lift (core func $main "around") (memory $mem) (realloc $realloc)))
  (func (export "unlink") (param "path" string) (result s32)
    (canon lift (core func $main "unlink") (memory $mem) (realloc $realloc)))
  (func (export "fail") (canon lift (core func $main "fail")))

  (func $save (result (list u8)) (canon lift (core func $main "save") (memory $mem)))
  (func $load (param "bytes" (list u8)) (result (result (error string)))
    (canon lift (core func $main "load") (memory $mem) (realloc $realloc)))
  (instance $save-snapshot (export "save" (func $save)))
  (instance $load-snapshot (export "load" (func $load)))
  (export "golem:api/save-snapshot@1.1.7" (instance $save-snapshot))
  (export "golem:api/load-snapshot@1.1.7" (instance $load-snapshot)))
