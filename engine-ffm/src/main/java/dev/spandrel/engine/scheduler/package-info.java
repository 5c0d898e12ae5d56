/**
 * Who computes what in the next step: pure bookkeeping over integers, without tensors, clocks, locks or text. One thread,
 * the engine's, calls everything here. Start reading at {@link dev.spandrel.engine.scheduler.Scheduler#schedule}.
 */
package dev.spandrel.engine.scheduler;
