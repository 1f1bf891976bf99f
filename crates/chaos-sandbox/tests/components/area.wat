;; A generic task whose caller decides every byte that the host decodes: its input is placed at
;; 4,096, and the first four bytes of it say where its result lies, which may be inside the input,
;; in other memory, or nowhere. If the fifth byte is 1, the two words after it are first sent to the
;; host as a note, and if it is 2, as a name whose input is asked for and written to the third word.
(component
  (import "chaoschain:agent/host@0.1.0" (instance $host
    (export "read-input" (func (param "name" string) (result (option (list u8)))))
    (export "note" (func (param "text" string)))))
  (type $v (variant (case "invalid-input" string) (case "no-answer" string)))
  (export $failure "failure" (type $v))
  (core module $libc
    (memory (export "memory") 2)
    (global $calls (mut i32) (i32.const 0))
    ;; The first thing goes to 4,096, the next ones to 65,536.
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
      (select (i32.const 4096) (i32.const 65536) (i32.eq (global.get $calls) (i32.const 1)))))
  (core instance $libc (instantiate $libc))
  (core func $read-input (canon lower (func $host "read-input")
    (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
  (core func $note (canon lower (func $host "note") (memory (core memory $libc "memory"))))
  (core module $code
    (import "libc" "memory" (memory 2))
    (import "host" "read-input" (func $read-input (param i32 i32 i32)))
    (import "host" "note" (func $note (param i32 i32)))
    (func (export "run") (param $at i32) (param $len i32) (result i32)
      (local $kind i32)
      (local.set $kind (i32.load8_u offset=4 (local.get $at)))
      (if (i32.eq (local.get $kind) (i32.const 1)) (then
        (call $note (i32.load offset=5 align=1 (local.get $at))
          (i32.load offset=9 align=1 (local.get $at)))))
      (if (i32.eq (local.get $kind) (i32.const 2)) (then
        (call $read-input (i32.load offset=5 align=1 (local.get $at))
          (i32.load offset=9 align=1 (local.get $at))
          (i32.load offset=13 align=1 (local.get $at)))))
      (i32.load (local.get $at))))
  (core instance $code (instantiate $code
    (with "libc" (instance $libc))
    (with "host" (instance
      (export "read-input" (func $read-input)) (export "note" (func $note))))))
  (func (export "run") (param "input" (list u8)) (result (result (list u8) (error $failure)))
    (canon lift (core func $code "run") (memory (core memory $libc "memory"))
      (realloc (core func $libc "realloc")))))
