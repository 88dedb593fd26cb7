;; A sum that is only ever added to: what was lost, or done twice, shows in it. Imports nothing.
(component
  (core module $main
    (global $sum (mut i32) (i32.const 0))
    (func $add (export "add") (param $amount i32) (result i32)
      (global.set $sum (i32.add (global.get $sum) (local.get $amount)))
      (global.get $sum))
    (func (export "sum") (result i32) (global.get $sum))
    ;; Compute for a while, then add.
    (func (export "work") (param $rounds i32) (param $amount i32) (result i32)
      (loop $again
        (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
        (br_if $again (i32.gt_s (local.get $rounds) (i32.const 0))))
      (call $add (local.get $amount))))
  (core instance $main (instantiate $main))
  (func (export "add") (param "amount" u32) (result u32) (canon lift (core func $main "add")))
  (func (export "sum") (result u32) (canon lift (core func $main "sum")))
  (func (export "work") (param "rounds" u32) (param "amount" u32) (result u32) (canon lift (core func $main "work"))))
