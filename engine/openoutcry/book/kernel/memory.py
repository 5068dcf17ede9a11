"""Typed loads and stores at an address, as LLVM instructions.

Why not record arrays: helper functions that take many arrays are three times slower (each array is seven arguments),
signed indices are checked for wrap-around, and u64 indices turn int64 sums into floats. With addresses every value in
a kernel is an int64, any helper takes two or three of them, and prefetching is one more instruction.

Every address comes from the header, which `Books` fills with the addresses of arrays that it keeps alive.
"""

from collections.abc import Callable
from typing import Any, TypeAlias, cast

import llvmlite.ir as ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

I1 = ir.IntType(1)
I8 = ir.IntType(8)
I32 = ir.IntType(32)
I64 = ir.IntType(64)


def _loader(width: ir.IntType) -> Any:
    def load(typingctx: Any, address: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            pointer = builder.inttoptr(args[0], width.as_pointer())
            value = builder.load(pointer)
            return value if width.width == 64 else builder.zext(value, I64)

        return types.int64(types.int64), codegen

    return load


def _storer(width: ir.IntType) -> Any:
    def store(typingctx: Any, address: Any, value: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            pointer = builder.inttoptr(args[0], width.as_pointer())
            value = args[1] if width.width == 64 else builder.trunc(args[1], width)
            builder.store(value, pointer)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64), codegen

    return store


Load: TypeAlias = Callable[[int], int]
Store: TypeAlias = Callable[[int, int], None]

get1 = cast(Load, intrinsic(_loader(I8)))
"""Return the u8 at an address, as int64."""
get4 = cast(Load, intrinsic(_loader(I32)))
"""Return the u32 at an address, as int64."""
get8 = cast(Load, intrinsic(_loader(I64)))
"""Return the i64 at an address."""
put1 = cast(Store, intrinsic(_storer(I8)))
"""Store the low 8 bits of a value at an address."""
put4 = cast(Store, intrinsic(_storer(I32)))
"""Store the low 32 bits of a value at an address."""
put8 = cast(Store, intrinsic(_storer(I64)))
"""Store a value at an address as i64."""


def _prefetch(typingctx: Any, address: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, I32, I32, I32])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [builder.inttoptr(args[0], cgutils.voidptr_t), I32(0), I32(3), I32(1)])
        return context.get_dummy_value()

    return types.void(types.int64), codegen


def _lowest_bit(typingctx: Any, word: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], I1(1))

    return types.int64(types.int64), codegen


def _highest_bit(typingctx: Any, word: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.sub(I64(63), builder.ctlz(args[0], I1(1)))

    return types.int64(types.int64), codegen


def _shift_right(typingctx: Any, word: Any, count: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.lshr(args[0], args[1])

    return types.int64(types.int64, types.int64), codegen


prefetch = cast(Callable[[int], None], intrinsic(_prefetch))
"""Ask for the cache line at an address; never faults, whatever the address."""

lowest_bit = cast(Callable[[int], int], intrinsic(_lowest_bit))
"""Return the index of the lowest set bit of a word that is not 0."""

highest_bit = cast(Callable[[int], int], intrinsic(_highest_bit))
"""Return the index of the highest set bit of a word that is not 0."""

shift_right = cast(Callable[[int, int], int], intrinsic(_shift_right))
"""Shift a word right by a count, filling with zeros (int64 >> fills with the sign)."""
