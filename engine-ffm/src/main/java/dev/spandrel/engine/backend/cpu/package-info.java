/**
 * The fast path on the CPU, and the only home of the Vector API. It knows the {@code Backend} verbs and nothing above
 * them; every kernel is a static method over primitive arguments that C2 compiles well (static final species, no vector in
 * an array or across a call). Start reading at {@link dev.spandrel.engine.backend.cpu.CpuBackend}.
 */
package dev.spandrel.engine.backend.cpu;
