/**
 * The trace page: what passes through, to look at while developing. It keeps the last spans in memory, gives them to
 * browsers as they come and never holds up the intake; of telemetry only this and the trace printer look inside. Start
 * reading at {@link dev.spandrel.sidecar.page.TracePage}.
 */
package dev.spandrel.sidecar.page;
