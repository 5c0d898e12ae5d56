/**
 * The clock as an argument. Everything that waits or measures takes a {@link dev.spandrel.sidecar.time.Ticker}, so that
 * a test can turn the hands; it knows nothing else of the sidecar. Start reading at
 * {@link dev.spandrel.sidecar.time.Ticker}.
 */
package dev.spandrel.sidecar.time;
