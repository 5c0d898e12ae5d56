/**
 * Requests are put together and taken apart here, still encoded: {@link dev.spandrel.sidecar.batch.Batcher} joins small
 * ones, {@link dev.spandrel.sidecar.batch.Splitter} halves one that is too large or refused. It knows the journal it
 * reads from and the tags of OTLP, and no transport. Start reading at {@link dev.spandrel.sidecar.batch.Batcher}.
 */
package dev.spandrel.sidecar.batch;
