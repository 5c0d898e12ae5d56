/**
 * What people and machines may ask of the sidecar itself: health and metrics on a port of their own, and the printing of
 * traces while developing. Of telemetry only the trace printer looks inside. Start reading at
 * {@link dev.spandrel.sidecar.admin.AdminServer}.
 */
package dev.spandrel.sidecar.admin;
