/* SPDX-License-Identifier: MIT
 *
 * The only place where compiler extensions are named. */
#ifndef STN_BASE_COMPILER_H
#define STN_BASE_COMPILER_H

#if defined(__GNUC__)
#define STN_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define STN_RESTRICT __restrict__
/* A loop body written once and specialised by constant arguments. */
#define STN_INLINE static inline __attribute__((always_inline))
/* Asks for a cache line before it is read or written. */
#define STN_PREFETCH(address) __builtin_prefetch(address, 0, 2)
#else
#define STN_PRINTF(fmt, args)
#define STN_RESTRICT
#define STN_INLINE static inline
#define STN_PREFETCH(address) ((void)(address))
#endif

/* Before an innermost loop that keeps many sums: gcc 12 copies each sum once
 * an iteration, which n rounds an iteration share. */
#define STN_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define STN_UNROLL(n) STN_PRAGMA(clang loop unroll_count(n))
#elif defined(__GNUC__)
#define STN_UNROLL(n) STN_PRAGMA(GCC unroll n)
#else
#define STN_UNROLL(n)
#endif

/* Keeps a vector in a register at this point of a loop, where the compiler
 * would rather have it in memory and something else in the register. */
#if defined(__x86_64__) && defined(__GNUC__)
#define STN_KEEP(vector) __asm__("" : "+x"(vector))
#elif defined(__aarch64__) && defined(__GNUC__)
#define STN_KEEP(vector) __asm__("" : "+w"(vector))
#endif

/* In a loop that waits for another thread. */
#if defined(__x86_64__) && defined(__GNUC__)
#define STN_PAUSE() __builtin_ia32_pause()
#else
#define STN_PAUSE() ((void)0)
#endif

/* Kernels of x86 are compiled function by function for their instruction set,
 * so that no file needs its own flags: STN_TARGET("avx2"). */
#if defined(__x86_64__) && defined(__GNUC__)
#define STN_X86 1
#define STN_TARGET(isa) __attribute__((target(isa)))
#endif

/* NEON is part of every 64-bit ARM CPU; dot products of bytes are compiled
 * function by function too, which clang can from version 16 on. */
#if defined(__aarch64__) && defined(__GNUC__)
#define STN_ARM64 1
#if !defined(__clang__) || __clang_major__ >= 16
#define STN_ARM_DOTPROD __attribute__((target("arch=armv8.2-a+dotprod")))
#endif
#endif

/* A float loop that the compiler vectorises once per instruction set and the
 * loader picks. Bits do not depend on the pick: contraction is off for the
 * whole project, and reductions in such a function keep a fixed number of
 * partial sums. Not used under sanitizers, which intercept the resolver, nor
 * by clang, whose version 14 gives a clone used from another file a name that
 * the linker does not find. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&         \
    !defined(STN_NO_CLONES)
#define STN_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define STN_CLONES
#endif

/* Before a loop whose iterations are independent although two of its pointers
 * may be equal (in-place operation), which STN_RESTRICT would deny. */
#if defined(__clang__)
#define STN_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define STN_INDEPENDENT _Pragma("GCC ivdep")
#else
#define STN_INDEPENDENT
#endif

#endif
