;; A scorer that exercises arithmetic: it answers with the CRC-32 of its evidence and then, for each
;; pair of 64-bit floats in it, with what the float instructions make of them. Division, square root
;; and the rest meet zeros, infinities, subnormals and NaNs of every payload, since any bytes are
;; floats. It imports nothing.
(component
  (type $v (variant (case "invalid-input" string) (case "no-answer" string)))
  (export $failure "failure" (type $v))
  (core module $m
    (memory (export "memory") 1)
    (global $top (mut i32) (i32.const 4096))
    (global $freed (mut i32) (i32.const 0))

    ;; An allocator that only moves forward.
    (func $realloc (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32)
        (result i32)
      (local $at i32)
      (local.set $at (i32.and
        (i32.sub (i32.add (global.get $top) (local.get $align)) (i32.const 1))
        (i32.sub (i32.const 0) (local.get $align))))
      (global.set $top (i32.add (local.get $at) (local.get $size)))
      (block $fits (loop $more
        (br_if $fits (i32.le_u (global.get $top) (i32.mul (memory.size) (i32.const 65536))))
        (drop (memory.grow (i32.const 1)))
        (br $more)))
      (local.get $at))

    (func $crc32 (param $at i32) (param $len i32) (result i32)
      (local $crc i32) (local $bit i32)
      (local.set $crc (i32.const -1))
      (block $done (loop $byte
        (br_if $done (i32.eqz (local.get $len)))
        (local.set $crc (i32.xor (local.get $crc) (i32.load8_u (local.get $at))))
        (local.set $bit (i32.const 8))
        (loop $shift
          (local.set $crc (i32.xor
            (i32.shr_u (local.get $crc) (i32.const 1))
            (i32.and
              (i32.sub (i32.const 0) (i32.and (local.get $crc) (i32.const 1)))
              (i32.const 0xedb88320))))
          (br_if $shift (local.tee $bit (i32.sub (local.get $bit) (i32.const 1)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (local.set $len (i32.sub (local.get $len) (i32.const 1)))
        (br $byte)))
      (i32.xor (local.get $crc) (i32.const -1)))

    ;; Writes 112 bytes about two floats.
    (func $floats (param $x f64) (param $y f64) (param $out i32)
      (f64.store (local.get $out) (f64.add (local.get $x) (local.get $y)))
      (f64.store offset=8 (local.get $out) (f64.sub (local.get $x) (local.get $y)))
      (f64.store offset=16 (local.get $out) (f64.mul (local.get $x) (local.get $y)))
      (f64.store offset=24 (local.get $out) (f64.div (local.get $x) (local.get $y)))
      (f64.store offset=32 (local.get $out) (f64.min (local.get $x) (local.get $y)))
      (f64.store offset=40 (local.get $out) (f64.max (local.get $x) (local.get $y)))
      (f64.store offset=48 (local.get $out) (f64.sqrt (local.get $x)))
      (f64.store offset=56 (local.get $out) (f64.nearest (local.get $x)))
      (f64.store offset=64 (local.get $out) (f64.copysign (local.get $x) (local.get $y)))
      (f64.store offset=72 (local.get $out)
        (f64.promote_f32 (f32.demote_f64 (local.get $x))))
      (f32.store offset=80 (local.get $out)
        (f32.div (f32.demote_f64 (local.get $x)) (f32.demote_f64 (local.get $y))))
      (i32.store offset=84 (local.get $out) (i32.trunc_sat_f64_s (local.get $x)))
      (i64.store offset=88 (local.get $out) (i64.trunc_sat_f64_u (local.get $y)))
      (i64.store offset=96 (local.get $out)
        (i64.rotl (i64.reinterpret_f64 (local.get $x))
          (i64.popcnt (i64.reinterpret_f64 (local.get $y)))))
      (f64.store offset=104 (local.get $out)
        (f64.convert_i64_u (i64.reinterpret_f64 (local.get $y)))))

    ;; Bytes that are no whole number of pairs are no input; the text says what was expected.
    (data (i32.const 64) "expected pairs of 64-bit floats")

    (func (export "score") (param $at i32) (param $len i32) (result i32)
      (local $out i32) (local $next i32)
      (if (i32.and (local.get $len) (i32.const 15)) (then
        (i32.store8 (i32.const 0) (i32.const 1))
        (i32.store (i32.const 8) (i32.const 64))
        (i32.store (i32.const 12) (i32.const 31))
        (return (i32.const 0))))
      (local.set $out (call $realloc (i32.const 0) (i32.const 0) (i32.const 8)
        (i32.add (i32.const 4) (i32.mul (local.get $len) (i32.const 7)))))
      (i32.store (local.get $out) (call $crc32 (local.get $at) (local.get $len)))
      (i32.store (i32.const 4) (local.get $out))
      (i32.store (i32.const 8)
        (i32.add (i32.const 4) (i32.mul (local.get $len) (i32.const 7))))
      (local.set $next (i32.add (local.get $out) (i32.const 4)))
      (block $done (loop $pair
        (br_if $done (i32.eqz (local.get $len)))
        (call $floats (f64.load align=1 (local.get $at)) (f64.load offset=8 align=1 (local.get $at))
          (local.get $next))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (local.set $next (i32.add (local.get $next) (i32.const 112)))
        (local.set $len (i32.sub (local.get $len) (i32.const 16)))
        (br $pair)))
      (i32.const 0))

    ;; Traps if it is called with another pointer than the result's, or twice.
    (func (export "cabi_post_score") (param $at i32)
      (if (i32.or (local.get $at) (global.get $freed)) (then unreachable))
      (global.set $freed (i32.const 1))))
  (core instance $i (instantiate $m))
  (func (export "score") (param "evidence" (list u8)) (result (result (list u8) (error $failure)))
    (canon lift (core func $i "score") (memory (core memory $i "memory")) (realloc (core func $i "cabi_realloc"))
      (post-return (core func $i "cabi_post_score")))))
